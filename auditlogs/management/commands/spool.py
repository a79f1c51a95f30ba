"""Look at the spool, or drain it."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from auditlogs.entry.times import EPOCH, format_rfc3339
from auditlogs.storage.mongo import StorageError
from auditlogs.worker import drain_now
from auditlogs.write.spool import spool
from auditlogs.write.spool_file import SpoolError

DRAIN_SECONDS = 600.0


class Command(BaseCommand):
    """Says what waits in this host's spool, or stores it now."""

    help = "Say what waits in this host's spool (status), or store it now (drain)."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what to do."""
        parser.add_argument("action", choices=["status", "drain"])

    def handle(self, *args: Any, **options: Any) -> None:
        """Fail with a sentence where the disk, or the database, does not do its part."""
        try:
            if options["action"] == "drain":
                moved = drain_now(spool(), DRAIN_SECONDS)
                self.stdout.write(f"Left the spool: {moved:,}")
            self._status()
        except BlockingIOError as error:
            raise CommandError("A worker drains the spool already.") from error
        except (SpoolError, StorageError) as error:
            raise CommandError(str(error)) from error

    def _status(self) -> None:
        here = spool()
        depth = here.depth()
        self.stdout.write(f"Waiting: {depth.waiting:,}")
        self.stdout.write(f"Oldest: {depth.oldest_seconds:.0f} s")
        self.stdout.write(f"Dead letters: {depth.dead:,}")
        self.stdout.write(f"Size: {here.file.size():,} of {here.max_bytes:,} bytes")
        if lost := here.file.losses.total():
            self.stdout.write(f"Lost: {lost:,} (until you delete the file {here.file.losses.path})")
        self.stdout.write(f"Breaker: {here.breaker.state}")
        for letter in here.dead_letters():
            since = format_rfc3339(EPOCH + timedelta(seconds=letter.since))
            self.stdout.write(f"  {since} {letter.id} ({letter.account}): {letter.reason}")
