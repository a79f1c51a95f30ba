"""The page of an agent's key, which says whether to revoke it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from auditlogs.accounts import agent_keys, key_orders, key_use, seen_keys
from auditlogs.accounts.key_use import KeyChange, KeyUse, Period, UsedValue
from auditlogs.accounts.seen_keys import SeenKey
from auditlogs.entry.times import format_rfc3339, now
from auditlogs.explain.orders import STATES
from auditlogs.explain.scopes import tool_scopes
from auditlogs.models import Account, AgentKey
from auditlogs.query.figures import Figure
from auditlogs.storage import actors
from hub.access.visits import HubRequest, Visit, for_admins
from hub.logs.links import Links, entries_url, figure_url
from hub.ui.amounts import amounts_in_words
from hub.ui.times import span

MAX_HISTORY = 12
MAX_OPEN_SHOWN = 3
CHANGES = {
    "api_key.created": "Created",
    "api_key.rotated": "Rotated",
    "api_key.scopes.updated": "Scopes changed",
    "api_key.revoked": "Revoked",
    "api_key.exposed": "Found in a request body",
}
LINES = {
    "Entries": "entries",
    "Failed": "failures",
    "Tool calls": "calls",
    "Orders created": "orders",
    "Orders filled": "fills",
    "Filled in part": "partial_fills",
    "Refused: the key itself": "refused_key",
    "Refused: a missing scope": "refused_scope",
}
NAMELESS: Mapping[str, str] = {}
# A text, and the URL that it leads to, if it leads anywhere.
Piece = tuple[str, str]


@dataclass(frozen=True, slots=True)
class FigureView:
    """A figure, the URL of its entries, and what else there is to say of them."""

    count: int
    url: str
    is_more: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """A line of the comparison: its label, and what was counted before and since the rotation."""

    label: str
    before: FigureView | None
    since: FigureView


@dataclass(frozen=True, slots=True)
class RowView:
    """A value of a list with its figures, and its name if it has one."""

    value: str
    calls: FigureView
    failures: FigureView
    last: datetime
    name: str = ""


@dataclass(frozen=True, slots=True)
class ChangeView:
    """A change of the key in its history, with the values before and after."""

    change: KeyChange
    label: str
    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Consequence:
    """A sentence about what a revocation would do, in pieces, and its icon: warning or done."""

    icon: str
    pieces: list[Piece]

    @property
    def sentence(self) -> SafeString:
        """The pieces without white space between them."""
        return format_html_join(
            "",
            "{}",
            (
                (format_html('<a href="{}"><bdi>{}</bdi></a>', url, text) if url else text,)
                for text, url in self.pieces
            ),
        )


class AgentKeyView:
    """What the page of a key shows: the key, and its use as the log tells it."""

    def __init__(self, account: Account, key: AgentKey | SeenKey, use: KeyUse) -> None:
        self.key, self.use = key, use
        self.is_issued = isinstance(key, AgentKey)
        self._account = account

    @property
    def id(self) -> str:
        return self.key.public_id if isinstance(self.key, AgentKey) else self.key.address

    @property
    def state(self) -> str:
        if isinstance(self.key, AgentKey):
            return agent_keys.state(self.key)
        return "revoked" if self.key.revoked else "unknown"

    @property
    def scopes(self) -> list[str] | None:
        return self.key.scopes

    @cached_property
    def _names(self) -> dict[str, str]:
        """The names of the key's agents: its own, and those that used it."""
        known = {} if isinstance(self.key, AgentKey) else self.key.agents
        used = [row.value for row in self.use.whole.agents]
        ids = dict.fromkeys((*self.use.key.agents, *used))
        return {**{id: id for id in ids}, **known, **actors.names(self._account.id, ids)}

    @property
    def agents(self) -> list[tuple[str, str, str]]:
        """The id and name of each agent of the key, and the URL of what it did."""
        return [
            (id, self._names[id], entries_url(actor=id, dateRange="all"))
            for id in (self.use.key.agents or tuple(self._names))[: key_use.MAX_ROWS]
        ]

    @property
    def last_used(self) -> datetime | None:
        """The last use that the log or a question about the key tells of."""
        checked = self.key.last_used_at if isinstance(self.key, AgentKey) else None
        return max((time for time in (checked, self.use.whole.last) if time), default=None)

    @property
    def is_cut(self) -> bool:
        return self.use.whole.is_cut

    @property
    def consequences(self) -> list[Consequence]:
        """What a revocation would do, from the figures of the page alone."""
        return [*self._who_stops(), *self._last_day(), *self._open_orders(), *self._who_uses_it()]

    def _who_stops(self) -> list[Consequence]:
        if not isinstance(self.key, AgentKey):
            return []
        _, *agent = self.agents[0]
        others = agent_keys.others_of_agent(self.key)
        if not others:
            said = " stops with its next call: no other key of it is active."
            return [Consequence("warning", [(agent[0], agent[1]), (said, "")])]
        has = f" has {_number(others, 'other active key')}."
        return [Consequence("done", [(agent[0], agent[1]), (has, "")])]

    def _last_day(self) -> list[Consequence]:
        day = self.use.day
        if not day.entries.count:
            return [Consequence("done", [("Nobody used it in the last 24 hours.", "")])]
        rows, number = day.agents, day.number_of("actor")
        who = self._names.get(rows[0].value, rows[0].value) if number == 1 else f"{number} agents"
        pieces: list[Piece] = [(f"{who} used it in the last 24 hours: ", "")]
        pieces.append(_piece(day.entries, "entry", "entries"))
        if day.calls.count:
            pieces += [(", ", ""), _piece(day.calls, "tool call", "tool calls")]
        if day.failures.count:
            pieces += [(", ", ""), _piece(day.failures, "failure", "failures")]
        return [Consequence("warning", [*pieces, (".", "")])]

    def _open_orders(self) -> list[Consequence]:
        orders = self.use.orders
        states, unfinished = orders.states, orders.open
        if unfinished:
            ids = [(each, _order_url(each)) for each in unfinished[:MAX_OPEN_SHOWN]]
            have = "has" if len(unfinished) == 1 else "have"
            said = f"{_number(len(unfinished), 'order')} of it {have} not ended: "
            pieces: list[Piece] = [(said, "")]
            for number, each in enumerate(ids):
                pieces += [(", ", "")] * bool(number) + [each]
            more = len(unfinished) - len(ids)
            pieces.append((f" and {more} more." if more else ".", ""))
            return [Consequence("warning", pieces)]
        if orders.is_cut_since(None):
            said = (
                f"None of its agent’s last {key_orders.MAX_ORDERS} orders is open; older ones were"
            )
            return [Consequence("warning", [(f"{said} not looked at.", "")])]
        if not states:
            return [Consequence("done", [("The log has no order of it.", "")])]
        last, (state, instant) = next(reversed(states.items()))
        ended = f" was {STATES[state].label.lower()} {span(now() - instant)} ago."
        pieces = [("No order of it is open. The last one, ", ""), (last, _order_url(last))]
        return [Consequence("done", [*pieces, (ended, "")])]

    def _who_uses_it(self) -> list[Consequence]:
        whole = self.use.whole
        agents, addresses = whole.number_of("actor"), whole.number_of("sourceIp")
        if not agents:
            return []
        where = f" from {_number(addresses, 'address')}" if addresses else ""
        if agents == 1 and addresses <= 1:
            said = f"Nobody else uses it: one agent{where} in all kept time."
            return [Consequence("done", [(said, "")])]
        said = f"{_number(agents, 'agent')} used it{where} in all kept time."
        return [Consequence("warning", [(said, "")])]

    @property
    def compared(self) -> list[Compared]:
        """Figures before and since the last rotation, else of all kept time."""
        before, since = self.use.before, self.use.since or self.use.whole
        return [
            Compared(
                label,
                _view(getattr(before, name), _note(before, name)) if before else None,
                _view(getattr(since, name), _note(since, name)),
            )
            for label, name in LINES.items()
        ]

    @property
    def since_length(self) -> str:
        return span(now() - self.use.rotated.instant) if self.use.rotated else ""

    @property
    def tools(self) -> list[RowView]:
        return _rows(self.use.whole.tools)

    @property
    def targets(self) -> list[RowView]:
        return _rows(self.use.whole.targets)

    @property
    def addresses(self) -> list[RowView]:
        return _rows(self.use.whole.addresses)

    @property
    def users(self) -> list[RowView]:
        """The agents that used the key."""
        return _rows(self.use.whole.agents, self._names)

    @property
    def scopes_missed(self) -> list[RowView]:
        return _rows(self.use.whole.scopes_missed)

    @property
    def scopes_to_add(self) -> list[str]:
        """The missing scopes that an agent's key can have. The log's own are those of log keys."""
        return [row.value for row in self.scopes_missed if row.value in tool_scopes()]

    @property
    def history(self) -> list[ChangeView]:
        return [_change(each) for each in self.use.history[:MAX_HISTORY]]

    @property
    def history_url(self) -> str:
        return entries_url(target=self.id, action="config", dateRange="all")

    @property
    def json_url(self) -> str:
        return reverse("api_key", args=[self.id])


@require_safe
@for_admins
def agent_key(request: HubRequest, visit: Visit, key: str) -> HttpResponse:
    """Show a key: one that was issued here, or one that the log names. Raises Http404."""
    found = seen_keys.find(visit.account, key)
    if found is None:
        raise Http404
    use = key_use.read(visit.account.id, seen_keys.known(found))
    view = AgentKeyView(visit.account, found, use)
    return render(request, "hub/account/agent_key.html", {"view": view, "key": view.key})


def _view(figure: Figure, note: str = "") -> FigureView:
    return FigureView(figure.count, figure_url(figure), figure.is_more, note)


def _rows(rows: list[UsedValue], names: Mapping[str, str] = NAMELESS) -> list[RowView]:
    return [
        RowView(
            row.value,
            _view(row.figure),
            _view(row.failures),
            row.last,
            names.get(row.value, ""),
        )
        for row in rows
    ]


def _piece(figure: Figure, one: str, several: str) -> Piece:
    least = "at least " if figure.is_more else ""
    return f"{least}{figure.count:,} {one if figure.count == 1 else several}", figure_url(figure)


def _note(period: Period, name: str) -> str:
    """Return what stands beside a figure: "from 1 address", "9 tools", "5,523 USDC"."""
    if name == "entries":
        addresses = period.number_of("sourceIp")
        return f"from {_number(addresses, 'address')}" if addresses else ""
    if name == "calls":
        tools = period.number_of("tool")
        return _number(tools, "tool") if tools else ""
    return amounts_in_words(period.amounts) if name == "fills" else ""


def _order_url(order: str) -> str:
    return entries_url(orderId=order, dateRange="all")


def _number(count: int, word: str) -> str:
    plural = f"{word}es" if word.endswith("s") else f"{word}s"
    return f"{count} {word if count == 1 else plural}"


def _change(change: KeyChange) -> ChangeView:
    texts = [
        f"{name} {_shown(old)} → {_shown(new)}" for name, old, new in change.changes if old or new
    ]
    since = {"action": change.action, "startDate": format_rfc3339(change.instant)}
    return ChangeView(
        change,
        CHANGES.get(change.action, change.action),
        "; ".join(texts),
        Links(since).with_entry(change.entry_id),
    )


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    text = "none" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
