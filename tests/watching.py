"""What the process asks of the database, command by command."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pymongo import monitoring

Command = dict[str, Any]
Hearer = Callable[[Command], None]


class Watcher(monitoring.CommandListener):
    """Tells who is watching of every command. Registered before any client is made."""

    def __init__(self) -> None:
        self._hearers: list[Hearer] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        for hear in tuple(self._hearers):
            hear(dict(event.command))

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass

    @contextmanager
    def watch(self) -> Iterator[list[Command]]:
        """Keep the commands that are sent meanwhile."""
        commands: list[Command] = []
        with self.hear(commands.append):
            yield commands

    @contextmanager
    def hear(self, hear: Hearer) -> Iterator[None]:
        """Call this for each command before it is sent."""
        self._hearers.append(hear)
        try:
            yield
        finally:
            self._hearers.remove(hear)


watcher = Watcher()


def asked(commands: list[Command], name: str, collection: str) -> list[Command]:
    """Return the commands of a name that were sent to a collection."""
    return [command for command in commands if command.get(name) == collection]
