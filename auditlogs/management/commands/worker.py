"""Run the background work."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from auditlogs.worker import run
from auditlogs.write.spool import spool


class Command(BaseCommand):
    """Stores what waits in this host's spool and counts what the agents did, until it is ended. Any
    number may run: of those of a host one drains, of all one counts."""

    help = "Store what waits in this host's spool and count, until ended. Any number may run."

    def handle(self, *args: Any, **options: Any) -> None:
        """End in order at SIGTERM and Ctrl-C."""
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        run(spool(), stop)
