"""Run the worker."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from auditlogs.worker import run
from auditlogs.write.spool import spool


class Command(BaseCommand):
    """Drains this host's spool and counts entries until it is stopped. Any number may run: one per
    host drains, and one of all counts."""

    help = "Drain this host's spool and count entries until stopped. Any number may run."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        run(spool(), stop)
