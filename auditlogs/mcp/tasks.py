"""Tasks: calls of tools that go on after they were answered, until a client sees them ended.

A server tells of the end in the answers to `tasks/get`, `tasks/result` and `tasks/cancel`; a task
that no client asks for again has no entry of its end.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from auditlogs.entry.times import parse_rfc3339
from auditlogs.mcp.outcomes import Answer, Outcome, answered, beginning

METHODS = frozenset({"tasks/get", "tasks/result", "tasks/cancel"})
TERMINAL = ("completed", "failed", "cancelled")
# Tasks that are remembered, so that each end is recorded once however often a client polls.
MAX_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Origin:
    """The call that started a task, as far as this process has seen it."""

    tool: str | None = None
    correlation_id: str | None = None


class Tasks:
    """The tasks that this process has started or seen."""

    def __init__(self) -> None:
        self._origins: OrderedDict[str, Origin | None] = OrderedDict()
        self._lock = threading.Lock()

    def started(self, task_id: str, origin: Origin) -> None:
        """Remember the call that started a task."""
        with self._lock:
            self._remember(task_id, origin)

    def ended(self, task_id: str) -> Origin | None:
        """Return the origin of a task that has ended, or None if its end was recorded already."""
        with self._lock:
            origin = self._origins.get(task_id, Origin())
            self._remember(task_id, None)
            return origin

    def _remember(self, task_id: str, origin: Origin | None) -> None:
        self._origins[task_id] = origin
        self._origins.move_to_end(task_id)
        if len(self._origins) > MAX_REMEMBERED:
            self._origins.popitem(last=False)


def outcome_of(method: str, answer: Answer) -> Outcome | None:
    """Return the outcome of a task by the answer to one of the methods, or None while it runs."""
    if method == "tasks/result":
        # The result of the call itself, which there is only when the task has ended.
        result, details = answered(answer)
        return result, {"status": "completed" if result == "success" else "failed", **details}
    status = answer.get("status")
    if status not in TERMINAL:
        return None
    details = {"status": status}
    if message := answer.get("statusMessage"):
        details["error" if status != "completed" else "reason"] = beginning(str(message))
    inner = answer.get("result")
    if status == "completed" and isinstance(inner, Mapping):
        result, more = answered(inner)
        return result, {**details, **more}
    if isinstance(error := answer.get("error"), Mapping):
        details |= {"code": error.get("code"), "error": beginning(str(error.get("message", "")))}
    return "success" if status == "completed" else "failure", details


def duration_of(answer: Answer) -> float | None:
    """Return how long a task ran, in milliseconds, by its own times; None if it does not tell."""
    try:
        began, ended = (parse_rfc3339(str(answer[name])) for name in ("createdAt", "lastUpdatedAt"))
    except (KeyError, ValueError):
        return None
    return max(0.0, (ended - began).total_seconds() * 1_000)


def details_of(task: Mapping[str, Any], tool: str | None) -> dict[str, Any]:
    """Return what the entries of a task say of it."""
    return {"taskId": task.get("taskId"), "tool": tool}
