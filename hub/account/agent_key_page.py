"""The page of an agent's key, which says whether to revoke it."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from auditlogs.accounts import agent_keys, key_use, seen_keys
from auditlogs.accounts.key_use import Change, Figure, KeyUse, Period, Row
from auditlogs.accounts.seen_keys import SeenKey
from auditlogs.entry.times import format_rfc3339, now
from auditlogs.explain.scopes import tool_scopes
from auditlogs.models import Account, AgentKey
from auditlogs.storage import actors
from hub.access.visits import HubRequest, Visit, for_admins
from hub.account.log_links import log_url
from hub.ui.amounts import amounts_in_words
from hub.ui.times import span

MAX_HISTORY = 12
CHANGES = {
    "api_key.created": "Created",
    "api_key.rotated": "Rotated",
    "api_key.scopes.updated": "Scopes changed",
    "api_key.revoked": "Revoked",
    "api_key.exposed": "Found in a request body",
}


@dataclass(frozen=True, slots=True)
class FigureView:
    """A figure and the URL of its entries."""

    count: int
    url: str


@dataclass(frozen=True, slots=True)
class Compared:
    """A line of the comparison: its label, and what was counted before and since the rotation."""

    label: str
    before: FigureView | None
    since: FigureView | None
    note_before: str = ""
    note_since: str = ""


@dataclass(frozen=True, slots=True)
class RowView:
    """A value of a list with its figures."""

    value: str
    calls: FigureView
    failures: FigureView
    last: datetime


@dataclass(frozen=True, slots=True)
class ChangeView:
    """A change of the key in its history, with the values before and after."""

    change: Change
    label: str
    text: str
    url: str


class AgentKeyView:
    """What the page of a key shows."""

    def __init__(self, account: Account, key: AgentKey | SeenKey) -> None:
        """Read what the log tells of the key. Raises StorageError."""
        self.key = key
        self.is_issued = isinstance(key, AgentKey)
        self._account = account
        self.use: KeyUse = key_use.read(account.id, seen_keys.known(key))

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
    def agents(self) -> list[tuple[str, str, str]]:
        """The id and name of each agent of the key, and the URL of what it did."""
        ids = [self.key.agent] if isinstance(self.key, AgentKey) else list(self.key.agents)
        names = actors.names(self._account.id, ids)
        if isinstance(self.key, SeenKey):
            names = {**self.key.agents, **names}
        return [
            (id, names.get(id, id), log_url({"actor": id, "dateRange": "all"}))
            for id in ids[: key_use.MAX_ROWS]
        ]

    @property
    def last_used(self) -> datetime | None:
        """The last use that the log or a question about the key tells of."""
        checked = self.key.last_used_at if isinstance(self.key, AgentKey) else None
        return max((time for time in (checked, self.use.last) if time), default=None)

    @property
    def consequences(self) -> list[tuple[str, str, str, str]]:
        """What a revocation would do: icon, sentence, and the URL and label of its entries."""
        agent = self.agents[0][1] if self.agents else "Its agent"
        lines: list[tuple[str, str, str, str]] = []
        if isinstance(self.key, AgentKey):
            others = agent_keys.others_of_agent(self.key)
            if others:
                has = f"{others} other active key{'s' if others > 1 else ''}"
                lines.append(("done", f"{agent} has {has}.", "", ""))
            else:
                lines.append(("warning", f"{agent} stops: no other key of it is active.", "", ""))
        orders = self.use.open_orders
        if orders:
            first = log_url({"target": orders[0], "dateRange": "all"})
            sentence = f"{len(orders)} order{'s' if len(orders) > 1 else ''} of it may be open:"
            lines.append(("warning", sentence, first, orders[0]))
        else:
            lines.append(("done", "No order of it is open.", "", ""))
        agents, addresses = len(self.use.whole.agents), self.use.whole.number_of("addresses")
        only_one = agents <= 1 and addresses <= 1
        who, where = _number(agents, "agent"), _number(addresses, "address")
        sentence = f"It was used by {who} from {where}."
        lines.append(("done" if only_one else "warning", sentence, "", ""))
        return lines

    @property
    def compared(self) -> list[Compared]:
        """Figures before and since the last rotation, else of all that was read."""
        before, since = self.use.before, self.use.since or self.use.whole
        labels = {
            "Entries": "entries",
            "Tool calls": "calls",
            "Orders created": "orders",
            "Orders filled": "fills",
            "Filled in part": "partial_fills",
            "Refused: the key itself": "refused_key",
            "Refused: a missing scope": "refused_scope",
        }
        lines = [
            Compared(
                label,
                _view(getattr(before, name)) if before else None,
                _view(getattr(since, name)),
                amounts_in_words(before.amounts) if before and name == "fills" else "",
                amounts_in_words(since.amounts) if name == "fills" else "",
            )
            for label, name in labels.items()
        ]
        for label, kind in (("Tools", "tools"), ("Addresses", "addresses")):
            counted = [_kinds(period, kind) if period else None for period in (before, since)]
            lines.append(Compared(label, counted[0], counted[1]))
        return lines

    @property
    def since_label(self) -> str:
        if self.use.rotated is None:
            return "All time"
        return f"Since, {span(now() - self.use.rotated.instant)}"

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
        return log_url({"target": self.id, "action": "config", "dateRange": "all"})

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
    view = AgentKeyView(visit.account, found)
    return render(request, "hub/account/agent_key.html", {"view": view, "key": view.key})


def _view(figure: Figure) -> FigureView:
    return FigureView(figure.count, log_url(figure.filters))


def _rows(rows: list[Row]) -> list[RowView]:
    return [RowView(row.value, _view(row.figure), _view(row.failures), row.last) for row in rows]


def _kinds(period: Period, kind: str) -> FigureView:
    figure = period.calls if kind == "tools" else period.entries
    return FigureView(period.number_of(kind), log_url(figure.filters))


def _number(count: int, word: str) -> str:
    plural = f"{word}es" if word.endswith("s") else f"{word}s"
    return f"{count} {word if count == 1 else plural}"


def _change(change: Change) -> ChangeView:
    texts = [
        f"{name} {_shown(old)} → {_shown(new)}" for name, old, new in change.changes if old or new
    ]
    window = {"startDate": format_rfc3339(change.instant), "entry": change.entry_id}
    return ChangeView(
        change,
        CHANGES.get(change.action, change.action),
        "; ".join(texts),
        log_url({"action": change.action, **window}),
    )


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    text = "none" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
