"""Every principal tries every request on their own objects, another account's, and ones that do
not exist: the outcome is the one in the table of docs/access.md."""

import json
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from tests.demo_process import ROOT

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

    from tests.access.world import Objects, Principal, World

DOCUMENT = (ROOT / "docs" / "access.md").read_text()
PRINCIPALS = (
    *("anonymous", "viewer", "admin", "staff"),
    *("read key", "write key", "verify key", "bot-bound key", "session token"),
)
# Headers that say nothing of what was asked for.
OWN_WAY = {"X-Request-ID", "Content-Length"}
# The cells whose answer can differ between two bots of the caller's account.
OF_SIBLINGS = {"own bot", "own keys", "any account", "any name"}
# What an answer says of its own moment, and nothing else.
MOMENT = re.compile(
    r'name="csrfmiddlewaretoken" value="\w+"'
    r'|<time datetime="[^"]*"[^>]*>[^<]*</time>'
    r"|db;dur=[\d.]+"
    r"|since=\d{13}"
    r"|audit-logs-[\dTZ-]+"
    r'|"(?:startedAt|start|end|countedAt)":"[^"]*"'
    r"|(?:start|end)Date=[\dTZA-F%.-]+|\w{3} \d+, [\d:]+ to \w{3} \d+, [\d:]+ UTC"
    # The chart of what is too far ahead ends a day after the second in which it is asked for.
    r"|(?:\w{3} \d+, )?\d\d:\d\d:\d\d"
)


@dataclass(frozen=True)
class Row:
    """An action: its request, and a cell for each principal."""

    action: str
    method: str
    path: str
    form: str
    cells: dict[str, str]

    @property
    def names_object(self) -> bool:
        return "<" in self.path + self.form

    @property
    def names_object_in_path(self) -> bool:
        return "<" in self.path.partition("?")[0]

    def call(self, principal: "Principal", objects: "Objects") -> "Response":
        """Send the request about these objects."""
        path, form = (_about(text, objects) for text in (self.path, self.form))
        data = dict(each.split("=", 1) for each in form.split())
        if path == "/api/keys/introspect":
            kind = "application/x-www-form-urlencoded"
            return principal.call("POST", path, body=urlencode(data).encode(), kind=kind)
        if self.method == "POST" and path.startswith("/api/"):
            actor = {"type": "agent", "id": data["actor"]}
            entry = {"action": "mcp.tool.call", "result": "success", "actor": actor}
            return principal.call("POST", path, body=json.dumps(entry).encode())
        return principal.call(self.method, path, {**data, "account": principal.account})


def _about(text: str, objects: "Objects") -> str:
    for name, value in asdict(objects).items():
        text = text.replace(f"<{name}>", value)
    return text


def rows() -> list[Row]:
    """Return the rows of the document's table."""
    table = DOCUMENT.partition("The rows below are read by the tests. -->")[2].strip()
    table = table.partition("\n\n")[0]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    assert tuple(lines[0][2:]) == PRINCIPALS
    found = []
    for action, request, *cells in lines[2:]:
        assert len(cells) == len(PRINCIPALS), action
        method, path, *form = request.strip("`").split(" ")
        cells_of = dict(zip(PRINCIPALS, cells, strict=True))
        found.append(Row(action, method, path, " ".join(form), cells_of))
    return found


ROWS = rows()


def addresses(patterns: list[URLPattern | URLResolver], prefix: str = "/") -> list[str]:
    """Return the URL pattern of every page and endpoint."""
    found = []
    for each in patterns:
        here = f"{prefix}{each.pattern}"
        if isinstance(each, URLResolver):
            found += addresses(each.url_patterns, here)
        else:
            found.append(here)
    return found


# Those that show and do nothing of an account: they lead to another, or are for everybody.
FOR_EVERYBODY = {
    *("/", "/favicon.ico", "/hub", "/hub/", "/hub/help", "/hub/sign-in", "/hub/sign-out"),
    # The description of the API, which is the same for all accounts.
    *("/api/docs", "/api/openapi.json", "/api/schemas/entry/1"),
    # For whoever holds the link.
    "/hub/set-password/<uidb64>/<token>",
}


def test_every_address_there_is_has_its_rows() -> None:
    patterns = {
        re.compile(re.sub(r"<(?:\w+:)?\w+>", "<[a-z]+>", re.escape(each)).replace(r"\<", "<"))
        for each in addresses(get_resolver().url_patterns)
        if each not in FOR_EVERYBODY
    }
    named = {row.path.partition("?")[0] for row in ROWS}
    missing = {p.pattern for p in patterns if not any(p.fullmatch(path) for path in named)}
    assert missing == set()
    assert {path for path in named if not any(p.fullmatch(path) for p in patterns)} == set()


def shape(row: Row, response: "Response", objects: "Objects") -> tuple[int, str]:
    """Return an answer without the parts that echo the request or differ each time: status, headers
    and body."""
    headers = [
        f"{name}: {value}" for name, value in response.headers.items() if name not in OWN_WAY
    ]
    text = MOMENT.sub("", "\n".join([*headers, response.content.decode()]))
    for name, value in asdict(objects).items():
        # A bare number stands for anything in a page.
        if f"<{name}>" in row.path + row.form and not value.isdecimal():
            text = text.replace(value, "<object>")
    return response.status_code, text


@pytest.mark.parametrize("name", PRINCIPALS)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.action)
def test_it_is_as_the_table_says(world: "World", row: Row, name: str) -> None:
    from tests.access.world import OWN, marks_in

    principal, cell = world.principals[name], row.cells[name]
    answers = own, _, other, nothing = _answers(row, principal, cell, world)
    statuses = [each.status_code for each in answers]

    if cell != "any account":
        assert [mark for each in answers for mark in marks_in(each, principal.hidden)] == []
    if cell == "sign in":
        assert statuses == [302] * 4
        assert all(answer["Location"].startswith("/hub/sign-in?next=") for answer in answers)
    elif cell == "401":
        assert statuses == [401] * 4
        assert {answer["WWW-Authenticate"] for answer in answers} == {'Bearer realm="audit-logs"'}
    elif cell in {"403", "no"}:
        assert statuses == [403] * 4
        kind = "application/problem+json" if cell == "403" else "text/html; charset=utf-8"
        assert {answer["Content-Type"] for answer in answers} == {kind}
    elif cell == "short":
        assert {answer.content for answer in answers} == {b'{"status":"ready"}'}
    elif cell == "figures":
        assert all("deadLetters" in answer.json()["spool"] for answer in answers)
    elif cell == "any account":
        assert statuses == ([200] * 4 if row.method == "GET" else [302, 302, 302, 404])
    elif cell in {"own token", "own view"}:
        # None of what is tried is one.
        assert statuses == [404] * 4
    elif cell == "own keys":
        assert [answer.json()["active"] for answer in answers] == [True, True, False, False]
        assert other.content == nothing.content
    elif cell == "any name":
        assert statuses == [201] * 4
    else:
        assert cell in {"yes", "own bot"}
        _is_own_alone(row, cell, world, answers)
        if row.method == "GET" and "<" in row.path:
            assert marks_in(own, (OWN,)) == [OWN]


def _answers(
    row: Row, principal: "Principal", cell: str, world: "World"
) -> tuple["Response", "Response", "Response", "Response"]:
    """Return the answers about the caller's own object, one of a sibling, another account's, and
    one that does not exist."""
    from tests.access.world import NOTHING

    own = row.call(principal, world.own)
    # A question that names no object is the same about each of them.
    if row.method == "GET" and not row.names_object:
        return own, own, own, own
    # Only a restriction to one bot, and a table with a cell of its own, tell a sibling apart.
    sibling = row.call(principal, world.sibling) if cell in OF_SIBLINGS else own
    return own, sibling, row.call(principal, world.other), row.call(principal, NOTHING)


def _is_own_alone(row: Row, cell: str, world: "World", answers: tuple["Response", ...]) -> None:
    """Fail unless the caller's own object is answered, and any other as if it did not exist."""
    from tests.access.world import NOTHING

    own, sibling, other, nothing = answers
    assert own.status_code in {200, 201, 302}
    same = [(other, world.other), (nothing, NOTHING)]
    if cell == "own bot":
        same.append((sibling, world.sibling))
    if not row.names_object:
        same.append((own, world.own))
    shapes = [shape(row, answer, objects) for answer, objects in same]
    assert shapes[1:] == shapes[:-1]
    if row.names_object_in_path or (row.method == "POST" and "<" in row.form):
        assert nothing.status_code == (403 if cell == "own bot" and row.form else 404)
