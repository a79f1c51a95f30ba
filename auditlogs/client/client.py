"""The client: records over HTTP, without Django and without a database driver.

    log = Client("https://logs.example.com", key)
    log.record("order.created", actor={"type": "agent", "id": "agent_7f3a21"}, result="success")

A call returns at once; a thread sends the entries in batches and retries with the same ids. A
process that is killed loses the entries in memory: at most a second's while the server answers.
"""

import atexit
import os
import weakref
from multiprocessing.util import Finalize, register_after_fork
from types import TracebackType
from typing import Self, Unpack

from msgspec.structs import replace

from auditlogs.client.delivery import Delivery, Pending
from auditlogs.client.introspection import Introspection, Introspector
from auditlogs.client.outbox import Outbox
from auditlogs.entry import numbers
from auditlogs.entry.identity import uuid7
from auditlogs.entry.schema import Result
from auditlogs.entry.times import now, to_ms
from auditlogs.intake.fields import EntryFields, entry_of_call
from auditlogs.intake.validation import MAX_ENTRY_BYTES, Fault, InvalidEntry, check
from auditlogs.redaction import Redactor

CLOSE_SECONDS = 10.0


class Client:
    """Records in the account of an API key, which needs the scope `logs:write`.

    Safe to use from any number of threads. After a fork the parent keeps the waiting entries; the
    child starts with none.
    """

    def __init__(self, url: str, key: str, *, redactor: Redactor | None = None) -> None:
        """Take the server's address and the key's text. Raises ValueError for an invalid one."""
        self._url, self._key = url, key
        self._redactor = redactor or Redactor()
        self._closed = False
        self._start_over()
        _clients.add(self)
        atexit.register(self.close)
        # Children of multiprocessing end without the handlers of atexit, and forked ones without
        # those that their parent has registered here.
        self._close_with_child()
        register_after_fork(self, Client._close_with_child)

    def record(self, action: str, *, result: Result, **fields: Unpack[EntryFields]) -> str:
        """Redact an entry and enqueue it; return its id, which the writer gave or which is new.

        `actor` and the IDs default to those of the context. Raises InvalidEntry for an entry that
        the log would refuse, and RuntimeError when the client is closed.
        """
        if self._closed:
            raise RuntimeError("the client is closed")
        plain, moment = entry_of_call(action, result, fields), now()
        entry = check(plain, moment, redactor=self._redactor, kept_days=None).entry
        # Set before the first attempt, so that a retry is the same entry to the log.
        if entry.id is None:
            moment = entry.timestamp or moment
            entry = replace(entry, id=str(uuid7(to_ms(moment))), timestamp=moment)
        assert entry.id is not None
        body = numbers.encode(entry)
        if len(body) > MAX_ENTRY_BYTES:
            raise InvalidEntry([Fault("", "entry-too-large", f"is over {MAX_ENTRY_BYTES:,} bytes")])
        self._outbox.put(Pending(entry.id, entry.action, body))
        return entry.id

    def introspect(self, token: str) -> Introspection:
        """Ask the Hub whether a token is an active agent's key of the account, and with which
        scopes. The API key needs the scope `keys:verify`. Raises KeysUnavailable."""
        return self._introspector.ask(token)

    def flush(self, timeout: float = CLOSE_SECONDS) -> bool:
        """Send the waiting entries; return whether all are sent or lost within so many seconds."""
        return self._outbox.flush(timeout)

    def close(self, timeout: float = CLOSE_SECONDS) -> None:
        """Send the waiting entries for at most `timeout` seconds, and close. Runs at exit too."""
        if not self._closed:
            self._closed = True
            atexit.unregister(self.close)
            self._finalizer.cancel()
            self._outbox.close(timeout)

    @property
    def lost(self) -> int:
        """How many entries are lost: refused, given up, or beyond the limit of waiting ones."""
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

    def _close_with_child(self) -> None:
        self._finalizer = Finalize(None, self.close, exitpriority=0)

    def _start_over(self) -> None:
        # Threads and connections do not survive a fork.
        self._outbox = Outbox(Delivery(self._url, self._key, self._redactor).send)
        self._introspector = Introspector(self._url, self._key, self._redactor)


_clients: weakref.WeakSet[Client] = weakref.WeakSet()


def _start_over() -> None:
    for client in _clients:
        client._start_over()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_over)
