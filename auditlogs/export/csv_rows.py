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

# Spreadsheets calculate a cell that begins with one of these, in full width and as a small form
# too, and some skip what cannot be seen before it:
# https://owasp.org/www-community/attacks/CSV_Injection. An apostrophe is among them so that one
# that was put there can be told from the text's own.
_BLANKS = '[\\s"\ufeff\u200b]*'
_FIRST = "(?=['=+\\-@＝＋－＠﹦﹢﹣﹫−])"  # noqa: RUF001
# In many countries a semicolon separates cells, so that a cell may also begin inside one of ours.
_IN_TEXT = re.compile(f"^(?=[\t\r\n])|(?:^|[;\t\r\n]){_BLANKS}{_FIRST}")
_IN_JSON = re.compile(f";(?={_BLANKS}{_FIRST})")


def neutral(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: with an apostrophe before what could
    begin one, and before an apostrophe of its own in such a place."""
    return _IN_TEXT.sub(r"\g<0>'", text)


def neutral_json(text: str) -> str:
    """Return JSON of the same value in which no formula follows a semicolon, which is escaped: it
    can be in strings alone. At its beginning JSON is no formula."""
    return _IN_JSON.sub(r"\\u003b", text)


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
    if isinstance(value, str):
        return neutral(value)
    return neutral_json(numbers.encode(value).decode())
