"""Forks while another thread redacts: the child inherits no lock that nobody will release."""

import os
from collections.abc import Callable
from threading import Event, Thread, Timer
from typing import Any

import pytest

from auditlogs.redaction import Redactor, forks

REDACTOR = Redactor()


class Waits(dict[str, Any]):
    """An object that keeps its redaction waiting."""

    def __init__(self, wait: Callable[[], object]) -> None:
        super().__init__(note="password=hunter2")
        self._wait = wait

    def items(self) -> Any:
        self._wait()
        return super().items()


def status_of_child(check: Callable[[], bool]) -> int:
    """Return the exit status of a forked child: 0 if the check is true in it."""
    child = os.fork()
    if not child:
        os._exit(not check())
    return os.waitpid(child, 0)[1]


def redacts() -> bool:
    return REDACTOR.text("password=hunter2") == "password=[REDACTED:key-name]"


def test_a_process_forks_only_when_no_thread_redacts() -> None:
    begun, may_go_on = Event(), Event()

    def wait() -> None:
        begun.set()
        may_go_on.wait(5)

    thread = Thread(target=REDACTOR.entry, args=({"payload": Waits(wait)},))
    thread.start()
    begun.wait(5)
    Timer(0.1, may_go_on.set).start()
    assert status_of_child(lambda: may_go_on.is_set() and redacts()) == 0
    thread.join(5)
    assert redacts()


def test_a_fork_within_a_redaction_waits_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forks, "_LONGEST_WAIT", 0.05)
    statuses = []
    entry = {"payload": Waits(lambda: statuses.append(status_of_child(redacts)))}
    clean, _ = REDACTOR.entry(entry)
    assert clean == {"payload": {"note": "password=[REDACTED:key-name]"}}
    assert set(statuses) == {0}


def test_a_handler_of_a_signal_may_redact_wherever_it_interrupts() -> None:
    with forks.redactions._gate, forks.redactions._counter:
        assert redacts()
