"""Elicitations: what a tool asks a person before it goes on, and what became of it.

Since the protocol of 2026-07-28 a call that needs input is answered with `input_required`, and the
client sends it again with the answers. Before, the server asks in the middle of the call. Either
way the question and its answer have one approval id.
"""

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from auditlogs.entry.schema import LONG_ID_LENGTH, ApprovalOutcome, Result
from auditlogs.intake.approvals import arguments_hash
from auditlogs.mcp.outcomes import Answer, beginning

ELICIT = "elicitation/create"
MAX_PENDING = 10_000
MESSAGE_LENGTH = 500
# What the client sends for a person's choice: the end of the action's name, the approval's outcome
# and the result of the entry.
CHOICES: dict[str, tuple[str, ApprovalOutcome, Result]] = {
    "accept": ("accepted", "granted", "success"),
    "decline": ("declined", "denied", "failure"),
    "cancel": ("cancelled", "cancelled", "failure"),
}


@dataclass(frozen=True, slots=True)
class Question:
    """A question to a person: the approval's id, the fields of its call that the entries share, the
    tool, the hash of its arguments, and the text of the question."""

    id: str
    fields: Mapping[str, Any]
    tool: str
    digest: str | None
    message: str
    # What the answer is found by, and when it is too late; of questions that wait.
    link: tuple[str, ...] = ()
    until: float = 0.0

    def approval(self, outcome: ApprovalOutcome) -> dict[str, Any]:
        """Return the approval of an entry about this question."""
        return {"id": self.id, "outcome": outcome, "argumentsHash": self.digest}

    def requested(self) -> tuple[str, Result, dict[str, Any]]:
        """Return action, result and fields of the entry that it was asked."""
        return "mcp.elicitation.requested", "success", self._fields("requested")

    def answered(self, choice: str) -> tuple[str, Result, dict[str, Any]]:
        """Return action, result and fields of the entry of a person's choice."""
        word, outcome, result = CHOICES.get(choice, CHOICES["cancel"])
        return f"mcp.elicitation.{word}", result, self._fields(outcome)

    def ended(self, reason: str, *, is_late: bool) -> tuple[str, Result, dict[str, Any]]:
        """Return action, result and fields of the entry that there was no answer."""
        fields = self._fields("expired" if is_late else "cancelled", reason=reason)
        return "mcp.elicitation.cancelled", "failure", fields

    def _fields(self, outcome: ApprovalOutcome, **more: Any) -> dict[str, Any]:
        payload = {"tool": self.tool, "message": self.message, **more}
        return {**self.fields, "payload": payload, "approval": self.approval(outcome)}


def question(
    fields: Mapping[str, Any], tool: str, digest: str | None, asked: Mapping[str, Any]
) -> Question:
    """Return a question of a call: `asked` are the parameters of the elicitation."""
    message = asked.get("message")
    text = beginning(message, MESSAGE_LENGTH) if isinstance(message, str) else ""
    return Question(str(uuid.uuid4()), fields, tool, digest, text)


def hash_of(tool: str, params: Mapping[str, Any]) -> str | None:
    """Return the hash of a call's arguments, None where they are no JSON."""
    arguments = params.get("arguments")
    try:
        return arguments_hash(tool, arguments if isinstance(arguments, Mapping) else None)
    except (ValueError, TypeError):
        return None


class Waiting:
    """The questions that this process has asked and whose calls have not come again yet.

    `on_late` is called, in a thread of its own, with each that is not answered in so many seconds.
    """

    def __init__(self, seconds: float | None, on_late: Callable[[Question], object]) -> None:
        self._seconds = seconds
        self._on_late = on_late
        self._questions: list[Question] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def ask(self, asked: Question, link: tuple[str, ...]) -> None:
        """Remember a question. Beyond 10,000 the oldest is forgotten."""
        with self._changed:
            until = time.monotonic() + (self._seconds or 0.0)
            self._questions.append(replace(asked, link=link, until=until))
            del self._questions[:-MAX_PENDING]
            if self._seconds is not None and (not self._thread or not self._thread.is_alive()):
                self._thread = threading.Thread(target=self._watch, name="audit-late", daemon=True)
                self._thread.start()

    def take(self, link: tuple[str, ...], digest: str | None) -> Question | None:
        """Return and forget the question that an answer belongs to: of those with this link one
        with the same arguments, else the oldest."""
        with self._changed:
            linked = [each for each in self._questions if each.link == link]
            found = next((each for each in linked if each.digest == digest), None)
            found = found or next(iter(linked), None)
            if found is not None:
                self._questions.remove(found)
            return found

    def _watch(self) -> None:
        while late := self._next_late():
            self._on_late(late)

    def _next_late(self) -> Question | None:
        """Wait for a question to be late and return it; None when none is left to wait for."""
        with self._changed:
            while self._questions:
                # They are as old as their place, because all have the same time.
                rest = self._questions[0].until - time.monotonic()
                if rest <= 0:
                    return self._questions.pop(0)
                self._changed.wait(rest)
            self._thread = None
            return None


def asked_in(answer: Answer) -> dict[str, Mapping[str, Any]]:
    """Return the elicitations that a call is answered with, by their keys."""
    requests = answer.get("inputRequests")
    if answer.get("resultType") != "input_required" or not isinstance(requests, Mapping):
        return {}
    return {
        key: each.get("params") or {}
        for key, each in requests.items()
        if isinstance(each, Mapping) and each.get("method") == ELICIT
    }


def answers_in(params: Mapping[str, Any]) -> dict[str, str]:
    """Return the choices that a call is sent again with, by the keys of the questions."""
    responses = params.get("inputResponses")
    return {
        key: each["action"]
        for key, each in (responses.items() if isinstance(responses, Mapping) else ())
        if isinstance(each, Mapping) and each.get("action") in CHOICES
    }


def link_of(actor: Any, method: str, name: str, key: str, state: Any) -> tuple[str, ...]:
    """Return what a question and the answer to it have in common.

    The state goes to the client and comes back as it was; a server need not send one.
    """
    id = actor.get("id") if isinstance(actor, Mapping) else None
    return str(id)[:LONG_ID_LENGTH], method, name, key, state if isinstance(state, str) else ""
