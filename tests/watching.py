"""The commands that this process sends to the database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pymongo import monitoring

Command = dict[str, Any]
Callback = Callable[[Command], None]


class Watcher(monitoring.CommandListener):
    """Passes on every command, and counts the documents that come back. Has to be registered before
    the client is created."""

    def __init__(self) -> None:
        self._callbacks: list[Callback] = []
        self.documents = 0

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        for callback in tuple(self._callbacks):
            callback(dict(event.command))

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        found = event.reply.get("cursor", {})
        self.documents += len(found.get("firstBatch", found.get("nextBatch", ())))

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass

    @contextmanager
    def watch(self) -> Iterator[list[Command]]:
        """Collect the commands that are sent within the block."""
        commands: list[Command] = []
        with self.hear(commands.append):
            yield commands

    @contextmanager
    def hear(self, callback: Callback) -> Iterator[None]:
        """Call this for each command within the block, before it is sent."""
        self._callbacks.append(callback)
        try:
            yield
        finally:
            self._callbacks.remove(callback)


watcher = Watcher()


def sent(commands: list[Command], name: str, collection: str) -> list[Command]:
    """Return the commands of a name that were sent to a collection."""
    return [command for command in commands if command.get(name) == collection]
