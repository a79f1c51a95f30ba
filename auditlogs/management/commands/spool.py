"""Show or drain the spool."""

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
    """Shows how many entries wait in this host's spool, or stores them now."""

    help = "Show the state of this host's spool (status), or store its entries now (drain)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["status", "drain"])

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["action"] == "drain":
                moved = drain_now(spool(), DRAIN_SECONDS)
                self.stdout.write(f"Left the spool: {moved:,}")
            self._status()
        except BlockingIOError as error:
            raise CommandError("A worker is already draining the spool.") from error
        except (SpoolError, StorageError) as error:
            raise CommandError(str(error)) from error

    def _status(self) -> None:
        host_spool = spool()
        depth = host_spool.depth()
        self.stdout.write(f"Waiting: {depth.waiting:,}")
        self.stdout.write(f"Oldest: {depth.oldest_seconds:.0f} s")
        self.stdout.write(f"Dead letters: {depth.dead:,}")
        self.stdout.write(f"Size: {host_spool.file.size():,} of {host_spool.max_bytes:,} bytes")
        if lost := host_spool.file.losses.total():
            path = host_spool.file.losses.path
            self.stdout.write(f"Lost: {lost:,} (until you delete {path})")
        self.stdout.write(f"Breaker: {host_spool.breaker.state}")
        for letter in host_spool.dead_letters():
            since = format_rfc3339(EPOCH + timedelta(seconds=letter.since))
            self.stdout.write(f"  {since} {letter.id} ({letter.account}): {letter.reason}")
