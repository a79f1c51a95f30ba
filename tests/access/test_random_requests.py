"""Random requests of every principal: no answer has a byte that they may not read, and none is 500.

An ordinary run asks 400 times, the profile "deep" 20,000.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import pytest
from django.db import transaction
from django.urls import get_resolver
from hypothesis import HealthCheck, given, settings, strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from auditlogs.entry.text import SEPARATOR
from auditlogs.models import PLATFORM_ACCOUNT
from auditlogs.query.entries import Entries
from auditlogs.query.filters import FILTER_NAMES
from auditlogs.query.order import SORTS
from auditlogs.storage.counts import LEASE_ID
from auditlogs.storage.mongo import ACTORS, COUNTERS, DICTIONARY, ENTRIES
from tests import people
from tests.access.test_matrix import PRINCIPALS, addresses
from tests.watching import Command, watcher

if TYPE_CHECKING:
    from tests.access.world import World

pytestmark = pytest.mark.slow

# Every page and endpoint. Static files and the sign-in of others are nobody's data.
ADDRESSES = sorted(addresses(get_resolver().url_patterns))
SWITCH = "/hub/accounts"
PARAMETERS = [
    *(*FILTER_NAMES, "limit", "offset", "cursor", "entry", "to", "account", "name", "scopes"),
    *("bot", "role", "username", "q", "page", "access_token", "id", "key", "expires", "next"),
    *("token", "agent", "overlap", "secret", "add"),
]
GARBAGE = st.text(st.sampled_from("az09._-%/$[]{}()*+'\"<> \0\n\u202eé日"), max_size=12)
BATCH = 10


def named(world: "World") -> list[str]:
    """Return the values that requests use: those of both accounts, and some that do not exist."""
    from tests.access.world import NOTHING

    some = (world.own, world.sibling, world.other, NOTHING)
    facts = ("-approval", "-run", "-key", "-tool", "-code", "-provider", "-order", "-address")
    found = {value for objects in some for value in asdict(objects).values()}
    return sorted({*found, *(f"{objects.bot}{fact}" for objects in some for fact in facts)})


@st.composite
def requests(draw: DrawFn, values: list[str]) -> dict[str, Any]:
    """A request: to any address, with any parameters, in any form."""
    some: SearchStrategy[str] = st.one_of(
        st.sampled_from(values),
        st.sampled_from(values),
        st.sampled_from(
            [*SORTS, "7d", "all", "failure", "mcp", "denied", "1", "0", "1000", "zqf", "zqs", "a"]
        ),
        GARBAGE,
    )
    pattern = draw(st.sampled_from(ADDRESSES))
    path = re.sub(r"<(?:\w+:)?\w+>", lambda _: quote(draw(some), safe=""), pattern)
    query = draw(st.dictionaries(st.sampled_from(PARAMETERS), some, max_size=3))
    data = draw(st.dictionaries(st.sampled_from(PARAMETERS), some, max_size=3))
    headers = draw(
        st.dictionaries(
            st.sampled_from(["HX-Request", "HX-Current-URL", "Hub-Account", "Accept", "Range"]),
            st.one_of(st.just("true"), st.sampled_from(values)),
            max_size=2,
        )
    )
    return {
        "principal": draw(st.sampled_from(PRINCIPALS)),
        "method": draw(st.sampled_from(["GET", "GET", "GET", "HEAD", "POST", "PUT", "OPTIONS"])),
        "pattern": pattern,
        "path": f"{path}?{urlencode(query)}" if query else path,
        "data": data,
        "headers": headers,
        "as_json": draw(st.booleans()),
    }


def body_of(data: Mapping[str, str]) -> bytes:
    """Return an entry that uses the request's values."""
    names = [*data.values(), "x", "x"]
    actor = {"type": "agent", "id": names[0] or "x"}
    entry = {
        "action": "mcp.tool.call",
        "result": "success",
        "actor": actor,
        "botId": names[1] or "x",
    }
    return json.dumps(entry).encode()


def test_no_request_shows_a_byte_of_what_its_caller_may_not_see(world: "World") -> None:
    values = named(world)

    @given(asked=st.lists(requests(values), min_size=BATCH, max_size=BATCH))
    @settings(suppress_health_check=list(HealthCheck))
    def ask(asked: list[dict[str, Any]]) -> None:
        for each in asked:
            with transaction.atomic():
                _send(world, **each)
                transaction.set_rollback(True)

    before = Entries.of(world.other.account).count()
    ask()
    assert Entries.of(world.other.account).count() == before


def _send(
    world: "World",
    *,
    principal: str,
    method: str,
    pattern: str,
    path: str,
    data: Mapping[str, str],
    headers: Mapping[str, str],
    as_json: bool,
) -> None:
    """Send one request; check the answer and the commands sent to the database for it."""
    from tests.access.world import marks_in

    caller = world.principals[principal]
    # Staff may go to the other account, which shows it to them; the matrix has that.
    if caller.person and caller.person.is_staff and pattern == SWITCH:
        return
    client = caller.client()
    client.defaults["REMOTE_ADDR"] = people.new_address()
    form = {"account": caller.account, **data}
    body = body_of(data) if as_json and method == "POST" else None
    with watcher.watch() as commands:
        answer = caller.call(method, path, form, body, client, **headers)
    said = (principal, method, path, form, headers)
    assert answer.status_code < 500, said
    assert marks_in(answer, caller.hidden) == [], said
    for command in commands:
        _asks_for_own_alone(command, caller.account, said)


PLATFORM = f"{PLATFORM_ACCOUNT}{SEPARATOR}"
# What is asked before an entry of the platform's is stored, such as that of a denied access:
# whether its account has a vocabulary, or any note.
WRITING = (PLATFORM, f"{PLATFORM}token{SEPARATOR}{SEPARATOR}")


def _asks_for_own_alone(command: Command, account: str, said: object) -> None:
    """Fail unless a command reads the caller's account only."""
    if command.get("aggregate") == ENTRIES:
        assert command["pipeline"][0]["$match"]["account"] == account, said
    elif command.get("find") == DICTIONARY:
        asked = command["filter"]
        ids: dict[str, Any] = asked.get("_id", {})
        begin = asked.get("named") or ids.get("$gte") or ids.get("$gt")
        if begin in WRITING:
            return
        for each in ids.get("$in", [begin]):
            assert each.split(SEPARATOR)[0] == account, said
    elif command.get("aggregate") == DICTIONARY:
        ((_, values),) = command["pipeline"][0]["$match"].items()
        assert {value.split(SEPARATOR)[0] for value in values["$in"]} == {account}, said
    elif command.get("find") == ACTORS:
        names = command["filter"]
        assert names.get("account") == account or names["_id"].split(SEPARATOR)[0] == account, said
    elif command.get("find") == COUNTERS:
        # How far counting has come is nobody's secret, and names nobody.
        wanted = command["filter"]
        if "account" in wanted:
            assert wanted["account"] == account, said
        elif wanted != {"_id": LEASE_ID}:
            assert {each.split(SEPARATOR)[0] for each in wanted["_id"]["$in"]} == {account}, said
