"""Forks: a process forks between redactions, not during one.

RE2 releases Python's global lock while it searches, and holds locks of its own. A child has a copy
of them as they are at the fork, and one that another thread held is never released in the child,
whose first redaction would wait for it without end.
"""

import os
import threading
import time

# The costliest redaction takes a fraction of a second. After a longer wait a process forks, and a
# redaction begins, all the same: a child that may hang is better than a parent that does.
_LONGEST_WAIT = 5.0
_POLL = 0.001


class Redactions:
    """The redactions that run in this process, as a context. None begins while it forks.

    A redaction may not begin another within it.
    """

    def __init__(self) -> None:
        # A handler of a signal may record in the middle of the lines that hold a lock.
        self._gate = threading.RLock()
        self._counter = threading.RLock()
        self._running = 0

    def __enter__(self) -> None:
        may_begin = self._gate.acquire(timeout=_LONGEST_WAIT)
        with self._counter:
            self._running += 1
        if may_begin:
            self._gate.release()

    def __exit__(self, *_: object) -> None:
        with self._counter:
            self._running -= 1

    def before_fork(self) -> None:
        """Let no redaction begin, and wait up to five seconds for those that run."""
        self._gate.acquire()
        end = time.monotonic() + _LONGEST_WAIT
        while self._running and time.monotonic() < end:
            time.sleep(_POLL)
        self._counter.acquire()

    def in_parent(self) -> None:
        """Let redactions begin again."""
        self._counter.release()
        self._gate.release()

    def in_child(self) -> None:
        """Let redactions begin in a child, which has no thread of its parent's but one."""
        self._running = 0
        self.in_parent()


redactions = Redactions()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=redactions.before_fork,
        after_in_parent=redactions.in_parent,
        after_in_child=redactions.in_child,
    )
