"""Stories with people: keys, the kill switch, a guest, and a visit of staff."""

from datetime import datetime, timedelta
from random import Random

from auditlogs.entry.schema import NewEntry, Target
from hub.demo.cast import (
    ADA,
    FREE_TRADERS,
    GUESTS,
    LUKASZ,
    NIGHT,
    PEOPLE,
    PLATFORM,
    PROVIDERS,
    SWEEP,
    Agent,
    Person,
)
from hub.demo.trading import call_tool, create, new_order, reject
from hub.demo.work import Work


def key_rotated(random: Random, at: datetime) -> list[NewEntry]:
    """Generate a key rotation: the agent uses the old key until its configuration is updated."""
    person = random.choice(PEOPLE)
    old, new = f"{random.getrandbits(16):04x}", f"{random.getrandbits(16):04x}"
    rotation = Work(random, at)
    step_up(rotation, person)
    rotation.note(
        person,
        "api_key.rotated",
        target=SWEEP.key,
        took=80,
        about=SWEEP,
        payload={
            "changes": [{"field": "lastFour", "from": old, "to": new}],
            "keyName": SWEEP.key_name,
            "scopes": list(SWEEP.scopes),
        },
    )
    entries = rotation.entries
    at = rotation.at + timedelta(seconds=random.uniform(20, 90))
    for attempt in range(random.randint(8, 12)):
        entries += _refused_sign_in(random, at, "auth.token.refreshed" if attempt == 0 else None)
        at += timedelta(seconds=random.uniform(15, 150))
    repair = Work(random, at + timedelta(seconds=random.uniform(60, 400)))
    repair.note(
        person,
        "bot.config.updated",
        target=SWEEP.bot,
        took=60,
        about=SWEEP,
        payload={
            "changes": [
                {
                    "field": "apiKey",
                    "from": {"keyName": SWEEP.key_name, "lastFour": old},
                    "to": {"keyName": SWEEP.key_name, "lastFour": new},
                }
            ]
        },
    )
    repair.wait(5, 30)
    works = {"method": "api_key", "keyName": SWEEP.key_name}
    repair.note(SWEEP, "auth.signed_in", target=SWEEP.key, took=75, payload=works)
    repair.note(SWEEP, "session.created", target=SWEEP.bot, took=12, payload=works)
    repair.wait(5, 20)
    arguments = {"wallets": ["treasury-hot", "treasury-cold"]}
    call_tool(repair, SWEEP, "portfolio_get", arguments=arguments)
    return entries + repair.entries


def _refused_sign_in(random: Random, at: datetime, action: str | None) -> list[NewEntry]:
    work = Work(random, at)
    work.note(
        SWEEP,
        action or random.choice(("auth.sign_in_failed", "auth.token.refreshed")),
        "failure",
        target=SWEEP.key,
        took=18,
        in_session=False,
        payload={
            "method": "api_key",
            "code": "invalid_api_key",
            "error": "The API key is not valid: it was rotated",
            "keyName": SWEEP.key_name,
        },
    )
    return work.entries


def kill_switch(random: Random, at: datetime) -> list[NewEntry]:
    """Generate a kill switch: the platform blocks an agent's orders until a person releases it."""
    agent, person = NIGHT, random.choice(PEOPLE)
    stop = Work(random, at)
    step_up(stop, person)
    _set_kill_switch(stop, person, agent, on=True)
    stop.note(
        PLATFORM,
        "kill_switch.activated",
        target=agent.bot,
        about=agent,
    )
    entries, stopped = stop.entries, stop.at
    for _ in range(random.randint(2, 3)):
        blocked = Work(random, stopped + timedelta(seconds=random.uniform(10, 1_200)))
        order = new_order(blocked, agent)
        reason = f"The kill switch is active for {agent.name}"
        create(blocked, agent, order, random.choice(PROVIDERS))
        reject(blocked, agent, order, reason, "kill_switch_active")
        entries += blocked.entries
    release = Work(random, stopped + timedelta(seconds=random.uniform(1_300, 3_600)))
    _set_kill_switch(release, person, agent, on=False)
    release.note(PLATFORM, "kill_switch.released", target=agent.bot, about=agent)
    return entries + release.entries


def _set_kill_switch(work: Work, person: Person, agent: Agent, *, on: bool) -> None:
    changes = [{"field": "killSwitch", "from": not on, "to": on}]
    payload = {"changes": changes}
    work.note(person, "bot.config.updated", target=agent.bot, took=50, about=agent, payload=payload)


def key_for_a_trial(random: Random, at: datetime) -> list[NewEntry]:
    """Generate a trial: a bot and its key, whose scopes are narrowed, and which is revoked after it
    was found in a request body."""
    agent = random.choice(FREE_TRADERS)
    tag = f"{random.getrandbits(24):06x}"
    bot = Target(type="bot", id=f"bot_{tag}", name=f"{agent.name} (trial)")
    name = f"trial-{tag}"
    key = Target(type="api_key", id=f"key_{tag}", name=name)
    work = Work(random, at)
    changes = [{"field": "template", "from": None, "to": agent.bot_id}]
    work.note(LUKASZ, "bot.created", target=bot, took=140, payload={"changes": changes})
    work.wait(20, 90)
    made = {"keyName": name, "scopes": ["read", "trade"]}
    work.note(LUKASZ, "api_key.created", target=key, took=60, payload=made)
    work.wait(60, 900)
    narrowed = {
        "changes": [{"field": "scopes", "from": ["read", "trade"], "to": ["read"]}],
        "keyName": name,
        "scopes": ["read"],
    }
    work.note(LUKASZ, "api_key.scopes.updated", target=key, took=55, payload=narrowed)
    work.wait(1_800, 5_400)
    found = {
        "keyName": name,
        "error": "The key was found in a request body. Revoke it and create another.",
    }
    work.note(PLATFORM, "api_key.exposed", "partial", target=key, payload=found)
    work.wait(60, 900)
    work.note(LUKASZ, "api_key.revoked", target=key, took=50, payload={"keyName": name})
    return work.entries


def guest(random: Random, at: datetime) -> list[NewEntry]:
    """Generate a guest: added as admin, made a viewer, given an export of the log, and removed."""
    name, id = random.choice(GUESTS)
    member = Target(type="user", id=id, name=name)
    work = Work(random, at)
    joined = {"changes": [{"field": "role", "from": None, "to": "admin"}]}
    work.note(ADA, "member.added", target=member, took=70, payload=joined)
    narrowed = {"changes": [{"field": "role", "from": "admin", "to": "viewer"}]}
    work.note(ADA, "member.role.updated", target=member, took=40, payload=narrowed)
    work.wait(300, 2_000)
    work.note(ADA, "member.reset", target=member, took=60)
    token = Target(type="api_key", id=f"key_{work.hex(6)}", name="session token")
    made = {"keyName": token.name, "scopes": ["logs:read", "logs:export"]}
    work.note(ADA, "auth.token.created", target=token, took=40, payload=made)
    work.wait(60, 600)
    linked = {"method": "oidc", "changes": [{"field": "identity", "from": None, "to": "linked"}]}
    work.note(PLATFORM, "auth.identity.updated", target=member, took=35, payload=linked)
    work.wait(300, 2_000)
    exported = {"changes": [{"field": "exportedEntries", "from": 0, "to": 5_000}]}
    target = Target(type="export", id=f"exp_{work.hex(8)}", name="Last 7 days")
    work.note(ADA, "logs.exported", target=target, took=2_400, payload=exported)
    work.note(ADA, "auth.token.revoked", target=token, took=30, payload=made)
    work.wait(2_000, 6_000)
    left = {"changes": [{"field": "role", "from": "viewer", "to": None}]}
    work.note(ADA, "member.removed", target=member, took=45, payload=left)
    return work.entries


def staff_visit(random: Random, at: datetime) -> list[NewEntry]:
    """Generate a visit of staff, a change of the retention, and a new name of the account."""
    work = Work(random, at)
    account = Target(type="account", id="acc_demo", name="demo")
    changes = [{"field": "account", "from": "platform", "to": "demo"}]
    work.note(LUKASZ, "account.switched", target=account, took=40, payload={"changes": changes})
    work.wait(60, 600)
    work.note(
        PLATFORM, "retention.changed", target=account, payload={"limit": 30, "window": "days"}
    )
    renamed = {"changes": [{"field": "name", "from": "demo fleet", "to": "demo"}]}
    work.note(ADA, "account.renamed", target=account, took=30, payload=renamed)
    return work.entries


def step_up(work: Work, person: Person) -> None:
    """Record that a person confirmed their identity before a change that cannot be undone."""
    payload = {"method": person.method}
    work.note(person, "auth.step_up.challenged", took=35, payload=payload)
    work.wait(4, 20)
    work.note(person, "auth.step_up.completed", took=160, payload=payload)
    work.wait(1, 8)
