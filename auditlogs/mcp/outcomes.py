"""The outcome of a request: the `result` of its entry and the keys of its payload that tell why."""

from collections.abc import Callable, Mapping
from typing import Any

from mcp.shared.exceptions import MCPError

from auditlogs.entry import numbers
from auditlogs.entry.failures import text_of
from auditlogs.entry.schema import Result
from auditlogs.entry.text import encodable
from auditlogs.redaction import Redactor

ERROR_LENGTH = 2_000
NO_TEXT = "The tool reported an error without a text."
CANCELLED = "The call was cancelled."

Answer = Mapping[str, Any]
IsFailure = Callable[[Answer], bool]
Outcome = tuple[Result, dict[str, Any]]

_redactor = Redactor()


def answered(answer: Answer, is_failure: IsFailure | None = None) -> Outcome:
    """Return the outcome of a call of a tool by its result, without the content."""
    if answer.get("isError") is True:
        return "failure", {"isError": True, "error": _error_in(answer)}
    if answer.get("resultType") == "input_required":
        return "partial", {"isError": False, "status": "input_required"}
    if task := task_in(answer):
        return "partial", {"isError": False, "status": task.get("status"), "taskId": task["taskId"]}
    if is_failure is not None and is_failure(answer):
        return "failure", {"isError": False, "error": _error_in(answer)}
    return "success", {"isError": False}


def raised(error: BaseException) -> Outcome:
    """Return the outcome of a request that ended with an exception."""
    if isinstance(error, MCPError):
        return "failure", {"code": error.error.code, "error": beginning(error.error.message)}
    return "failure", {"errorType": type(error).__qualname__, "error": beginning(text_of(error))}


def cancelled(reason: str | None) -> Outcome:
    """Return the outcome of a request that its client cancelled or left."""
    return "failure", {"status": "cancelled", "error": beginning(reason or CANCELLED)}


def task_in(answer: Answer) -> Mapping[str, Any] | None:
    """Return the task that a call of a tool has started instead of answering: the result itself in
    the tasks extension of 2026-07-28, its member `task` in the protocol of 2025-11-25."""
    task = answer if answer.get("resultType") == "task" else answer.get("task")
    return task if isinstance(task, Mapping) and isinstance(task.get("taskId"), str) else None


def beginning(text: str, length: int = ERROR_LENGTH) -> str:
    """Return the beginning of a text without secrets, cut after redaction: the redactor does not
    recognize half a secret. Lone surrogates, which cannot be stored, are escaped."""
    return _redactor.beginning(encodable(text), length)


def _error_in(answer: Answer) -> str:
    """Return the text of a failed result, else that of its embedded resources, else its structured
    content as JSON, else a fixed sentence."""
    parts = [part for part in answer.get("content") or () if isinstance(part, Mapping)]
    embedded = [part["resource"] for part in parts if isinstance(part.get("resource"), Mapping)]
    text = _joined(parts) or _joined(embedded)
    if not text and (structured := answer.get("structuredContent")):
        text = numbers.encode(structured).decode()
    return beginning(text or NO_TEXT)


def _joined(parts: list[Mapping[str, Any]]) -> str:
    texts = (part.get("text") for part in parts)
    return "\n".join(text for text in texts if isinstance(text, str) and text.strip())
