"""Dead letters: entries that the log rejected, sent again or dropped by a person, on record.

They are in the spool of the host that received them, so each host has its own.
"""

import hashlib
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from auditlogs.accounts.self_audit import Caller
from auditlogs.entry.schema import Target
from auditlogs.entry.times import EPOCH, format_rfc3339
from auditlogs.intake import context
from auditlogs.recording.guard import audited
from auditlogs.write.spool import DeadLetter, spool

UNREADABLE = "It cannot be read, so sending it again would change nothing."
GONE = "It is not a dead letter any more."
WAITING = "Another entry with its id waits in the spool. Try again when that has been stored."


class LetterRefused(Exception):
    """A dead letter cannot be sent again or dropped: why, in a sentence."""


def refusal(letter: DeadLetter) -> str:
    """Return why a dead letter cannot be sent again, an empty text if it can."""
    return "" if letter.entry else UNREADABLE


def resend(letter: DeadLetter, caller: Caller) -> None:
    """Put a dead letter back into the queue; the worker then stores it or rejects it again.

    Raises LetterRefused, SpoolError, and CannotStore where that cannot be recorded.
    """
    if reason := refusal(letter):
        raise LetterRefused(reason)
    _on_record("dead_letter.resent", letter, caller, spool().revive)


def drop(letter: DeadLetter, caller: Caller) -> None:
    """Delete a dead letter for good. The entry about it says what it was, with a digest of it.

    Raises LetterRefused, SpoolError, and CannotStore where that cannot be recorded.
    """
    _on_record("dead_letter.dropped", letter, caller, spool().drop)


def spooled_at(letter: DeadLetter) -> str:
    """Return when a dead letter was spooled, in RFC 3339."""
    return format_rfc3339(EPOCH + timedelta(seconds=letter.since))


def _on_record(
    action: str, letter: DeadLetter, caller: Caller, change: Callable[[DeadLetter], bool]
) -> None:
    """Change a dead letter between the entries of the intent and of the outcome."""
    with audited(
        action,
        mode="strict",
        account=letter.account,
        actor=caller.actor,
        target=Target(type="entry", id=letter.id),
        payload=_about(letter),
        correlation_id=context.current().correlation_id or str(uuid.uuid4()),
        session_id=caller.session_id,
        source_ip=caller.source_ip,
        authentication=caller.authentication,
    ):
        if not change(letter):
            is_there = spool().dead_letter(letter.id, letter.account) == letter
            raise LetterRefused(WAITING if is_there else GONE)


def _about(letter: DeadLetter) -> dict[str, Any]:
    entry = letter.entry
    about = entry and {
        "timestamp": entry.timestamp,
        "actor": entry.actor.id,
        "action": entry.action,
        "target": entry.target and entry.target.id,
        "result": entry.result,
    }
    return {
        "reason": letter.reason,
        "spooledAt": spooled_at(letter),
        "sha256": hashlib.sha256(letter.body).hexdigest(),
        "entry": about,
    }
