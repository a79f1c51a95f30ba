"""One entry: on a page of its own, in the drawer, and beside its neighbours."""

import shlex
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from msgspec.structs import replace

from auditlogs.accounts import keys
from auditlogs.models import Account
from auditlogs.query import entries
from auditlogs.query.entries import Entries
from auditlogs.storage import mongo
from hub.logs.drawer import EntryView
from hub.templatetags.hub import duration
from tests.api import Api
from tests.factories import AGENT, ORDER, SYSTEM, USER, make_entry
from tests.hub.markup import Element
from tests.hub.pages import Hub, link, links, rows, without_token

CORRELATION = "0f8b2c64-9d1e-4a57-b3c0-6e2f1d7a9b58"
UNKNOWN = "01a20950-b9be-826b-b349-98920bde1351"
FULL: dict[str, Any] = {
    "action": "order.created",
    "target": ORDER,
    "result": "partial",
    "duration": 1234.5,
    "correlation_id": CORRELATION,
    "request_id": "req-1",
    "session_id": "sess-1",
    "source_ip": "203.0.113.24",
    "payload": {"orderId": "ord-42"},
}
NAMES = [
    *("Timestamp", "Actor", "Action", "Action Type", "Target", "Result", "Duration"),
    *("Correlation ID", "Request ID", "Session ID", "Source IP"),
]


def fields(page: Element) -> dict[str, str]:
    return {part.one("dt").text: part.one("dd").text for part in page.all("dl", "div")}


def steps(page: Element) -> dict[str, str | None]:
    """Return where Previous and Next lead."""
    return {name: page.one(f"#entry-{name}").get("href") for name in ("previous", "next")}


def opened(entry: UUID, query: str = "?") -> str:
    return f"/hub/logs{query}entry={entry}"


def test_the_page_of_an_entry_has_all_twelve_fields(hub: Hub) -> None:
    moment = datetime.now(UTC).replace(microsecond=384_999)
    (entry,) = hub.record({**FULL, "timestamp": moment})
    page = hub.read(f"/hub/logs/{entry}")
    found = fields(page)
    assert list(found)[:11] == NAMES
    assert found["Timestamp"] == moment.strftime("%Y-%m-%dT%H:%M:%S.384Z")
    assert found["Actor"] == "Momentum Scout agent · agent-7"
    assert found["Action"] == "order.created"
    assert found["Action Type"] == "trade"
    assert found["Target"] == "Buy SOL order · ord-42"
    assert found["Result"] == "Partial"
    assert found["Duration"] == "1,234.5 ms"
    assert found["Correlation ID"] == CORRELATION
    assert found["Request ID"] == "req-1"
    assert found["Session ID"] == "sess-1"
    assert found["Source IP"] == "203.0.113.24"
    assert found["Entry ID"] == str(entry)
    assert found["Bot ID"] == "agent-7"
    assert page.one("#payload").text == "Event Payload"
    assert page.one(".payload").text == 'orderId "ord-42"'
    assert page.one("#payload-text").text == '{ "orderId": "ord-42" }'
    assert page.one("h1").text == "order.created"
    buttons = page.all("[data-copy-text]")
    copies = {each.get("aria-label") or each.text: each["data-copy-text"] for each in buttons}
    assert str(entry) in copies.pop("Copy as curl")
    assert copies == {
        "Copy Correlation ID": CORRELATION,
        "Copy Request ID": "req-1",
        "Copy Session ID": "sess-1",
        "Copy as trace ID": CORRELATION.replace("-", ""),
        "Copy Entry ID": str(entry),
    }
    related = link(page, "All entries of this correlation")
    assert rows(hub.read(related["href"])) == [entry]


def test_what_is_absent_is_shown_as_absent(hub: Hub) -> None:
    (entry,) = hub.record({"actor": SYSTEM, "action": "kill_switch.activated"})
    page = hub.read(f"/hub/logs/{entry}")
    found = fields(page)
    absent = [name for name, text in found.items() if text == "Not recorded"]
    assert absent == [
        *("Target", "Duration", "Correlation ID", "Request ID", "Session ID", "Source IP"),
        *("Writer ID", "Bot ID", "Asserted by"),
    ]
    assert page.all(".payload") == []
    assert page.all(".absent")[-2].text == "Not recorded"
    assert "All entries of this correlation" not in links(page)


def test_unknown_malformed_and_foreign_entries_are_the_same_404(hub: Hub) -> None:
    foreign = make_entry()
    paths = [f"/hub/logs/{name}" for name in (UNKNOWN, "not-an-id", foreign.id, UNKNOWN[:-1])]
    answers = [hub.get(path) for path in paths]
    assert {answer.status_code for answer in answers} == {404}
    assert len({without_token(answer.content) for answer in answers}) == 1
    drawers = [hub.get(path, htmx=True) for path in paths]
    assert {answer.status_code for answer in drawers} == {404}
    assert len({answer.content for answer in drawers}) == 1
    beside = [hub.logs(f"?entry={path.rpartition('/')[2]}").one("#drawer").text for path in paths]
    assert len(set(beside)) == 1


def test_an_entry_older_than_retention_is_not_there(hub: Hub, settings: Any) -> None:
    (entry,) = hub.record({"timestamp": datetime.now(UTC)})
    settings.AUDITLOGS_RETENTION_DAYS = 0
    assert hub.get(f"/hub/logs/{entry}").status_code == 404


def test_the_drawer_is_the_entry_alone(hub: Hub) -> None:
    (entry,) = hub.record(FULL)
    drawer = hub.read(f"/hub/logs/{entry}?result=partial", htmx=True)
    assert drawer.all("html") == []
    assert list(fields(drawer))[:11] == NAMES
    assert drawer.one("#drawer-title").text == "Entry order.created"
    assert link(drawer, "Close")["href"] == "/hub/logs?result=partial"
    assert link(drawer, "Permalink")["href"] == f"/hub/logs/{entry}"


def test_an_entry_in_the_address_is_open_beside_the_list(hub: Hub) -> None:
    other, entry = hub.record({}, FULL)
    page = hub.logs(f"?dateRange=24h&entry={entry}")
    assert rows(page) == [other, entry]
    drawer = page.one("#drawer")
    assert drawer.get("open") is not None
    assert fields(drawer)["Entry ID"] == str(entry)
    assert [each["id"] for each in page.all("tr[aria-current=true]")] == [f"entry-{entry}"]
    assert link(drawer, "Close")["href"] == "/hub/logs?dateRange=24h"
    assert drawer.all("#drawer-body", ".banner") == []
    assert hub.logs().one("#drawer").get("open") is None


def test_an_entry_outside_the_list_is_shown_and_said_to_be(hub: Hub) -> None:
    failed, entry = hub.record({"result": "failure"}, FULL)
    page = hub.logs(f"?result=failure&entry={entry}")
    assert rows(page) == [failed]
    drawer = page.one("#drawer-body")
    assert fields(drawer)["Entry ID"] == str(entry)
    assert (
        drawer.one(".banner").text
        == "This entry does not match the filters or the range of the list."
    )
    assert steps(drawer) == {"previous": None, "next": None}


def test_an_unknown_entry_leaves_the_list_and_says_so(hub: Hub) -> None:
    ids = hub.record({})
    page = hub.logs(f"?entry={UNKNOWN}")
    assert rows(page) == ids
    drawer = page.one("#drawer-body")
    assert drawer.one("[role=alert]", "span").text.startswith("Entry not found")
    assert link(drawer, "Close")["href"] == "/hub/logs"


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("", [0, 1, 2, 3]),
        ("timestamp", [3, 2, 1, 0]),
        ("actor", [2, 0, 1, 3]),
        ("-actor", [0, 1, 3, 2]),
        ("action", [1, 0, 3, 2]),
        ("result", [1, 3, 0, 2]),
        ("-result", [2, 0, 1, 3]),
    ],
)
def test_neighbours_are_those_of_the_list(hub: Hub, sort: str, order: list[int]) -> None:
    ids = hub.record(
        {"action": "mcp.tool.call", "result": "partial"},
        {"action": "auth.signed_in", "result": "failure"},
        {"action": "order.created", "actor": USER},
        {"action": "mcp.tool.call", "result": "failure"},
    )
    shown = [ids[number] for number in order]
    prefix = f"?sort={sort}&" if sort else "?"
    assert rows(hub.logs(prefix)) == shown
    for number, entry in enumerate(shown):
        drawer = hub.read(f"/hub/logs/{entry}{prefix}", htmx=True)
        assert steps(drawer) == {
            "previous": opened(shown[number - 1], prefix) if number else None,
            "next": opened(shown[number + 1], prefix) if number < 3 else None,
        }


def test_neighbours_go_on_beyond_the_page_and_stay_in_the_filters(hub: Hub) -> None:
    ids = hub.record(*[{}, {"result": "failure"}] * 51)
    shown = ids[::2]
    page = hub.logs("?result=success")
    assert rows(page) == shown[:50]
    drawer = hub.read(f"/hub/logs/{shown[49]}?result=success", htmx=True)
    assert steps(drawer)["next"] == opened(shown[50], "?result=success&")

    older = link(page, "Older")["href"]
    drawer = hub.read(older.replace("/hub/logs?", f"/hub/logs/{shown[50]}?"), htmx=True)
    assert steps(drawer) == {"previous": f"{older}&entry={shown[49]}", "next": None}


def test_neighbours_that_cannot_be_found_do_not_hide_the_entry(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    (entry,) = hub.record(FULL)

    def fail(*_: object) -> None:
        raise mongo.TookTooLong("The log took too long to answer.")

    monkeypatch.setattr(entries.Entries, "neighbours", fail)
    drawer = hub.read(f"/hub/logs/{entry}", htmx=True)
    assert fields(drawer)["Entry ID"] == str(entry)
    assert steps(drawer) == {"previous": None, "next": None}
    assert drawer.all("[role=alert]") == []


def test_the_entry_of_a_name_without_words_is_told_by_its_id(hub: Hub) -> None:
    (entry,) = hub.record({"actor": {"type": "agent", "id": "agent-0"}, "duration": 0})
    found = fields(hub.read(f"/hub/logs/{entry}"))
    assert found["Actor"] == "agent-0 agent · agent-0"
    assert found["Duration"] == "0 ms"


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0 ms"),
        (71.25, "71.25 ms"),
        (9_999.5, "9,999.5 ms"),
        (12_340, "12.3 s"),
        (200_000, "3 min 20 s"),
        (98_760_000, "27 h 26 min"),
        (273_600_000, "3 d 4 h"),
    ],
)
def test_a_duration_is_told_in_units_a_person_reads(milliseconds: float, text: str) -> None:
    assert duration(milliseconds) == text


def test_an_entry_names_the_key_that_sent_it_to_its_own_account(hub: Hub, account: Account) -> None:
    token = keys.create(account, "scout-read", ["logs:write"])
    key = account.api_keys.get()
    assert token
    entry = replace(make_entry(), asserted_by=key.public_id)
    ours, theirs = Entries.of(account.id), Entries.of("acc_another")
    assert EntryView(entry, ours).key_name == "scout-read"
    assert EntryView(entry, theirs).key_name == ""
    assert EntryView(replace(entry, asserted_by="key_0"), ours).key_name == ""
    chip = hub.logs(f"?assertedBy={key.public_id}").one(".chip-text")
    assert chip.text == f"scout-read ({key.public_id})"


def test_how_an_actor_was_identified_is_claimed_by_the_key_that_wrote_it(
    hub: Hub, account: Account, write_key: str
) -> None:
    sent = {"action": "mcp.tool.call", "result": "success", "actor": dict(AGENT)}

    def shown(key: str, **more: str) -> str:
        (receipt,) = Api(key).post([{**sent, **more}]).json()
        return hub.read(f"/hub/logs/{receipt['id']}").text

    assert "identified by token · claimed by" in shown(write_key, authentication="token")
    assert "declared, not verified · claimed by" in shown(write_key, authentication="declared")
    assert "identified by" not in shown(write_key)
    # The key of one agent identifies it, whatever that says of itself.
    own = keys.create(account, "own", ["logs:write"], bot=AGENT["id"])
    page = shown(own, authentication="session")
    assert "identified by key" in page
    assert "claimed by" not in page


def test_an_actor_that_named_itself_is_marked_in_the_list(hub: Hub, account: Account) -> None:
    make_entry(account.id, authentication="declared")
    (shown,) = (each for each in hub.logs().all("td", ".two-lines", "small") if each.text)
    assert "declared" in shown.text


def test_a_row_says_why_or_what_below_its_action_unless_that_stands_beside_it(
    hub: Hub, account: Account
) -> None:
    target = {"type": "tool", "id": "quote"}
    for number, payload in enumerate(({"error": "No funds"}, {"tool": "quote"}, None)):
        result = "failure" if number == 0 else "success"
        make_entry(account.id, target=target, result=result, payload=payload)
    assert [each.text for each in hub.logs().all(".summary")] == ["No funds"]


def test_a_call_with_other_arguments_than_were_approved_is_flagged(
    hub: Hub, account: Account
) -> None:
    def record(
        action: str, outcome: str, amount: int, result: str = "success", id: str = "ap-1"
    ) -> str:
        entry = make_entry(
            account.id,
            action=action,
            result=result,
            approval={"id": id, "outcome": outcome},
            payload={"tool": "transfer", "arguments": {"amount": amount}},
        )
        return f"/hub/logs/{entry.id}"

    def is_flagged(page: str) -> bool:
        return "The arguments are not those that were approved." in hub.read(page).text

    assert not is_flagged(record("mcp.elicitation.requested", "requested", 5))
    assert not is_flagged(record("mcp.tool.call", "granted", 5))
    assert is_flagged(record("mcp.tool.call", "granted", 5_000))
    # It was not done.
    assert not is_flagged(record("mcp.tool.call", "granted", 5_000, "failure"))
    # An approval is not measured by what was done later.
    approved = record("order.approved", "granted", 5, id="ap-2")
    record("mcp.elicitation.requested", "requested", 7, id="ap-2")
    assert not is_flagged(approved)
    other = make_entry(approval={"id": "ap-1", "outcome": "granted", "argumentsHash": "0f" * 32})
    assert not EntryView(other, Entries.of("acc_another")).has_other_arguments


def test_the_copied_json_of_an_entry_is_what_the_api_answers_with(hub: Hub, api_key: str) -> None:
    payload = {"requiredScope": "trade", "tool": "trade_execute"}
    (entry,) = hub.record({"result": "failure", "payload": payload})
    page = hub.read(f"/hub/logs/{entry}")
    copied = hub.get(page.one("a[data-copy-url]")["href"])
    assert copied["Content-Type"] == "application/json"
    command = shlex.split(page.one(".section-actions", "[data-copy-text]")["data-copy-text"])
    assert command[:3] == ["curl", "-H", "Authorization: Bearer $AUDITLOGS_KEY"]
    headers = {"Authorization": f"Bearer {api_key}"}
    answer = hub.client.get(urlsplit(command[3]).path, headers=headers)
    assert answer.status_code == 200
    assert copied.json() == answer.json()
    assert copied.json()["explanation"]["slug"]
    for path in (UNKNOWN, "not-an-id", make_entry().id):
        assert hub.get(f"/hub/logs/json/{path}").status_code == 404
