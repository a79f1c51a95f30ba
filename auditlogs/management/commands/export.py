"""Write entries to files by day, for the archive."""

import argparse
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from auditlogs.accounts import accounts
from auditlogs.accounts.self_audit import COMMAND_LINE
from auditlogs.entry.times import now
from auditlogs.export.archive import DAY, Archive, first_day, last_day, locked
from auditlogs.export.compression import COMPRESSIONS, NotInstalled
from auditlogs.export.formats import FORMATS
from auditlogs.models import PLATFORM_ACCOUNT, Account
from auditlogs.storage.mongo import StorageError


class Command(BaseCommand):
    """Writes a file and a manifest for each account and day that have none yet."""

    help = (
        "Write the entries that arrived on each day to a file of that day, with a manifest. Days "
        "that are there already are skipped, so it may be interrupted and run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--folder", type=Path, required=True, metavar="F")
        parser.add_argument(
            "--account", metavar="A", help="its name or id, or acc_platform (every one)"
        )
        parser.add_argument(
            "--since", type=_day, metavar="DAY", help="the first day (the first that is kept whole)"
        )
        parser.add_argument(
            "--until", type=_day, metavar="DAY", help="the last day (the last that is over)"
        )
        parser.add_argument("--format", choices=list(FORMATS), default="ndjson")
        parser.add_argument("--compress", choices=list(COMPRESSIONS), default="gzip")

    def handle(self, *args: Any, **options: Any) -> None:
        since, until = _range(options["since"], options["until"])
        found = _accounts(options["account"])
        days = list(_days(found, since, until))
        if options["account"] and options["since"]:
            self._say_what_begins_later(found, since)
        folder = options["folder"]
        archive = Archive(folder, options["format"], options["compress"], COMMAND_LINE)
        written = 0
        try:
            with locked(folder):
                for account, day in days:
                    if not archive.has(account, day):
                        manifest = archive.write(account, day)
                        name = f"{account}/{manifest.file.name}"
                        self.stdout.write(f"{name}: {manifest.count:,} entries")
                        written += 1
        except BlockingIOError as error:
            raise CommandError(f"Another export is writing into {folder}.") from error
        except (StorageError, NotInstalled, OSError) as error:
            done = f"{written:,} days were written; run this again to go on."
            # The system's own errors have no full stop.
            raise CommandError(f"{str(error).rstrip('.')}. {done}") from error
        self.stdout.write(f"{written:,} days written, {len(days) - written:,} were there already.")

    def _say_what_begins_later(self, found: list[tuple[str, date]], since: date) -> None:
        for account, made in found:
            if made > since:
                self.stdout.write(f"{account} begins later than {since}: it was made on {made}.")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("expected a day such as 2026-11-26") from None


def _range(since: date | None, until: date | None) -> tuple[date, date]:
    """Return the first and the last day to write. Raises CommandError for days that are not whole:
    those to come, and those of which the retention has removed something."""
    moment = now()
    first, last = first_day(moment), last_day(moment)
    since, until = since or first, until or last
    if since < first:
        raise CommandError(f"--since: {first} is the first day that the retention has left whole.")
    if until > last:
        raise CommandError(f"--until: {last} is the last day that is over (in UTC).")
    if since > until:
        raise CommandError(f"No day to write: {since} is after {until}.")
    return since, until


def _accounts(text: str | None) -> list[tuple[str, date]]:
    """Return the ids of the accounts, and the day on which each was made. Raises CommandError."""
    # What the platform records of itself has no row in the accounts' database.
    platform = [(PLATFORM_ACCOUNT, date.min)]
    if text == PLATFORM_ACCOUNT:
        return platform
    if text is None:
        return platform + [_first_day_of(each) for each in Account.objects.order_by("id")]
    account = accounts.find_account(text)
    if account is None:
        raise CommandError(f"Account {text} does not exist.")
    return [_first_day_of(account)]


def _first_day_of(account: Account) -> tuple[str, date]:
    return account.id, account.created_at.date()


def _days(found: list[tuple[str, date]], since: date, until: date) -> Iterator[tuple[str, date]]:
    for account, made in found:
        day = max(since, made)
        while day <= until:
            yield account, day
            day += DAY
