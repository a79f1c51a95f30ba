"""Why an entry failed, in a sentence and in facts from stored entries: one table of rules.

The sentence comes from the entry alone. Facts are read through the reader's own selection: what the
reader may not see is neither shown nor counted.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from auditlogs.entry.amounts import number_of, value_of
from auditlogs.entry.reasons import (
    LACK,
    WORDS,
    Slug,
    carried_scopes,
    needed_scope,
    provider_of,
    reason_of,
    text_of,
    texts,
    tool_of,
)
from auditlogs.entry.schema import Entry
from auditlogs.entry.times import now
from auditlogs.explain.approvals import MAX_COMPARED
from auditlogs.explain.codes import LOG_CODES, MCP_CODES, PLATFORM_CODES, code_of
from auditlogs.explain.evidence import (
    TICK,
    Alike,
    alike,
    as_parameters,
    last_switch,
    narrowed,
    newest,
    oldest,
    within,
)
from auditlogs.explain.explanation import (
    Explanation,
    Fact,
    Link,
    Name,
    Sentence,
    figure_of,
    length_of,
    many,
    quoted,
)
from auditlogs.explain.keys import agent_key_of, named_key, state_at
from auditlogs.explain.scopes import scope_of
from auditlogs.models import AgentKey
from auditlogs.query.entries import Entries
from auditlogs.storage.mongo import StorageError, time_limit

# All facts of an entry together; those that are not read by then are left out.
SECONDS = 3.0
MAX_NAMED = 3
# Words that leave open whether it was a scope: none, a bare "Forbidden", or some about scopes.
OPEN = re.compile(r"\s*(forbidden\.?\s*)?\Z|.*(\b|_)scopes?(\b|_)", re.DOTALL | re.IGNORECASE)


class Case:
    """One failed entry and the entries around it, as one reader sees them."""

    def __init__(self, entry: Entry, entries: Entries, slug: Slug) -> None:
        self.entry = entry
        self.entries = entries.whole()
        self.slug = slug
        self.links: list[Link] = []

    @cached_property
    def key(self) -> AgentKey | None:
        return agent_key_of(self.entry, self.entries.account, self.entries.bot)

    @cached_property
    def who(self) -> dict[str, tuple[str, str]]:
        """The filter for the failures that are compared: those of the key, else of the actor."""
        if name := named_key(self.entry).name:
            return {"key": ("facts.key", name)}
        return {"actor": ("actor.id", self.entry.actor.id)}

    def alike(self, same: Callable[[Entry], object] = lambda entry: None) -> Alike:
        """Return the failures of 24 hours with the same reason, and in which `same` is equal."""
        own = same(self.entry)
        return alike(
            self.entry,
            self.entries,
            self.who,
            lambda each: cause_of(each) == self.slug and same(each) == own,
        )

    def last_before(self, action: str, *paths: tuple[str, str]) -> Entry | None:
        """Return the newest entry of an action before this one."""
        before = within(self.entries, None, self.entry.instant)
        return next(iter(newest(narrowed(before, [("action", action), *paths]))), None)

    def first_after(self, start: Entry, *paths: tuple[str, str]) -> Entry | None:
        """Return the first entry after another one."""
        after = within(self.entries, start.instant + TICK, None)
        return oldest(narrowed(after, paths))

    def since(self, other: Entry) -> str:
        return length_of(self.entry.instant - other.instant)

    def leads_to(self, rel: str, entry: Entry) -> str:
        self.links.append(Link(rel=rel, entry_id=entry.id))
        return entry.id


@dataclass(frozen=True, slots=True)
class Rule:
    """The sentence for a reason, from the entry alone, and the facts, which are read."""

    sentence: Callable[[Entry], Sentence]
    facts: Callable[[Case], Iterator[Fact]]


def cause_of(entry: Entry) -> Slug | None:
    """Return the reason of an entry. A call that was forbidden without a reason lacked the scope
    that is declared for its tool."""
    slug = reason_of(entry)
    return "missing_scope" if slug == "forbidden" and _scope_of_call(entry) else slug


def sentence_of(entry: Entry) -> Sentence:
    """Return why an entry failed, in words and names, from the entry alone; empty for one that did
    not fail."""
    slug = cause_of(entry)
    return RULES[slug].sentence(entry) if slug else ()


def explain(entry: Entry, entries: Entries) -> Explanation | None:
    """Return the explanation of a failure for a reader of these entries; None for no failure."""
    slug = cause_of(entry)
    if slug is None:
        return None
    rule, case = RULES[slug], Case(entry, entries, slug)
    facts: list[Fact] = []
    is_complete = True
    try:
        with time_limit(SECONDS):
            facts.extend(rule.facts(case))
    except StorageError:
        is_complete = False
    return Explanation(
        slug=slug,
        sentence="".join(rule.sentence(entry)),
        facts=facts,
        links=case.links,
        is_complete=is_complete,
    )


def scope_lacked(entry: Entry) -> str | None:
    """Return the scope that an entry says was lacking, or that is declared for its tool."""
    return needed_scope(entry) or _scope_of_call(entry)


def _scope_of_call(entry: Entry) -> str | None:
    """Return the scope declared for the tool of a call that was forbidden; None where the payload
    gives another reason, by a code or in words."""
    payload = entry.payload or {}
    tool = tool_of(entry)
    if not tool or entry.action != "mcp.tool.call":
        return None
    if (code := payload.get("code")) not in (None, ""):
        is_open = isinstance(code, str) and LACK.match(code) is not None
    else:
        said = [payload.get(name) or "" for name in WORDS]
        is_open = all(isinstance(each, str) and OPEN.match(each) for each in said)
    scope = scope_of(tool) if is_open else None
    return None if scope in (carried_scopes(entry) or ()) else scope


def _key_name(entry: Entry, before: str = " ") -> Sentence:
    name = named_key(entry).name
    return (before, quoted(name)) if name else ()


def _why(entry: Entry) -> Sentence:
    """Return the text in which the entry says why, or the meaning of its code."""
    if found := next(iter(texts(entry)), ""):
        return ("It says: ", quoted(found), "")
    return ("It does not say why.",)


def _missing_scope(entry: Entry) -> Sentence:
    needed, tool = scope_lacked(entry), tool_of(entry)
    what = ("the scope ", quoted(needed), ", which ") if needed else ("a scope that ",)
    who = quoted(tool) if tool else "the request"
    return ("The key", *_key_name(entry), " lacked ", *what, who, " needs.")


def _missing_scope_facts(case: Case) -> Iterator[Fact]:
    needed = scope_lacked(case.entry)
    carried = carried_scopes(case.entry)
    if carried is not None:
        scopes = ", ".join(map(quoted, carried[:20])) or "no scope"
        yield Fact(name="scopesThen", figure="then", text=f"the key carried {scopes}")
    yield from _key_now(case, lacked=needed)
    if needed is None or not named_key(case.entry):
        return
    same = case.alike(scope_lacked)
    if not same.entries:
        return
    tools = Counter(tool for each in same.entries if (tool := tool_of(each)))
    named = ", ".join(
        f"{quoted(tool)} {count}" if len(tools) > 1 else quoted(tool)
        for tool, count in tools.most_common(MAX_NAMED)
    )
    more = f" and {len(tools) - MAX_NAMED} other tools" if len(tools) > MAX_NAMED else ""
    yield Fact(
        name="refusedIn24h",
        figure=same.figure,
        text=f"refused for this in 24 h{f': {named}{more}' if named else ''}",
        filters=same.filters,
    )
    value = _value_of(same.entries)
    yield Fact(
        name="wouldHavePassed",
        figure=same.figure,
        text=f"would have passed this check with {quoted(needed)}{f': {value}' if value else ''}",
        filters=same.filters,
    )


def _value_of(calls: Sequence[Entry]) -> str:
    """Return what calls would have traded, where each says its amount, price and pair."""
    totals: dict[str, Decimal] = {}
    for call in calls:
        arguments = (call.payload or {}).get("arguments")
        value = value_of(arguments) if isinstance(arguments, dict) else None
        if value is None:
            return ""
        currency = quoted(value[0])
        totals[currency] = totals.get(currency, Decimal()) + value[1]
    return ", ".join(f"{total:,.0f} {name}" for name, total in list(totals.items())[:MAX_NAMED])


def _key_now(case: Case, lacked: str | None = None) -> Iterator[Fact]:
    """Yield the state of the key now, if it was made here."""
    key = case.key
    if key is None:
        if named := named_key(case.entry).id:
            case.links.append(Link(rel="key", key_id=named))
        return
    case.links.append(Link(rel="key", key_id=key.public_id))
    moment = now()
    state, scopes = state_at(key, moment), ", ".join(key.scopes) or "no scope"
    still = "now carries" if lacked and lacked in key.scopes else "carries"
    rotated = ""
    if key.rotated_at is not None and key.rotated_at > case.entry.instant:
        rotated = f", was rotated {length_of(moment - key.rotated_at)} ago"
    yield Fact(
        name="keyNow", figure="now", text=f"the key is {state}{rotated} and {still} {scopes}"
    )


def _breaker(entry: Entry) -> Sentence:
    provider = provider_of(entry)
    if provider is None:
        return ("The circuit breaker of the provider was open, so nothing was sent to it.",)
    return ("The circuit breaker of ", quoted(provider), " was open, so nothing was sent to it.")


def _breaker_facts(case: Case) -> Iterator[Fact]:
    provider = provider_of(case.entry)
    if provider is None:
        return
    of_provider = ("facts.provider", provider)
    opened = case.last_before("circuit_breaker.opened", of_provider)
    closed = case.last_before("circuit_breaker.closed", of_provider)
    if opened is None or (closed is not None and closed.instant > opened.instant):
        return
    payload = opened.payload or {}
    failures = number_of(payload.get("failures"))
    after = f" after {many(int(failures), 'failure')}" if failures else ""
    yield Fact(
        name="opened",
        figure=case.since(opened),
        text=f"before this, the breaker opened{after}",
        entry_id=case.leads_to("openedBy", opened),
    )
    ended = case.first_after(opened, of_provider, ("action", "circuit_breaker.closed"))
    yield from _blocked(
        case,
        opened,
        ended,
        {"provider": of_provider, "code": ("facts.code", "circuit_breaker_open")},
    )
    if ended is None:
        yield Fact(name="closed", figure="open", text="no entry says that it has closed since")
    else:
        yield Fact(
            name="closed",
            figure="closed",
            text=f"{length_of(ended.instant - opened.instant)} after it had opened",
            entry_id=case.leads_to("closedBy", ended),
        )


def _blocked(
    case: Case, start: Entry, end: Entry | None, paths: dict[str, tuple[str, str]]
) -> Iterator[Fact]:
    """Yield how many trades were blocked between two entries."""
    until = end.instant if end else None
    trades = narrowed(
        within(case.entries, start.instant, until),
        [*paths.values(), ("actionType", "trade"), ("result", "failure")],
    )
    count = trades.count()
    given = {name: value for name, (_, value) in paths.items()}
    yield Fact(
        name="blocked",
        figure=figure_of(count.value, is_more=count.is_more),
        text=f"{'trade' if count.value == 1 else 'trades'} blocked while it lasted",
        filters=as_parameters(
            {**given, "action": "trade", "result": "failure"}, start.instant, until
        ),
    )


def _kill_switch(entry: Entry) -> Sentence:
    return ("The kill switch was on, so nothing was traded.",)


def _kill_switch_facts(case: Case) -> Iterator[Fact]:
    entry = case.entry
    before = within(case.entries, None, entry.instant)
    activated = last_switch(before, "kill_switch.activated", entry.bot_id)
    released = last_switch(before, "kill_switch.released", entry.bot_id)
    if activated is None or (released is not None and released.instant > activated.instant):
        return
    yield Fact(
        name="activated",
        figure=case.since(activated),
        text=f"before this, by {_who(activated)}",
        entry_id=case.leads_to("activatedBy", activated),
    )
    of_bot = (("botId", activated.bot_id),) if activated.bot_id else ()
    ended = case.first_after(activated, ("action", "kill_switch.released"), *of_bot)
    if entry.bot_id:
        bot, code = ("botId", entry.bot_id), ("facts.code", "kill_switch_active")
        yield from _blocked(case, activated, ended, {"botId": bot, "code": code})
    if ended is None:
        yield Fact(name="released", figure="on", text="no entry says that it was released since")
    else:
        yield Fact(
            name="released",
            figure="released",
            text=f"{length_of(ended.instant - activated.instant)} after, by {_who(ended)}",
            entry_id=case.leads_to("releasedBy", ended),
        )


def _who(entry: Entry) -> Name:
    return quoted(entry.actor.name or entry.actor.id)


def _rate(entry: Entry) -> Sentence:
    payload = entry.payload or {}
    limit, window = number_of(payload.get("limit")), text_of(payload.get("window"))
    if limit is not None and window:
        return ("More calls came than the limit allows: ", f"{limit:,f} in ", quoted(window), ".")
    return ("More calls came than the limit allows. ", *_why(entry))


def _alike_facts(case: Case) -> Iterator[Fact]:
    """Yield how often the same happened in 24 hours, to the same key or actor."""
    same = case.alike()
    if same.entries:
        yield Fact(
            name="in24h",
            figure=same.figure,
            text="of this kind in 24 h, this one included",
            filters=same.filters,
        )


def _key_changed(word: str) -> Callable[[Entry], Sentence]:
    return lambda entry: ("The key", *_key_name(entry), f" {word}.")


def _key_changed_by(action: str, verb: str) -> Callable[[Case], Iterator[Fact]]:
    """Return the facts of a key that an entry of this action made invalid."""

    def facts(case: Case) -> Iterator[Fact]:
        named = named_key(case.entry)
        changed = None
        if named.id:
            changed = case.last_before(action, ("target.id", named.id))
        if changed is None and named.name:
            changed = case.last_before(action, ("facts.key", named.name))
        if changed is not None:
            yield Fact(
                name=verb,
                figure=case.since(changed),
                text=f"before this, {verb} by {_who(changed)}",
                entry_id=case.leads_to(f"{verb}By", changed),
            )
        yield from _alike_facts(case)
        if named.name:
            yield from _worked_again(case, named.name)
        yield from _key_now(case)

    return facts


def _worked_again(case: Case, name: str) -> Iterator[Fact]:
    paths = (("facts.key", name), ("actor.id", case.entry.actor.id), ("result", "success"))
    if worked := case.first_after(case.entry, *paths):
        yield Fact(
            name="ended",
            figure="ended",
            text=f"{length_of(worked.instant - case.entry.instant)} later, when it worked again",
            entry_id=case.leads_to("workedAgain", worked),
        )


def _policy(entry: Entry) -> Sentence:
    decision = entry.decision
    named: Sentence = ("A policy denied it",)
    if decision is not None:
        parts = [(" · rule ", decision.rule), (" · version ", decision.version)]
        named = ("The policy ", quoted(decision.policy), " denied it") if decision.policy else named
        named += tuple(part for word, value in parts if value for part in (word, quoted(value)))
        if decision.reason:
            return (*named, ": ", quoted(decision.reason), ".")
    return (*named, ".")


def _policy_facts(case: Case) -> Iterator[Fact]:
    decision = case.entry.decision
    if decision is None:
        yield from _alike_facts(case)
        return
    same = case.alike(lambda each: each.decision and (each.decision.policy, each.decision.rule))
    yield Fact(
        name="deniedIn24h",
        figure=same.figure,
        text="denied by this rule in 24 h, this one included",
        filters=same.filters,
    )


def _approval(entry: Entry) -> Sentence:
    outcome = entry.approval.outcome if entry.approval else "denied"
    ended = {
        "denied": "was denied",
        "expired": "expired before anybody answered",
        "cancelled": "was cancelled",
    }
    return (f"Its approval {ended.get(outcome, 'was not given')}.",)


def _approval_facts(case: Case) -> Iterator[Fact]:
    approval = case.entry.approval
    if approval is None:
        return
    same = case.entries.where("facts.approval", approval.id)
    asked = next(
        (
            each
            for each in newest(same, MAX_COMPARED)
            if each.approval and each.approval.outcome == "requested"
        ),
        None,
    )
    if asked is not None:
        yield Fact(
            name="requested",
            figure=case.since(asked),
            text=f"before this, it was asked for by {_who(asked)}",
            entry_id=case.leads_to("requestedBy", asked),
        )


def _timeout(entry: Entry) -> Sentence:
    provider = provider_of(entry)
    who = (quoted(provider),) if provider else ("What it called",)
    if entry.duration is None:
        return (*who, " did not answer in time.")
    return (*who, f" did not answer in time: {entry.duration / 1000:,.3g} s.")


def _exception(entry: Entry) -> Sentence:
    kind = text_of((entry.payload or {}).get("errorType"))
    found = next(iter(texts(entry)), "")
    raised: Sentence = ("The program raised ", quoted(kind or "an exception"))
    return (*raised, ": ", quoted(found), ".") if found else (*raised, ".")


def _tool_error(entry: Entry) -> Sentence:
    tool, found = tool_of(entry), next(iter(texts(entry)), "")
    who: Sentence = (quoted(tool),) if tool else ("The tool",)
    if not found:
        return (*who, " answered that it had failed, without a text.")
    return (*who, " answered that it had failed: ", quoted(found), ".")


def _plain(words: str) -> Callable[[Entry], Sentence]:
    """Return the sentence of words, and of what the entry itself says."""
    return lambda entry: (f"{words} ", *_why(entry))


def _by_code(entry: Entry) -> Sentence:
    """Return the meaning of the code, if it is known, else what the entry says."""
    known = {**LOG_CODES, **PLATFORM_CODES, **MCP_CODES}.get(code_of(entry.payload) or "")
    return (known.meaning,) if known else _why(entry)


RULES: dict[Slug, Rule] = {
    "kill_switch": Rule(_kill_switch, _kill_switch_facts),
    "breaker_open": Rule(_breaker, _breaker_facts),
    "missing_scope": Rule(_missing_scope, _missing_scope_facts),
    "rate_limited": Rule(_rate, _alike_facts),
    "key_rotated": Rule(
        _key_changed("was rotated, and its former secret was used"),
        _key_changed_by("api_key.rotated", "rotated"),
    ),
    "key_revoked": Rule(
        _key_changed("had been revoked"), _key_changed_by("api_key.revoked", "revoked")
    ),
    "key_expired": Rule(_key_changed("had expired"), _key_changed_by("api_key.created", "created")),
    "invalid_key": Rule(
        _key_changed("was not valid"), _key_changed_by("api_key.rotated", "rotated")
    ),
    "sign_in_refused": Rule(_by_code, _alike_facts),
    "locked_out": Rule(
        _plain("Too many sign-ins had failed, so this one was refused."), _alike_facts
    ),
    "refused_approval": Rule(_approval, _approval_facts),
    "denied_by_policy": Rule(_policy, _policy_facts),
    "invalid_arguments": Rule(_plain("The arguments were invalid."), _alike_facts),
    "timeout": Rule(_timeout, _alike_facts),
    "cancelled": Rule(_plain("It was cancelled before it ended."), _alike_facts),
    "order_rejected": Rule(_plain("The order was rejected."), _alike_facts),
    "exception": Rule(_exception, _alike_facts),
    "tool_error": Rule(_tool_error, _alike_facts),
    "forbidden": Rule(_plain("It was forbidden."), _alike_facts),
    "other": Rule(_by_code, _alike_facts),
}
