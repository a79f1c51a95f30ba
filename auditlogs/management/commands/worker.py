"""Run the background work."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from auditlogs.spool import spool
from auditlogs.worker import work


class Command(BaseCommand):
    """Stores what waits in this host's spool, until it is ended. Any number may run, one leads."""

    help = "Store what waits in this host's spool, until ended. Any number may run; one leads."

    def handle(self, *args: Any, **options: Any) -> None:
        """End in order at SIGTERM and Ctrl-C."""
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        work(spool(), stop)
