"""The demo's data: an account, a user, API keys, and the history of the fleet."""

from bisect import bisect_left
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from rich.console import Console
from rich.progress import track

from auditlogs.accounts import keys
from auditlogs.entry.identity import entry_id
from auditlogs.entry.schema import Entry, NewEntry
from auditlogs.entry.times import now, to_ms
from auditlogs.models import Account, AgentKey
from auditlogs.query.entries import Entries
from auditlogs.recording.recorder import record_many
from auditlogs.storage.retention import retention_days
from hub.demo import history
from hub.demo.cast import ADA, AGENTS
from hub.models import Membership, Role

NAME = "demo"
READ, WRITE = ["logs:read", "logs:export"], ["logs:write"]
HISTORY = timedelta(days=30)
# The oldest entries must not exceed the retention between being generated and being recorded.
MARGIN = timedelta(hours=3)
BATCH = 250


def account() -> Account:
    """Return the demo's account, created if it does not exist."""
    return Account.objects.get_or_create(name=NAME)[0]


def person(account: Account) -> User:
    """Return the user demo with the password demo, created if they do not exist: an admin, so that
    every page of the account can be seen."""
    user = User.objects.filter(username=NAME).first()
    if user is None:
        user = User.objects.create_user(NAME, password=NAME)
    Membership.objects.update_or_create(
        user=user, account=account, defaults={"role": Role.ADMIN.value}
    )
    return user


def api_key(account: Account, scopes: list[str], saved: str) -> str:
    """Return the saved key if it is still a valid one of the account, else a new one."""
    key = keys.find(saved)
    if key and key.account == account and set(scopes) <= set(key.scopes):
        return saved
    name = f"{NAME} {scopes[0].partition(':')[2]}"
    return keys.create(account, name, scopes, created_by=NAME)


def agent_keys(account: Account) -> None:
    """Keep a key for each agent of the fleet, as the history tells of it: it is as old as the
    history, was rotated when that says so, and was last used for the agent's newest entry. Its
    secret is known to nobody, as the fleet calls no server. Raises StorageError."""
    log = Entries.of(account.id)
    for agent in AGENTS:
        made = {
            "name": agent.key_name,
            "agent": agent.id,
            "scopes": list(agent.scopes),
            "digest": keys.digest_of(keys.new_text(keys.AGENT_PREFIX)),
            "last_four": agent.tag[-4:],
            "created_by": ADA.name or "",
        }
        key, is_new = AgentKey.objects.get_or_create(
            account=account, public_id=agent.key.id, defaults=made
        )
        rotated = _newest(log.where("target.id", agent.key.id).where("action", "api_key.rotated"))
        used = _newest(log.where("actor.id", agent.id))
        told: dict[str, Any] = {"last_used_at": used.instant} if used else {}
        if is_new:
            told["created_at"] = now() - HISTORY
        if rotated and (key.rotated_at is None or rotated.instant > key.rotated_at):
            told |= {"rotated_at": rotated.instant, "last_four": _last_four(rotated)}
        AgentKey.objects.filter(pk=key.pk).update(**told)


def _newest(entries: Entries) -> Entry | None:
    return next(iter(entries.page(1, payloads=True).entries), None)


def _last_four(rotated: Entry) -> str:
    (change,) = (rotated.payload or {})["changes"]
    return str(change["to"])


def top_up(account: str, now: datetime) -> int:
    """Record the missing entries of the history up to now; return their number.

    Raises StorageError.
    """
    age = min(HISTORY, timedelta(days=retention_days())) - MARGIN
    entries = history.between(now - age, now)
    missing = entries[_first_missing(entries, account) :]
    batches = [missing[start : start + BATCH] for start in range(0, len(missing), BATCH)]
    console = Console(stderr=True)
    if batches and not console.is_terminal:
        console.print(f"Recording {len(missing):,} entries ...")
    for batch in track(
        batches, "Recording entries", console=console, disable=not console.is_terminal
    ):
        record_many(batch, account=account)
    return len(missing)


def _first_missing(entries: list[NewEntry], account: str) -> int:
    """Return the index of the entry to continue recording with.

    Entries are recorded oldest first, so a binary search finds the first missing one. The batch
    before it is recorded again, since it may be incomplete.
    """
    log = Entries.of(account)

    def is_missing(entry: NewEntry) -> bool:
        assert entry.id
        assert entry.timestamp
        return log.get(entry_id(account, entry.id, to_ms(entry.timestamp))) is None

    return max(0, bisect_left(entries, True, key=is_missing) - BATCH)
