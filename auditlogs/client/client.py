"""The client: a service of its own records over HTTP, with neither Django nor a database driver.

    log = Client("https://hub.example.com", key)
    log.record("order.created", actor={"type": "agent", "id": "agent_7f3a21"}, result="success")

A call returns at once; a thread sends what was recorded, in batches, and tries again with the same
ids. What waits in memory is lost when the process is killed: at most a second's entries while the
Hub answers.
"""

import atexit
import os
import weakref
from types import TracebackType
from typing import Self, Unpack

import msgspec
from msgspec.structs import replace

from auditlogs.client.delivery import Delivery, Pending
from auditlogs.client.outbox import Outbox
from auditlogs.entry.identity import uuid7
from auditlogs.entry.schema import Result
from auditlogs.entry.times import now, to_ms
from auditlogs.intake.fields import EntryFields, called
from auditlogs.intake.validation import MAX_ENTRY_BYTES, Fault, InvalidEntry, check
from auditlogs.redaction import Redactor

CLOSE_SECONDS = 10.0


class Client:
    """Records in the log of one account: that of the API key, whose scope is `logs:write`.

    It may be used by any number of threads. A process that forks keeps what waits; the child
    begins with nothing.
    """

    def __init__(self, url: str, key: str, *, redactor: Redactor | None = None) -> None:
        """Take the Hub's address and the text of the key. Raises ValueError for what is neither."""
        self._url, self._key = url, key
        self._redactor = redactor or Redactor()
        self._closed = False
        self._start_over()
        _clients.add(self)
        atexit.register(self.close)

    def record(self, action: str, *, result: Result, **fields: Unpack[EntryFields]) -> str:
        """Take an entry, without its secrets, to be sent; return its id, which is the writer's.

        The actor and the IDs come from the context where they are not given. Raises InvalidEntry
        for an entry that the log would refuse, and RuntimeError when the client is closed.
        """
        if self._closed:
            raise RuntimeError("the client is closed")
        plain, moment = called(action, result, fields), now()
        entry = check(plain, moment, redactor=self._redactor, kept_days=None).entry
        # Fixed before the first try, so that every further one means the same entry.
        if entry.id is None:
            moment = entry.timestamp or moment
            entry = replace(entry, id=str(uuid7(to_ms(moment))), timestamp=moment)
        assert entry.id is not None
        body = msgspec.json.encode(entry)
        if len(body) > MAX_ENTRY_BYTES:
            raise InvalidEntry([Fault("", "entry-too-large", f"is over {MAX_ENTRY_BYTES:,} bytes")])
        self._outbox.put(Pending(entry.id, entry.action, body))
        return entry.id

    def flush(self, timeout: float = CLOSE_SECONDS) -> bool:
        """Send what waits; tell whether all of it was sent, or lost, within so many seconds."""
        return self._outbox.flush(timeout)

    def close(self, timeout: float = CLOSE_SECONDS) -> None:
        """Send what waits, for so many seconds at most, and end. It happens at exit by itself."""
        if not self._closed:
            self._closed = True
            atexit.unregister(self.close)
            self._outbox.close(timeout)

    @property
    def lost(self) -> int:
        """Return how many entries are lost: refused, given up, or too many at once."""
        return self._outbox.lost

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _start_over(self) -> None:
        # Neither a thread nor a connection lives on in a forked process.
        self._outbox = Outbox(Delivery(self._url, self._key, self._redactor).send)


_clients: weakref.WeakSet[Client] = weakref.WeakSet()


def _start_over() -> None:
    for client in _clients:
        client._start_over()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_over)
