"""Make the log's indexes."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from auditlogs.storage import indexes
from auditlogs.storage.mongo import StorageError, time_limit

SECONDS = 600


class Command(BaseCommand):
    """Makes the indexes that are missing and sets how long entries are kept."""

    help = "Make the log's indexes and set its retention; run it with administrative rights."

    def handle(self, *args: Any, **options: Any) -> None:
        """Name each index."""
        try:
            with time_limit(SECONDS):
                done = indexes.ensure_indexes()
        except StorageError as error:
            raise CommandError(str(error)) from error
        for name in done:
            self.stdout.write(name)
