"""Entries as rows of CSV (RFC 4180), safe to open in a spreadsheet."""

import csv
import io
import re
from collections.abc import Iterable
from typing import Any

import msgspec

from auditlogs.entry import numbers
from auditlogs.entry.schema import Entry

# The fields of an entry, in the order of the API. What has a part of its own in each entry becomes
# a column of its own; lists and the payload are JSON.
COLUMNS = (
    *("id", "timestamp", "actor.type", "actor.id", "actor.name", "action", "actionType"),
    *("target.type", "target.id", "target.name", "result", "duration"),
    *("correlationId", "requestId", "sessionId", "sourceIp", "botId", "payload", "summary"),
    *("decision.outcome", "decision.policy", "decision.rule", "decision.version"),
    *("decision.reason", "decision.by.type", "decision.by.id", "decision.by.name"),
    *("onBehalfOf", "onBehalfOfDropped", "agent.version", "agent.model", "runId"),
    *("authentication", "approval.id", "approval.outcome", "approval.argumentsHash"),
    *("writerId", "recordedAt", "assertedBy", "redactions"),
)

# Spreadsheets calculate a cell that begins with one of these, in full width too, and some skip what
# cannot be seen before it: https://owasp.org/www-community/attacks/CSV_Injection. In many countries
# a semicolon separates cells, so that a cell may also begin inside one of ours.
_FORMULA = re.compile('(?:^|[;\t\r\n])[\\s"\ufeff\u200b]*(?=[=+\\-@＝＋－＠])')  # noqa: RUF001


def neutral(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: with an apostrophe before what could
    begin one."""
    safe = _FORMULA.sub(r"\g<0>'", text)
    return f"'{safe}" if safe.startswith(("\t", "\r", "\n")) else safe


def header() -> bytes:
    """Return the line with the names of the columns."""
    return line(COLUMNS)


def row(entry: Entry) -> bytes:
    """Return the line of an entry."""
    # The payload may have numbers that only its own encoder writes.
    plain = msgspec.to_builtins(msgspec.structs.replace(entry, payload=None))
    plain["payload"] = entry.payload
    return line(_cell(_at(plain, path)) for path in COLUMNS)


def line(cells: Iterable[str]) -> bytes:
    """Return a line of these cells, with its end."""
    written = io.StringIO()
    csv.writer(written).writerow(cells)
    return written.getvalue().encode()


def _at(plain: Any, path: str) -> Any:
    for name in path.split("."):
        plain = None if plain is None else plain[name]
    return plain


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else numbers.encode(value).decode()
    return neutral(text)
