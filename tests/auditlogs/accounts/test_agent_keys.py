"""Agents' keys: what each change does, that it is in the log, and what introspection says after."""

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine

from auditlogs.accounts import agent_keys, keys
from auditlogs.accounts.agent_keys import AgentKeyRefused
from auditlogs.accounts.self_audit import COMMAND_LINE, Caller
from auditlogs.entry.schema import Entry
from auditlogs.models import Account, AgentKey, ApiKey
from auditlogs.query.entries import Entries
from auditlogs.write.store import CannotStore
from tests.factories import unique

if TYPE_CHECKING:
    from pytest_django.fixtures import DjangoAssertNumQueries

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def asking(account: Account) -> ApiKey:
    return a_log_key(account)


def a_log_key(account: Account, bot: str | None = None) -> ApiKey:
    key = keys.look_up(keys.create(account, unique("verify"), ["keys:verify"], bot=bot))
    assert key
    return key


def make(account: Account, **fields: Any) -> tuple[AgentKey, str]:
    given = {"name": "scout-read", "agent": "agent_7f3a21", "scopes": ["read"], **fields}
    return agent_keys.create(account, COMMAND_LINE, **given)


def entries_of(key: AgentKey) -> list[Entry]:
    """Return the entries about a key, oldest first."""
    about = Entries.of(key.account_id).where("target.id", key.public_id)
    return about.page(100, payloads=True).entries[::-1]


def test_of_a_secret_only_its_digest_is_stored(account: Account) -> None:
    key, text = make(account)
    stored = AgentKey.objects.values().get(pk=key.pk)
    assert text.startswith("auda_")
    assert text[5:13] not in str(stored)
    assert keys.find(text) is None


def test_every_change_is_in_the_log_with_before_and_after(account: Account) -> None:
    key, first = make(account)
    second = agent_keys.rotate(key, COMMAND_LINE, timedelta(hours=1))
    assert agent_keys.change_scopes(key, COMMAND_LINE, ["trade", "read"])
    assert not agent_keys.change_scopes(key, COMMAND_LINE, ["read", "trade"])
    agent_keys.revoke(key, COMMAND_LINE)
    told = entries_of(key)
    assert [entry.action for entry in told] == [
        *("api_key.created", "api_key.rotated", "api_key.scopes.updated", "api_key.revoked")
    ]
    changes = [{c["field"]: (c["from"], c["to"]) for c in e.payload["changes"]} for e in told]  # type: ignore[index]
    assert changes[0] == {"scopes": ([], ["read"]), "lastFour": (None, first[-4:])}
    assert changes[1]["lastFour"] == (first[-4:], second[-4:])
    assert changes[2] == {"scopes": (["read"], ["read", "trade"])}
    assert changes[3]["revokedAt"][0] is None
    said = str(told)
    assert first not in said
    assert second not in said


def test_a_change_that_cannot_be_recorded_is_not_made(
    account: Account, asking: ApiKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, text = make(account)

    def refuse(*args: object, **kwargs: object) -> None:
        raise CannotStore("The log is full.")

    monkeypatch.setattr("auditlogs.accounts.self_audit.record", refuse)
    for change in (
        lambda: make(account, name="other"),
        lambda: agent_keys.rotate(key, COMMAND_LINE),
        lambda: agent_keys.change_scopes(key, COMMAND_LINE, ["trade"]),
        lambda: agent_keys.revoke(key, COMMAND_LINE),
    ):
        with pytest.raises(CannotStore):
            change()
    verified = agent_keys.verify(text, asking)
    assert verified
    assert (verified.key.scopes, verified.until) == (["read"], None)
    assert account.agent_keys.count() == 1


def test_after_a_rotation_both_secrets_are_valid_for_the_overlap(
    account: Account, asking: ApiKey
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        key, first = make(account)
        second = agent_keys.rotate(key, COMMAND_LINE)
        clock.move_to(NOON + timedelta(hours=24, seconds=-1))
        old, new = agent_keys.verify(first, asking), agent_keys.verify(second, asking)
        assert old
        assert new
        assert (old.until, new.until) == (NOON + timedelta(hours=24), None)
        clock.move_to(NOON + timedelta(hours=24))
        assert agent_keys.verify(first, asking) is None
        assert agent_keys.verify(second, asking)
        third = agent_keys.rotate(key, COMMAND_LINE, timedelta())
        assert agent_keys.verify(second, asking) is None
        assert agent_keys.verify(third, asking)


def test_a_second_rotation_ends_the_oldest_secret(account: Account, asking: ApiKey) -> None:
    key, first = make(account)
    second, third = (agent_keys.rotate(key, COMMAND_LINE) for _ in range(2))
    valid = [bool(agent_keys.verify(each, asking)) for each in (first, second, third)]
    assert valid == [False, True, True]


def test_a_key_is_nothing_to_another_account_and_to_another_agents_log_key(
    account: Account,
) -> None:
    _, text = make(account)
    other = Account.objects.create(name=unique("other"))
    assert agent_keys.verify(text, a_log_key(other)) is None
    assert agent_keys.verify(text, a_log_key(account, bot="bot-8")) is None
    assert agent_keys.verify(text, a_log_key(account, bot="agent_7f3a21"))


def test_the_last_use_is_kept_to_the_minute_without_a_write_per_call(
    account: Account, asking: ApiKey, django_assert_num_queries: "DjangoAssertNumQueries"
) -> None:
    key, text = make(account)
    with time_machine.travel(NOON, tick=False) as clock:
        with django_assert_num_queries(2):
            agent_keys.verify(text, asking)
        clock.move_to(NOON + timedelta(seconds=59))
        with django_assert_num_queries(1):
            agent_keys.verify(text, asking)
        clock.move_to(NOON + timedelta(seconds=60))
        agent_keys.verify(text, asking)
    key.refresh_from_db()
    assert key.last_used_at == NOON + timedelta(seconds=60)


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({"scopes": ["admin"]}, "scopes", "No such scope: admin. Declared scopes: read, trade."),
        ({"scopes": []}, "scopes", "Choose at least one scope."),
        ({"name": ""}, "name", "The name must have 1 to 100 characters"),
        ({"agent": "a\u200bb"}, "agent", "The agent must have 1 to 256 characters"),
        ({"expires_at": NOON}, "expires", "The time of expiry is in the past."),
        ({"name": "taken"}, "name", "An active agent key has this name."),
    ],
)
def test_what_no_key_can_have_is_refused(
    account: Account, fields: dict[str, Any], field: str, reason: str
) -> None:
    make(account, name="taken")
    with pytest.raises(AgentKeyRefused, match=reason) as refused:
        make(account, **fields)
    assert refused.value.field == field
    assert account.agent_keys.count() == 1


def test_a_revoked_key_is_changed_no_more(account: Account) -> None:
    key, _ = make(account)
    agent_keys.revoke(key, COMMAND_LINE)
    for change in (
        lambda: agent_keys.rotate(key, COMMAND_LINE),
        lambda: agent_keys.change_scopes(key, COMMAND_LINE, ["trade"]),
        lambda: agent_keys.revoke(key, COMMAND_LINE),
    ):
        with pytest.raises(AgentKeyRefused, match="revoked"):
            change()
    assert make(account)


def test_without_declared_scopes_no_key_can_be_created(account: Account, settings: Any) -> None:
    settings.AUDITLOGS_TOOL_SCOPES = ""
    with pytest.raises(AgentKeyRefused, match="none, as AUDITLOGS_TOOL_SCOPES names no file"):
        make(account)


@pytest.mark.slow
@pytest.mark.parametrize("changes", [250, pytest.param(1_000, marks=pytest.mark.faults)])
def test_introspection_knows_each_of_many_random_changes_at_once(
    account: Account, asking: ApiKey, monkeypatch: pytest.MonkeyPatch, changes: int
) -> None:
    """A model of the keys, changed beside them: what is active, until when, with which scopes."""
    told: list[str] = []
    # The entries themselves have tests of their own, and would take most of the time.
    monkeypatch.setattr(
        "auditlogs.accounts.self_audit.record", lambda action, **_: told.append(action)
    )
    dice = random.Random(15)
    caller = Caller(account=account.id)
    with time_machine.travel(NOON, tick=False) as clock:
        moment = NOON
        model: dict[str, tuple[AgentKey, datetime | None]] = {}
        alive: list[AgentKey] = []
        scopes: dict[int, list[str]] = {}
        for number in range(changes):
            moment += timedelta(minutes=dice.randint(1, 240))
            clock.move_to(moment)
            do = dice.choice(("create", "rotate", "scopes", "revoke")) if alive else "create"
            if do == "create" or len(alive) < 3:
                ends = moment + timedelta(days=dice.randint(1, 9)) if dice.random() < 0.3 else None
                key, text = agent_keys.create(
                    *(account, caller),
                    name=f"k{number}",
                    agent="a",
                    scopes=["read"],
                    expires_at=ends,
                )
                alive.append(key)
                model[text], scopes[key.pk] = (key, ends), ["read"]
                continue
            key = dice.choice(alive)
            secrets = [text for text, (of, _) in model.items() if of.pk == key.pk]
            if agent_keys.state(key) != "active":
                alive.remove(key)
            elif do == "rotate":
                overlap = timedelta(hours=dice.choice((0, 1, 24)))
                text = agent_keys.rotate(key, caller, overlap)
                for old in secrets[:-1]:
                    del model[old]
                both = [end for end in (key.expires_at, moment + overlap) if end]
                model[secrets[-1]] = (key, min(both))
                model[text] = (key, key.expires_at)
            elif do == "scopes":
                scopes[key.pk] = dice.choice((["read"], ["trade"], ["read", "trade"]))
                agent_keys.change_scopes(key, caller, scopes[key.pk])
            else:
                agent_keys.revoke(key, caller)
                alive.remove(key)
                for text in secrets:
                    assert agent_keys.verify(text, asking) is None
                    model[text] = (key, moment)
            for text in dice.sample(sorted(model), min(3, len(model))):
                of, until = model[text]
                verified = agent_keys.verify(text, asking)
                assert (verified is not None) == (until is None or until > moment)
                if verified:
                    assert (verified.key.pk, verified.key.scopes) == (of.pk, scopes[of.pk])
    assert len(told) > changes / 2
