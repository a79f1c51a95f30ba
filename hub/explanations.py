"""What the Hub can say of an entry beyond what the entry says: a sentence, and where to read on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.html import format_html

from auditlogs.codes import KNOWN_CODES, known_code
from auditlogs.orders import STATES, state_after
from auditlogs.schema import Entry
from auditlogs.scopes import scope_of

# How much of a payload's text a sentence takes over.
SHOWN = 80
SCOPE_CODES = ("insufficient_scope", "insufficient-scope")
FORBIDDEN = 403


@dataclass(frozen=True, slots=True)
class Explanation:
    """A sentence, as HTML or empty, and the page of the help that says more."""

    sentence: str
    label: str
    url: str


def explanations(entry: Entry) -> list[Explanation]:
    """Return what there is to say of an entry, what matters most first; mostly nothing."""
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


def _lack_of_scope(entry: Entry) -> str:
    """Return the sentence that says which scope a key lacked; empty where it lacked none."""
    said = entry.payload or {}
    needed, carried = _needed_scope(entry.action, said), said.get("keyScopes")
    is_lacking = needed or said.get("code") in SCOPE_CODES
    is_carried = isinstance(carried, list) and needed in carried
    if entry.result == "success" or not is_lacking or is_carried:
        return ""
    return format_html(
        "The key{} lacked {} {} needs.",
        format_html(" <bdi>{}</bdi>", name) if (name := _text(said, "keyName")) else "",
        format_html("the scope <code>{}</code>, which", needed) if needed else "a scope that",
        format_html("<code>{}</code>", tool) if (tool := _text(said, "tool")) else "the request",
    )


def _needed_scope(action: str, payload: Mapping[str, Any]) -> str | None:
    """Return the scope that a payload says was needed; of a tool call that was forbidden, the one
    that is known to open the tool."""
    scope, tool = _text(payload, "requiredScope"), _text(payload, "tool")
    if scope or action != "mcp.tool.call" or payload.get("status") != FORBIDDEN:
        return scope
    return scope_of(tool) if tool else None


def _text(payload: Mapping[str, Any], name: str) -> str | None:
    """Return a payload's value, or its beginning, where it is a text with something in it."""
    value = payload.get(name)
    if not isinstance(value, str) or not value.strip():
        return None
    return value if len(value) <= SHOWN else f"{value[:SHOWN]}…"
