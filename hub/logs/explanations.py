"""Explanations of an entry: why it failed, and the page of the help about that."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.html import format_html

from auditlogs.entry.reasons import FORBIDDEN, LACK, WORDS
from auditlogs.entry.schema import Entry
from auditlogs.explain.orders import STATES, state_after
from auditlogs.explain.scopes import scope_of
from hub.help.codes import KNOWN_CODES, known_code

# How many characters of a payload's text a sentence quotes.
SHOWN = 80
# Where a payload says why something failed: the most telling first.
REASONS = (*WORDS, "code")
# Words that leave open whether it was a scope: none, a bare "Forbidden", or some about scopes.
OPEN = re.compile(r"\s*(forbidden\.?\s*)?\Z|.*(\b|_)scopes?(\b|_)", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Explanation:
    """A sentence (HTML, may be empty) and a link to a page of the help."""

    sentence: str
    label: str
    url: str


def explanations(entry: Entry) -> list[Explanation]:
    """Return the explanations of an entry, the most important first; for most entries none."""
    found: list[Explanation] = []
    if lack := _lack_of_scope(entry):
        found.append(Explanation(lack, "Scopes and Access Control", reverse("help_scopes")))
    if code := known_code(entry.payload):
        sentence = "" if lack else KNOWN_CODES[code].meaning
        found.append(Explanation(sentence, "About this error", f"{reverse('help_codes')}#{code}"))
    if entry.action.startswith("order."):
        state = state_after(entry.action, entry.result)
        sentence = STATES[state].meaning if state and not found else ""
        anchor = f"#{state}" if state else ""
        found.append(Explanation(sentence, "Order Lifecycle", reverse("help_orders") + anchor))
    return found


def missing_scope(entry: Entry) -> str | None:
    """Return the scope that a key lacked, where an entry says or its tool tells; None elsewhere."""
    if not _lack_of_scope(entry):
        return None
    said = entry.payload or {}
    return _text(said.get("requiredScope")) or _scope_of_call(entry, _tool(entry))


def reasons(payload: Mapping[str, Any] | None) -> list[str]:
    """Return the texts by which a payload says why something failed, the most telling first."""
    values = ((payload or {}).get(name) for name in REASONS)
    return [value for value in values if isinstance(value, str) and value.strip()]


def _lack_of_scope(entry: Entry) -> str:
    """Return the sentence that says which scope a key lacked; empty where it lacked none."""
    said = entry.payload or {}
    tool = _tool(entry)
    lacks = [lack for each in reasons(said) if (lack := LACK.match(each))]
    named = (lack[1] for lack in lacks if lack[1])
    needed = _text(said.get("requiredScope")) or next(named, None) or _scope_of_call(entry, tool)
    carried = said.get("keyScopes")
    is_carried = needed and isinstance(carried, list) and needed in carried
    if entry.result == "success" or is_carried or not (needed or lacks):
        return ""
    return format_html(
        "The key{} lacked {} {} needs.",
        format_html(" <bdi>{}</bdi>", name) if (name := _text(said.get("keyName"))) else "",
        format_html("the scope <code>{}</code>, which", needed) if needed else "a scope that",
        format_html("<code>{}</code>", tool) if tool else "the request",
    )


def _scope_of_call(entry: Entry, tool: str | None) -> str | None:
    """Return the scope that is known to open the tool of a call that was forbidden; None where the
    payload gives another reason, by a code or in words."""
    said = entry.payload or {}
    if not tool or entry.action != "mcp.tool.call" or said.get("status") != FORBIDDEN:
        return None
    if (code := said.get("code")) in (None, ""):
        is_lack = all(_fits(OPEN, said.get(name) or "") for name in WORDS)
    else:
        is_lack = _fits(LACK, code)
    return scope_of(tool) if is_lack else None


def _fits(pattern: re.Pattern[str], value: object) -> bool:
    """Tell whether a payload's value is a text that begins as the pattern."""
    return isinstance(value, str) and pattern.match(value) is not None


def _tool(entry: Entry) -> str | None:
    """Return the tool that a payload names, or else the one that the entry has for its target."""
    target = entry.target.id if entry.target and entry.target.type == "tool" else None
    return _text((entry.payload or {}).get("tool")) or _text(target)


def _text(value: object) -> str | None:
    """Return a value, or its beginning, where it is a text with something in it."""
    if not isinstance(value, str) or not value.strip():
        return None
    return value if len(value) <= SHOWN else f"{value[:SHOWN]}…"
