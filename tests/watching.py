"""What the process asks of the database, command by command."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pymongo import monitoring

Command = dict[str, Any]


class Watcher(monitoring.CommandListener):
    """Keeps the commands sent while someone is watching. Registered before any client is made."""

    def __init__(self) -> None:
        self._lists: list[list[Command]] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        for commands in self._lists:
            commands.append(dict(event.command))

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass

    @contextmanager
    def watch(self) -> Iterator[list[Command]]:
        commands: list[Command] = []
        self._lists.append(commands)
        try:
            yield commands
        finally:
            self._lists.remove(commands)


watcher = Watcher()


def asked(commands: list[Command], name: str, collection: str) -> list[Command]:
    """Return the commands of a name that were sent to a collection."""
    return [command for command in commands if command.get(name) == collection]
