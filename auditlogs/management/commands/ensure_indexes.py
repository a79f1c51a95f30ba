"""Create the indexes of the log."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from auditlogs.storage import indexes
from auditlogs.storage.mongo import StorageError, time_limit
from auditlogs.storage.retention import is_retention, retention_days

SECONDS = 600


class Command(BaseCommand):
    """Creates missing indexes and sets the retention."""

    help = "Create the log's indexes and set its retention; needs administrative rights."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--shorten-retention",
            action="store_true",
            help="do not ask before the retention becomes shorter, which deletes entries for good",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with time_limit(SECONDS):
                before = indexes.retention_in_effect()
            if not options["shorten_retention"]:
                self._confirm(before, retention_days())
            with time_limit(SECONDS):
                done = indexes.ensure_indexes()
        except StorageError as error:
            raise CommandError(str(error)) from error
        for name in done:
            self.stdout.write(name)

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
