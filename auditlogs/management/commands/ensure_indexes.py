"""Create the indexes of the log."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from auditlogs.storage import indexes
from auditlogs.storage.indexes import RETENTION_INDEX, Index
from auditlogs.storage.mongo import StorageError, time_limit
from auditlogs.storage.retention import is_retention, retention_days

# For what only reads.
SECONDS = 60
# Making an index takes as long as it takes, minutes on millions of entries. Without any limit here
# the client's own would hold, of seconds.
UNLIMITED_SECONDS = 7 * 24 * 3600


class Command(BaseCommand):
    """Creates missing indexes and sets the retention."""

    help = (
        "Create the log's indexes and set its retention; needs administrative rights. May be "
        "interrupted and run again, and run while the log is in use."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--shorten-retention",
            action="store_true",
            help="do not ask before the retention becomes shorter, which deletes entries for good",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        progress = Progress(self)
        try:
            with time_limit(SECONDS):
                before = indexes.retention_in_effect()
            if not options["shorten_retention"]:
                self._confirm(before, retention_days())
            with time_limit(UNLIMITED_SECONDS):
                indexes.ensure_indexes(progress.begin)
        except StorageError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise CommandError(
                f"Interrupted at {progress.current}. What is done stays; run this again to go on."
            ) from None
        progress.end()
        self.stdout.write(f"{RETENTION_INDEX} ({retention_days()} days)")

    def _confirm(self, before: int | None, days: int) -> None:
        """Ask whether entries may be deleted. Raises CommandError without a yes."""
        if before is None or days >= before or not is_retention(days):
            return
        warning = (
            f"The retention is {before} days. With AUDITLOGS_RETENTION_DAYS={days} the database "
            f"deletes every entry older than {days} days within minutes, for good."
        )
        if not sys.stdin.isatty():
            raise CommandError(f"{warning} Nothing was changed; add --shorten-retention to do so.")
        if input(f"{warning}\nType yes to go on: ").strip().lower() != "yes":
            raise CommandError("Nothing was changed.")


class Progress:
    """Writes which index is being made, and the name of each that is there now."""

    def __init__(self, command: Command) -> None:
        self.current: Index | None = None
        self._out = command.stdout
        self._number, self._total = 0, len(indexes.indexes())

    def begin(self, index: Index) -> None:
        self.end()
        self._number += 1
        self.current = index
        self._out.write(f"{self._number} of {self._total}, {index} …")
        self._out.flush()

    def end(self) -> None:
        if self.current:
            self._out.write(self.current.name)
