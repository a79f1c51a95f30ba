"""The story of one order: its steps across channels, the time between, and what is impossible."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auditlogs.entry.amounts import number_of
from auditlogs.entry.reasons import text_of
from auditlogs.entry.schema import Entry
from auditlogs.explain.approvals import has_other_arguments
from auditlogs.explain.evidence import last_switch, newest, within
from auditlogs.explain.explanation import length_of
from auditlogs.explain.orders import STATES, state_after
from auditlogs.query.entries import Entries

# The first steps of an order; no order of the platform has half as many.
MAX_STEPS = 40
FINAL = ("filled", "cancelled", "rejected")
# The keys that say what an order is of; a step that has others than were approved is flagged.
TERMS = ("side", "pair", "amount")
TERM_LENGTH = 40


@dataclass(frozen=True, slots=True)
class Step:
    """An entry of the order: its label, the time since the step before, and what is impossible of
    it, in a sentence; empty where nothing is."""

    entry: Entry
    label: str
    channel: str
    after: str
    flaw: str


@dataclass(frozen=True, slots=True)
class Story:
    """The steps of an order, the oldest first; `has_more` where it has more than are shown."""

    order: str
    steps: Sequence[Step]
    has_more: bool

    @property
    def flaws(self) -> list[Step]:
        return [step for step in self.steps if step.flaw]

    @property
    def length(self) -> str:
        return length_of(self.steps[-1].entry.instant - self.steps[0].entry.instant)

    @property
    def channels(self) -> list[str]:
        return list(dict.fromkeys(step.channel for step in self.steps if step.channel))


def order_of(entry: Entry) -> str | None:
    """Return the order that an entry is about: in its payload, or its target."""
    if order := text_of((entry.payload or {}).get("orderId")):
        return order
    is_order = entry.target is not None and entry.target.type == "order"
    return entry.target.id if entry.target and is_order else None


def order_approved(entry: Entry, entries: Entries) -> str | None:
    """Return the order that the approval of an entry is for: a call that is executed with one does
    not name the order. Raises StorageError."""
    if entry.approval is None:
        return None
    related = newest(entries.where("facts.approval", entry.approval.id), MAX_STEPS)
    return next((order for each in related if (order := order_of(each))), None)


def story_of(order: str, entries: Entries) -> Story | None:
    """Return the story of an order, as far as its reader may see; None where no entry is a step of
    it. Raises StorageError."""
    entries = entries.whole()
    listed = entries.where("facts.orderId", order).order_by("timestamp")
    page = listed.page(MAX_STEPS, payloads=True)
    related = _of_approvals(page.entries, entries)
    found = {each.id: each for each in (*page.entries, *related)}
    ordered = sorted(found.values(), key=lambda each: each.id)
    if not ordered:
        return None
    # A fill may be missing its approval only because the order's beginning is kept no more.
    starts = ordered[0].action == "order.created" or bool(related)
    flaws = _flaws(ordered, starts=starts) | _traded_while_stopped(ordered, entries)
    steps = []
    for number, entry in enumerate(ordered):
        before = ordered[number - 1].instant if number else None
        channel = text_of((entry.payload or {}).get("channel")) or entry.action_type
        after = length_of(entry.instant - before) if before else ""
        steps.append(Step(entry, _label(entry), channel, after, flaws.get(entry.id, "")))
    return Story(order, steps, page.next is not None)


def _of_approvals(ordered: Sequence[Entry], entries: Entries) -> list[Entry]:
    """Return the entries of the order's approvals, such as the call that was executed with one."""
    names = {each.approval.id for each in ordered if each.approval}
    found: list[Entry] = []
    for name in sorted(names)[:3]:
        found += newest(entries.where("facts.approval", name), MAX_STEPS)
    return found


def _label(entry: Entry) -> str:
    state = state_after(entry.action, entry.result)
    if state is not None:
        return STATES[state].label
    word = entry.action.rpartition(".")[2].replace("_", " ")
    word = "called" if entry.action == "mcp.tool.call" else word
    return word.capitalize() if entry.result != "failure" else f"{word.capitalize()}, failed"


def _flaws(ordered: Sequence[Entry], *, starts: bool) -> dict[str, str]:
    """Return what is impossible of the steps alone, by the id of the entry."""
    found: dict[str, str] = {}
    approved: Entry | None = None
    ended: Entry | None = None
    for entry in ordered:
        state = state_after(entry.action, entry.result)
        if entry.action.startswith("order.") and ended is not None and state is not None:
            word = _label(ended).lower()
            found[entry.id] = f"It came after the order was {word}, which ends it."
        elif state in ("filled", "filled-in-part") and approved is None and starts:
            found[entry.id] = "It was filled without an approval."
        elif state in ("filled", "filled-in-part") and (other := _other_terms(approved, entry)):
            found[entry.id] = other
        if has_other_arguments(entry, ordered):
            found[entry.id] = "It was executed with other arguments than were approved."
        if state == "approved":
            approved = entry
        if state in FINAL and ended is None:
            ended = entry
    return found


def _other_terms(approved: Entry | None, filled: Entry) -> str:
    """Return in which terms a fill differs from what was approved; empty where in none."""
    one: Mapping[str, Any] = (approved.payload if approved else None) or {}
    other: Mapping[str, Any] = filled.payload or {}
    differing = [
        f"{name} {_term(one[name])} approved, {_term(other[name])} filled"
        for name in TERMS
        if one.get(name) is not None
        and other.get(name) is not None
        and not _are_same(one[name], other[name])
        # A part of an amount is a part of what was approved.
        and not (name == "amount" and filled.result == "partial")
    ]
    return f"Other arguments than were approved: {', '.join(differing)}." if differing else ""


def _are_same(one: object, other: object) -> bool:
    """Tell whether two terms are the same; "3.20" is the number 3.2."""
    number = number_of(one)
    return one == other or (number is not None and number == number_of(other))


def _term(value: object) -> str:
    """Return a term as a sentence has it: "50,470", "SOL/USDC"."""
    number = None if isinstance(value, str) else number_of(value)
    if number is None:
        return str(value)[:TERM_LENGTH]
    return f"{number.normalize():,f}"


def _traded_while_stopped(ordered: Sequence[Entry], entries: Entries) -> dict[str, str]:
    """Return the fills that were made while the kill switch of their agent, or of all, was on."""
    found: dict[str, str] = {}
    fills = [each for each in ordered if each.action == "order.filled" and each.result != "failure"]
    for fill in fills[:3]:
        before = within(entries, None, fill.instant)
        on, off = (
            last_switch(before, action, fill.bot_id)
            for action in ("kill_switch.activated", "kill_switch.released")
        )
        if on is not None and (off is None or off.instant < on.instant):
            ago = length_of(fill.instant - on.instant)
            found[fill.id] = f"It was traded while the kill switch was on, {ago} after it was set."
    return found
