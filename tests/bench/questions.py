"""What is asked: each question as a URL, the floor's query, and the peers' URLs for the same."""

import itertools
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from django.http import QueryDict

from auditlogs.entry.identity import id_bound
from auditlogs.entry.text import prefix_range
from auditlogs.entry.times import to_ms
from auditlogs.query.cursor import Cursor
from auditlogs.query.filters import parse
from auditlogs.query.window import DateRange
from auditlogs.storage.indexes import ACCOUNT_ARRIVAL_INDEX
from tests.bench.floor import WITHOUT_PAYLOAD, Document, Floor
from tests.bench.history import ABSENT, ACTOR, BOT, COMMON, DAYS, PREFIX, RARE, RETIRED_BOT, TWO
from tests.bench.peers import ADMIN, DATASETTE, NEWCOMER, POSTGRES

API, PAGE = "/api/audit-logs", "/hub/logs"
PAGE_SIZE = 50
# A far page lies behind so many days of entries, all but the last tenth.
FAR_DAYS = DAYS - 3
MAX_OFFSET = 10_000
COUNTED = 10_001

# The stored field of each filter, and its index.
PATHS = {
    "actor": "actor.id",
    "botId": "botId",
    "action": "action",
    "type": "actionType",
    "result": "result",
    "target": "target.id",
    "correlationId": "correlationId",
    "requestId": "requestId",
    "sessionId": "sessionId",
    "writerId": "writerId",
    "assertedBy": "assertedBy",
}
# The columns of the peers' table.
COLUMNS = {"actor": "actor_id", "type": "action_type", "target": "target_id", "botId": "bot_id"}
SORT_PATHS = {"actor": "actorKey", "action": "action", "result": "result"}


@dataclass(frozen=True, slots=True)
class Question:
    """A row: its name, the path that is asked, and the floor. `peers` has the path that asks a peer
    the same, by the peer's name."""

    name: str
    path: str
    floor: Floor
    is_list: bool = True
    peers: Mapping[str, str] = field(default_factory=dict)
    is_fragment: bool = False


@dataclass(frozen=True, slots=True)
class Questions:
    """The questions about an account's entries. `example` is one stored document in the middle of
    them, whose values are asked for."""

    account: str
    count: int
    until: datetime
    example: Document
    key: str

    def __iter__(self) -> Iterator[Question]:
        yield from self._paging()
        yield from self._filters()
        yield from self._words()
        yield from self._sorts()
        yield from self._pages()

    def _paging(self) -> Iterator[Question]:
        newest = {"account": self.account}
        yield self._list("api 100", {}, newest, _datasette({}))
        yield self._list("api 1000", {"limit": "1000"}, newest, _datasette({"_size": "1000"}))
        offset = min(MAX_OFFSET, self.count // 2)
        floor = Floor(newest, skip=offset)
        yield Question("offset", f"{API}?{urlencode({'offset': offset})}", floor)
        far = {"account": self.account, "_id": {"$lt": self._far}}
        after = urlencode({"cursor": self._cursor({}, "all")})
        peers = _datasette({"_next": self._far_position})
        yield Question("far page", f"{API}?{after}", Floor(far), peers=peers)
        arrived = Floor(newest, (("recordedAt", 1), ("_id", 1)), index=ACCOUNT_ARRIVAL_INDEX)
        yield Question("by arrival", f"{API}?order=arrival", arrived)
        id: uuid.UUID = self.example["_id"]
        one = Floor({"_id": id, "account": self.account}, limit=1, index="_id_")
        yield Question(
            "one entry", f"{API}/{id}", one, False, {DATASETTE: f"/peer/entries/{id}.json"}
        )

    def _filters(self) -> Iterator[Question]:
        for name, value in self._values.items():
            yield self._filtered(f"filter {name}", {name: value})
        yield self._list("filter 24h", {"dateRange": "24h"}, self._since(1))
        for pair in itertools.combinations(("actor", "botId", "action", "result", "target"), 2):
            yield self._filtered(f"{pair[0]} + {pair[1]}", {p: self._values[p] for p in pair})
        pairs = {
            "type + result": {"type": "mcp", "result": "failure"},
            "retired + success": {"botId": RETIRED_BOT, "result": "success"},
            "retired + failure, none": {"botId": RETIRED_BOT, "result": "failure"},
            "rate limit + success, none": {"action": "rate_limit.hit", "result": "success"},
            "target + type, none": {"target": "jupiter", "type": "config"},
            "actor + type + result": {"actor": ACTOR, "type": "mcp", "result": "failure"},
            "action + result + target": {
                "action": "circuit_breaker.opened",
                "result": "failure",
                "target": "jupiter",
            },
            "actor + action + result, none": {
                "actor": ACTOR,
                "action": "rate_limit.hit",
                "result": "partial",
            },
        }
        for name, values in pairs.items():
            yield self._filtered(name, values)
        word = self._tokens(COMMON)
        yield self._filtered("actor + word", {"actor": ACTOR, "search": COMMON}, word)
        yield self._filtered("result + word", {"result": "failure", "search": COMMON}, word)
        rare = self._tokens(RARE)
        yield self._filtered("result + rare word", {"result": "success", "search": RARE}, rare)

    def _words(self) -> Iterator[Question]:
        for name, word in self._searches.items():
            yield self._filtered(name, {"search": word}, self._tokens(word))

    def _sorts(self) -> Iterator[Question]:
        yield self._sorted("sort timestamp", "timestamp", {})
        filters: dict[str, dict[str, str]] = {
            "target": {"target": "jupiter"},
            "request": {"requestId": self._values["requestId"]},
            "actor": {"actor": ACTOR},
            "retired bot": {"botId": RETIRED_BOT},
            "action": {"action": "order.rejected"},
            "type": {"type": "trade"},
            "result": {"result": "failure"},
            "rare word": {"search": RARE},
            "common word": {"search": COMMON},
        }
        for key in SORT_PATHS:
            yield self._sorted(f"sort {key}", key, {})
            yield self._sorted(f"sort -{key}", f"-{key}", {})
            for name, values in filters.items():
                yield self._sorted(f"sort {key} + {name}", key, values)

    def _pages(self) -> Iterator[Question]:
        week = self._since(7)
        first = _rows(week)
        yield Question("logs page", PAGE, first, True, _pages_of_peers())
        pages: dict[str, dict[str, str]] = {
            "page result": {"result": "failure"},
            "page actor": {"actor": ACTOR},
            "page type": {"type": "trade"},
            "page rare word": {"search": RARE},
            "page common word": {"search": COMMON},
            "page absent word": {"search": ABSENT},
            "page two words": {"search": TWO},
        }
        for name, values in pages.items():
            floor = _rows(self._match(values))
            path = f"{PAGE}?{urlencode({**_parameters(values), 'dateRange': 'all'})}"
            yield Question(name, path, floor, True, _pages_of_peers(values))
        everything = {"dateRange": "all"}
        after = urlencode({**everything, "cursor": self._cursor(everything, "7d")})
        far = _rows({"account": self.account, "_id": {"$lt": self._far}})
        behind = self._behind // PAGE_SIZE
        yield Question(
            "page far",
            f"{PAGE}?{after}",
            far,
            True,
            _pages_of_peers(page=behind, position=self._far_position),
        )
        sorted_ = urlencode({**everything, "sort": "actor"})
        by_actor = _rows({"account": self.account}, (("actorKey", 1), ("_id", -1)), "by_actorKey")
        yield Question(
            "page sort actor", f"{PAGE}?{sorted_}", by_actor, True, _pages_of_peers(sort=True)
        )
        yield Question("fragment", PAGE, first, is_fragment=True)
        id: uuid.UUID = self.example["_id"]
        one = Floor({"_id": id, "account": self.account}, limit=1, index="_id_")
        yield Question("drawer", f"{PAGE}/{id}", one, False, is_fragment=True)
        counted = ({"$limit": COUNTED}, {"$count": "value"})
        count = Floor(week, pipeline=counted)
        yield Question("count", f"{PAGE}/count", count, False, is_fragment=True)
        failed = Floor(self._match({"result": "failure"}), pipeline=counted, index="by_result")
        query = urlencode({"dateRange": "all", "result": "failure"})
        yield Question("count result", f"{PAGE}/count?{query}", failed, False, is_fragment=True)
        some = Floor(self._match({"search": COMMON}), pipeline=counted, index="by_tokens")
        query = urlencode({"dateRange": "all", "search": COMMON})
        yield Question("count word", f"{PAGE}/count?{query}", some, False, is_fragment=True)
        actors = Floor({"account": self.account}, limit=PAGE_SIZE, collection="audit_actors")
        yield Question("actor control", f"{PAGE}/actors", actors, False, is_fragment=True)
        kept = Floor({"account": self.account}, limit=200, collection="audit_counters")
        yield Question("agents", "/hub/agents", kept, False)
        yield Question("agent", f"/hub/agents/{quote(BOT)}", kept, False)

    @property
    def _values(self) -> dict[str, str]:
        example = self.example
        return {
            "actor": ACTOR,
            "botId": BOT,
            "type": "trade",
            "action": "order.created",
            "result": "failure",
            "target": "jupiter",
            "correlationId": example["correlationId"],
            "requestId": example["requestId"],
            "sessionId": example["sessionId"],
            "writerId": example["writerId"],
            "assertedBy": self.key,
        }

    @property
    def _searches(self) -> dict[str, str]:
        return {
            "word rare": RARE,
            "word common": COMMON,
            "word absent": ABSENT,
            "word prefix": PREFIX,
            "word one letter": "a",
            "two words": TWO,
            "word order id": self.example["target"]["id"],
            "word action": "order.created",
        }

    @property
    def _behind(self) -> int:
        """How many entries are before the far page."""
        return self.count * FAR_DAYS // DAYS

    @property
    def _far_time(self) -> datetime:
        return self.until - timedelta(days=FAR_DAYS)

    @property
    def _far(self) -> uuid.UUID:
        return id_bound(to_ms(self._far_time))

    @property
    def _far_position(self) -> str:
        """The same position as Datasette writes it: the time, and the key of a row."""
        return f"{self._far_time:%Y-%m-%d %H:%M:%S.%f},{uuid.UUID(int=0)}"

    def _cursor(self, parameters: dict[str, str], default_range: DateRange) -> str:
        """Return the cursor that following the pages would lead to."""
        data = QueryDict(urlencode(parameters))
        entries = parse(
            data, account=self.account, default_range=default_range, now=self.until
        ).entries
        window, behind = entries.window, self._behind
        return Cursor(
            entries.fingerprint, window.start, window.end, window.as_of, None, self._far, behind + 1
        ).dump()

    def _since(self, days: int) -> Document:
        start = id_bound(to_ms(self.until - timedelta(days=days)))
        return {"account": self.account, "_id": {"$gte": start}}

    def _match(self, values: Mapping[str, str]) -> Document:
        fields = {PATHS[name]: value for name, value in values.items() if name != "search"}
        search = self._tokens(values["search"]) if "search" in values else {}
        return {"account": self.account, **fields, **search}

    @staticmethod
    def _tokens(search: str) -> Document:
        """Return the barest condition for a search: a prefix of a token for each piece of it."""
        words = search.replace("_", " ").replace(".", " ").split()
        ranges = [prefix_range(word) for word in words]
        each = [{"tokens": {"$elemMatch": {"$gte": low, "$lt": high}}} for low, high in ranges]
        return each[0] if len(each) == 1 else {"$and": each}

    def _list(
        self,
        name: str,
        parameters: dict[str, str],
        match: Document,
        peers: dict[str, str] | None = None,
    ) -> Question:
        limit = int(parameters.get("limit", "100"))
        path = f"{API}?{urlencode(parameters)}" if parameters else API
        return Question(name, path, Floor(match, limit=limit + 1), True, peers or {})

    def _filtered(
        self, name: str, values: Mapping[str, str], tokens: Document | None = None
    ) -> Question:
        match = {**self._match(values), **(tokens or {})}
        path = f"{API}?{urlencode(_parameters(values))}"
        floor = Floor(match, index=_index(values))
        return Question(name, path, floor, True, _datasette(_columns(values)))

    def _sorted(self, name: str, sort: str, values: Mapping[str, str]) -> Question:
        key = sort.removeprefix("-")
        direction = -1 if sort.startswith("-") else 1
        order: tuple[tuple[str, int], ...] = (("_id", direction),)
        column = "timestamp"
        if key in SORT_PATHS:
            order = ((SORT_PATHS[key], direction), ("_id", -1))
            column = "actor_name" if key == "actor" else key
        index = _index(values) if values else f"by_{SORT_PATHS.get(key, 'account')}"
        path = f"{API}?{urlencode({**_parameters(values), 'sort': sort})}"
        way = "_sort_desc" if direction < 0 else "_sort"
        peers = _datasette({**_columns(values), way: column})
        return Question(name, path, Floor(self._match(values), order, index=index), True, peers)


def _rows(
    match: Document, sort: tuple[tuple[str, int], ...] = (("_id", -1),), index: str = ""
) -> Floor:
    """Return the floor of a page of the Hub: its rows, without payloads."""
    names = {path: name for name, path in PATHS.items()}
    filters = {names[path]: "" for path in match if path in names}
    filters |= {"search": ""} if "tokens" in match or "$and" in match else {}
    return Floor(match, sort, PAGE_SIZE + 1, 0, WITHOUT_PAYLOAD, index or _index(filters))


def _index(values: Mapping[str, str]) -> str:
    """Return the index of the most selective of the filters."""
    ranks = (
        *("writerId", "requestId", "correlationId", "sessionId", "target", "actor", "botId"),
        *("assertedBy", "search", "action", "result", "type"),
    )
    name = next((each for each in ranks if each in values), None)
    if name is None:
        return "by_account"
    return "by_tokens" if name == "search" else f"by_{PATHS[name].replace('.', '_')}"


def _parameters(values: Mapping[str, str]) -> dict[str, str]:
    """Return filters as parameters of the API: a type is an `action` there."""
    return {"action" if name == "type" else name: value for name, value in values.items()}


def _columns(values: Mapping[str, str]) -> dict[str, str]:
    """Return filters as parameters of Datasette, which searches as people type by an index of its
    own."""
    return {
        "_search" if name == "search" else f"{_column(name)}__exact": value
        for name, value in values.items()
    }


def _column(name: str) -> str:
    snake = "".join(f"_{char.lower()}" if char.isupper() else char for char in name)
    return COLUMNS.get(name, snake)


def _datasette(parameters: Mapping[str, str]) -> dict[str, str]:
    query = {"_sort_desc": "timestamp", "_size": "100", **parameters}
    if "_sort" in parameters:
        del query["_sort_desc"]
    return {DATASETTE: f"/peer/entries.json?{urlencode(query)}"}


def _pages_of_peers(
    values: Mapping[str, str] | None = None, page: int = 0, position: str = "", sort: bool = False
) -> dict[str, str]:
    """Return the pages of Django's admin and of the newcomer that answer the same."""
    values = values or {}
    admin = {
        "q" if name == "search" else f"{_column(name)}__exact": value
        for name, value in values.items()
    }
    newcomer = dict(_parameters(values))
    if page:
        admin["p"], newcomer["page"] = str(page + 1), str(page + 1)
    if sort:
        # The second column of the list is the actor's name.
        admin["o"], newcomer["sort"] = "2", "actor.name"
    query = urlencode(admin)
    table = {**_columns(values), "_size": str(PAGE_SIZE)}
    table |= {"_sort": "actor_name"} if sort else {"_sort_desc": "timestamp"}
    if position:
        table["_next"] = position
    return {
        DATASETTE: f"/peer/entries?{urlencode(table)}",
        ADMIN: f"/admin/peers/entry/?{query}",
        POSTGRES: f"/admin/peers/entry/?{query}",
        NEWCOMER: f"/logs?{urlencode(newcomer)}",
    }
