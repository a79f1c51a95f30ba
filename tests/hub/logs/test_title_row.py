"""The links and the command of the title row: they lead to the list that is shown."""

import re
import shlex
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

from django.contrib.auth.models import User
from django.test import Client

from auditlogs.entry.times import now
from auditlogs.models import Account
from tests.api import Api
from tests.factories import make_entries
from tests.people import signed_in


def copied(client: Client, query: str) -> list[str]:
    """Return what the menu copies: live link, frozen link, command."""
    page = client.get(f"/hub/logs{query}").content.decode()
    assert "aud_" not in page
    return [unescape(text) for text in re.findall(r'data-copy-text="(http[^"]*|curl[^"]*)"', page)]


def test_a_live_link_keeps_the_range_and_a_frozen_one_writes_it_out(user: User) -> None:
    live, frozen, _ = copied(signed_in(user), "?dateRange=24h&result=failure&entry=x")
    assert parse_qs(urlsplit(live).query) == {"dateRange": ["24h"], "result": ["failure"]}
    parameters = parse_qs(urlsplit(frozen).query)
    assert parameters.keys() == {"startDate", "endDate", "result"}
    assert live.startswith("http://testserver/hub/logs?")


def test_a_frozen_link_shows_the_same_later(user: User, account: Account) -> None:
    client = signed_in(user)
    old = make_entries(account.id, 2)
    _, frozen, _ = copied(client, "")
    new = make_entries(account.id, 1)
    page = client.get(frozen).content.decode()
    assert all(f'id="entry-{each}"' in page for each in old)
    assert (
        parse_qs(urlsplit(frozen).query)["endDate"][0] <= (now() + timedelta(hours=1)).isoformat()
    )
    assert new


def test_the_command_asks_the_api_for_the_entries_of_the_list(
    user: User, account: Account, api_key: str
) -> None:
    make_entries(account.id, 1, result="failure")
    make_entries(account.id, 1)
    *_, command = copied(signed_in(user), "?result=failure&search=it%27s+%24HOME")
    words = shlex.split(command)
    assert words[:3] == ["curl", "-H", "Authorization: Bearer $AUDITLOGS_KEY"]
    url = urlsplit(words[3])
    assert parse_qs(url.query) == {
        "result": ["failure"],
        "search": ["it's $HOME"],
        "dateRange": ["7d"],
    }
    *_, command = copied(signed_in(user), "?result=failure")
    url = urlsplit(shlex.split(command)[3])
    assert len(Api(api_key).get(f"{url.path}?{url.query}").json()) == 1


def test_the_command_and_the_exports_have_the_entries_of_an_id_or_of_the_same_word(
    user: User, account: Account, api_key: str
) -> None:
    word, old = "agent-2026-01", now() - timedelta(days=20)
    actor = {"type": "agent", "id": word}
    (of_id,) = make_entries(account.id, 1, request_id=word, timestamp=old)
    (of_word,) = make_entries(account.id, 1, actor=actor)
    client = signed_in(user)
    for query, entry in ((f"?search={word}", of_id), (f"?search={word}&words=only", of_word)):
        *_, command = copied(client, query)
        url = urlsplit(shlex.split(command)[3])
        found = Api(api_key).get(f"{url.path}?{url.query}").json()
        assert [each["id"] for each in found] == [str(entry)]
        page = client.get(f"/hub/logs{query}").content.decode()
        assert f'id="entry-{entry}"' in page
        (export,) = re.findall(r'href="(/hub/logs/export\?[^"]*format=ndjson[^"]*)"', page)
        lines = client.get(unescape(export)).getvalue().decode().splitlines()
        assert [entry for entry in (of_id, of_word) if f'"{entry}"' in lines[0]] == [entry]
