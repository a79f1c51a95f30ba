"""How long a request waits for the database: the time of its commands and the number of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)


@dataclass(slots=True)
class Timing:
    """The commands that were sent: how many round trips, and their time together."""

    round_trips: int = 0
    milliseconds: float = 0.0


_current: ContextVar[Timing | None] = ContextVar("timing", default=None)


@contextmanager
def measure() -> Iterator[Timing]:
    """Add up the commands that this thread sends within the block."""
    timing = Timing()
    token = _current.set(timing)
    try:
        yield timing
    finally:
        _current.reset(token)


class Listener(CommandListener):
    """Adds up commands. The driver calls it in the thread that sends them."""

    def started(self, event: CommandStartedEvent) -> None:
        pass

    def succeeded(self, event: CommandSucceededEvent) -> None:
        _add(event.duration_micros)

    def failed(self, event: CommandFailedEvent) -> None:
        _add(event.duration_micros)


def _add(microseconds: int) -> None:
    if timing := _current.get():
        timing.round_trips += 1
        timing.milliseconds += microseconds / 1_000
