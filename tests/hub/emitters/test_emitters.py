"""The page of those who write: its figures are those of the entries, and lead to them."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import time_machine
from django.contrib.auth.models import User
from django.http import QueryDict

from auditlogs.accounts import keys
from auditlogs.entry.times import from_ms, now, to_ms
from auditlogs.models import Account, ApiKey
from auditlogs.query.filters import parse
from auditlogs.storage import counts
from auditlogs.write.spool import Depth, spool
from hub.emitters.emitters import Emitter, Emitters
from tests.counting import count_until_now
from tests.factories import new, store_with_keys
from tests.hub.pages import Hub
from tests.people import signed_in

PAGE = "/hub/emitters"


@pytest.fixture
def middle_of_an_hour() -> Iterator[Any]:
    """An instant soon, that no border between hours comes near."""
    at = from_ms(counts.start_of("hour", to_ms(now()))) + timedelta(minutes=90)
    with time_machine.travel(at, tick=False) as clock:
        yield clock


def key_of(account: Account, name: str, *scopes: str) -> str:
    keys.create(account, name, list(scopes or ("logs:write",)))
    return ApiKey.objects.get(account=account, name=name).public_id


def number_behind(url: str, account: str) -> int:
    """Return how many entries the list at a URL has, read one by one."""
    query = QueryDict(urlsplit(url).query)
    request = parse(query, account=account, bot=None, default_range="7d", now=now())
    assert request.errors == {}
    return len(request.entries.page(1_000).entries)


def by_name(account: Account) -> dict[str, Emitter]:
    return {row.name: row for row in Emitters.read(account, now()).rows}


def test_figures_equal_the_entries_and_each_leads_to_them(
    account: Account, middle_of_an_hour: Any
) -> None:
    random, moment = Random(17), now()
    ids = [None, *(key_of(account, f"key {number}") for number in range(3))]
    names = dict(zip(ids, ["Without an API key", "key 0", "key 1", "key 2"], strict=True))
    hours = [random.randrange(200) for _ in range(120)] + [-3, 0, 23, 24, 167, 168]
    asserted = [random.choice(ids) for _ in hours]
    store_with_keys(
        [new(timestamp=moment - timedelta(hours=hour)) for hour in hours], asserted, account.id
    )
    count_until_now(account.id)
    day = Counter(id for id, hour in zip(asserted, hours, strict=True) if hour < 24)
    week = Counter(id for id, hour in zip(asserted, hours, strict=True) if hour < 168)
    found = by_name(account)
    for id, name in names.items():
        row = found[name]
        assert (row.day.count, row.week.count) == (day[id], week[id])
        assert number_behind(row.day_url, account.id) == day[id]
        assert number_behind(row.week_url, account.id) == week[id]
    order = [row.day.count for row in Emitters.read(account, now()).rows[1:]]
    assert order == sorted(order, reverse=True)


def test_an_offset_is_of_the_clock_and_what_is_later_than_that_a_delay(
    account: Account, middle_of_an_hour: Any
) -> None:
    fast, slow, right = (key_of(account, name) for name in ("fast", "slow", "right"))
    moment = now()
    late = {fast: (-300, -240), slow: (600, 600), right: (0, 1, 720)}
    entries = [
        (id, new(timestamp=moment - timedelta(seconds=each)))
        for id, all_of in late.items()
        for each in all_of
    ]
    store_with_keys([entry for _, entry in entries], [id for id, _ in entries], account.id)
    clocks = {name: row.clock for name, row in by_name(account).items()}
    texts = {name: (c.offset_text, c.delay_text) for name, c in clocks.items() if c}
    assert texts == {
        "fast": ("5 min ahead", "Up to 1 min late"),
        "slow": ("10 min behind", ""),
        "right": ("In step", "Up to 12 min late"),
    }


def test_it_names_who_is_silent_and_who_never_wrote_and_what_waits(
    admin: User, account: Account, middle_of_an_hour: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = Hub(signed_in(admin), account.id)
    silent, busy = key_of(account, "silent one"), key_of(account, "busy one")
    key_of(account, "new one")
    key_of(account, "reader", "logs:read")
    two_days = now() - timedelta(days=2)
    store_with_keys(
        [new(timestamp=two_days), new(source_ip="192.0.2.7"), new()],
        [silent, busy, None],
        account.id,
    )
    count_until_now(account.id)
    monkeypatch.setattr(spool(), "depth", lambda account: Depth(12, 240.0, 0))
    page = hub.read(PAGE)
    banners = [each.text for each in page.all("[role=status]")]
    assert any("spool: 12, the oldest for 4 min" in each for each in banners)
    assert any(each.endswith("Silent for 24 hours: silent one") for each in banners)
    lines = {row.all("bdi")[0].text: row.text for row in page.all("tbody", "tr")}
    assert list(lines) == ["Without an API key", "busy one", "silent one", "new one"]
    assert "None in 7 days" in lines["new one"]
    assert "192.0.2.7" in lines["busy one"]
    links = [urlsplit(each["href"]).query for each in page.all("tbody", "a")]
    assert busy in [dict(parse_qsl(query)).get("assertedBy") for query in links]


def test_only_admins_have_it_in_the_navigation(admin: User, hub: Hub) -> None:
    for each, expected in ((hub, False), (Hub(signed_in(admin), hub.account), True)):
        links = each.logs().all("header.navigation", "a")
        assert (PAGE in [link["href"] for link in links]) is expected
