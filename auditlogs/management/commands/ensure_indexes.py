"""Create the indexes of the log."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from auditlogs.storage import indexes
from auditlogs.storage.mongo import StorageError, time_limit

SECONDS = 600


class Command(BaseCommand):
    """Creates missing indexes and sets the retention."""

    help = "Create the log's indexes and set its retention; needs administrative rights."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with time_limit(SECONDS):
                done = indexes.ensure_indexes()
        except StorageError as error:
            raise CommandError(str(error)) from error
        for name in done:
            self.stdout.write(name)
