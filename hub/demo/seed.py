"""What a demo holds: an account, someone who signs in, an API key, and a history."""

from bisect import bisect_left
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from rich.console import Console
from rich.progress import track

from auditlogs.accounts import keys
from auditlogs.entry.identity import entry_id
from auditlogs.entry.schema import NewEntry
from auditlogs.entry.times import to_ms
from auditlogs.models import Account
from auditlogs.query.entries import Entries
from auditlogs.recording.recorder import record_many
from auditlogs.storage.retention import retention_days
from hub.demo import history
from hub.models import Membership, Role

NAME = "demo"
READ, WRITE = "logs:read", "logs:write"
HISTORY = timedelta(days=30)
# Between being made and being recorded, no entry may grow older than what is kept.
MARGIN = timedelta(hours=3)
BATCH = 250


def account() -> Account:
    """Return the demo's account, made when it is not there."""
    return Account.objects.get_or_create(name=NAME)[0]


def person(account: Account) -> User:
    """Return the one who signs in as demo with the password demo, made when they are not there: an
    admin, so that every page of the account can be seen."""
    user = User.objects.filter(username=NAME).first()
    if user is None:
        user = User.objects.create_user(NAME, password=NAME)
    Membership.objects.update_or_create(
        user=user, account=account, defaults={"role": Role.ADMIN.value}
    )
    return user


def api_key(account: Account, scope: str, kept: str) -> str:
    """Return the key that was kept, if it still is one of the account, else a new one."""
    known = keys.find(kept)
    if known and known.account == account and scope in known.scopes:
        return kept
    return keys.create(account, f"{NAME} {scope.partition(':')[2]}", [scope], created_by=NAME)


def top_up(account: str, now: datetime) -> int:
    """Record what is missing of the history up to now; return how many entries that were.

    Raises StorageError.
    """
    kept = min(HISTORY, timedelta(days=retention_days())) - MARGIN
    told = history.between(now - kept, now)
    missing = told[_first_missing(told, account) :]
    batches = [missing[start : start + BATCH] for start in range(0, len(missing), BATCH)]
    console = Console(stderr=True)
    if batches and not console.is_terminal:
        console.print(f"Recording {len(missing):,} entries ...")
    for batch in track(
        batches, "Recording entries", console=console, disable=not console.is_terminal
    ):
        record_many(batch, account=account)
    return len(missing)


def _first_missing(told: list[NewEntry], account: str) -> int:
    """Return where recording has to go on.

    A history is recorded from the oldest on, so half of what is left can be ruled out at a time.
    One batch is gone through again: it may have been cut short.
    """
    log = Entries.of(account)

    def is_missing(entry: NewEntry) -> bool:
        assert entry.id
        assert entry.timestamp
        return log.get(entry_id(account, entry.id, to_ms(entry.timestamp))) is None

    return max(0, bisect_left(told, True, key=is_missing) - BATCH)
