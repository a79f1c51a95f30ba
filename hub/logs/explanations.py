"""Why an entry failed, as its page says it at once, and the pages of the help about that."""

from dataclasses import dataclass

from django.urls import reverse

from auditlogs.entry.schema import Entry
from auditlogs.explain.explanation import Name
from auditlogs.explain.failures import cause_of, sentence_of
from auditlogs.explain.orders import STATES, state_after
from hub.help.codes import KNOWN_CODES, known_code
from hub.ui.reasons import REASONS


@dataclass(frozen=True, slots=True)
class HelpLink:
    """A link to a page of the help."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class FailureSentence:
    """Why an entry failed, from the entry alone: each part of the sentence is a text, and whether
    it is a value of the entry."""

    title: str
    parts: list[tuple[str, bool]]


def failure_of(entry: Entry) -> FailureSentence | None:
    """Return why an entry failed; None for one that did not."""
    slug = cause_of(entry)
    if slug is None:
        return None
    parts = [(text, isinstance(text, Name)) for text in sentence_of(entry)]
    if slug in ("other", "sign_in_refused") and (code := known_code(entry.payload)):
        parts = [(KNOWN_CODES[code].meaning, False)]
    return FailureSentence(REASONS[slug].title, parts)


def order_sentence(entry: Entry) -> str:
    """Return the meaning of an order's state after an entry that did not fail; empty for others."""
    state = state_after(entry.action, entry.result) if cause_of(entry) is None else None
    return STATES[state].meaning if state else ""


def help_links(entry: Entry) -> list[HelpLink]:
    """Return the pages of the help about an entry, the most important first."""
    found: list[HelpLink] = []
    if cause_of(entry) == "missing_scope":
        found.append(HelpLink("Scopes and Access Control", reverse("help_scopes")))
    if code := known_code(entry.payload):
        found.append(HelpLink("About this error", f"{reverse('help_codes')}#{code}"))
    if entry.action.startswith("order."):
        state = state_after(entry.action, entry.result)
        anchor = f"#{state}" if state else ""
        found.append(HelpLink("Order Lifecycle", reverse("help_orders") + anchor))
    return found
