"""The filter bar: what its controls show, what it says, and where its links lead."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User

from auditlogs.models import Account
from hub.logs import views
from hub.logs.columns import COLUMNS
from tests.factories import ORDER, SYSTEM, USER
from tests.hub.markup import Element
from tests.hub.pages import Hub, link, links, rows

CORRELATION = "0f8b2c64-9d1e-4a57-b3c0-6e2f1d7a9b58"


def options(page: Element, select: str) -> list[str]:
    return [option.text for option in page.all(f"#{select}", "option")]


def chips(page: Element) -> dict[str, str]:
    """Return what each chip says, with where its link leads."""
    return {chip.text: chip.one("a")["href"] for chip in page.all(".chip")}


def test_each_control_is_labelled_and_named_as_its_parameter(hub: Hub) -> None:
    form = hub.logs().one("#filters")
    labels = {label["for"]: label.text for label in form.all("label")}
    assert labels == {
        "dateRange": "Date Range",
        "actor": "Actor",
        "action": "Action Type",
        "result": "Result",
        "search": "Search",
        "sort": "Sort",
        "startDate": "Start UTC",
        "endDate": "End UTC",
    }
    for name in labels:
        assert form.one(f"#{name}")["name"] == name


def test_the_selects_offer_what_the_specification_names(hub: Hub) -> None:
    page = hub.logs()
    assert options(page, "dateRange") == [
        *("Last 24h", "Last 7 days", "Last 30 days", "All Time", "Custom")
    ]
    assert options(page, "action") == ["All types", "auth", "trade", "config", "mcp", "system"]
    assert options(page, "result") == ["All results", "Failure", "Partial", "Success"]
    # Actors are listed when the control is opened.
    assert options(page, "actor") == ["All actors"]


def test_the_controls_show_what_was_asked_for(hub: Hub) -> None:
    hub.record({})
    page = hub.logs("?dateRange=30d&actor=agent-7&action=mcp&result=partial&search=Buy+%3Csol%3E")
    chosen = {
        select["name"]: select.one("option[selected]")["value"]
        for select in page.all("#filters", "select")
    }
    assert chosen == {
        "dateRange": "30d",
        "actor": "agent-7",
        "action": "mcp",
        "result": "partial",
        "sort": "",
    }
    assert page.one("#search")["value"] == "Buy <sol>"
    assert page.one("#actor", "option[selected]").text == "Momentum Scout"


def test_an_actor_that_is_not_known_is_shown_by_its_id(hub: Hub) -> None:
    hub.record({})
    page = hub.logs("?actor=agent-0")
    assert page.one("#actor", "option[selected]").text == "agent-0"
    assert rows(page) == []


@pytest.mark.parametrize(
    ("control", "query", "sentence"),
    [
        ("dateRange", "dateRange=1y", "“1y” is not a date range. Showing the last 7 days."),
        (
            "startDate",
            "startDate=yesterday",
            "“yesterday” is not a date and time. Showing the last 7 days.",
        ),
        (
            "startDate",
            "startDate=yesterday&dateRange=30d",
            "“yesterday” is not a date and time. Showing the last 30 days.",
        ),
        (
            "endDate",
            "endDate=2026-02-30T00:00:00Z",
            "“2026-02-30T00:00:00Z” is not a date and time. Showing the last 7 days.",
        ),
        (
            "startDate",
            "startDate=2026-03-02T00:00:00Z&endDate=2026-03-01T00:00:00Z",
            "The start is after the end. Showing the last 7 days.",
        ),
        (
            "startDate",
            "startDate=x&startDate=y",
            "More than one value was given for Start. Showing the last 7 days.",
        ),
        ("actor", f"actor={'a' * 257}", f"“{'a' * 32}…” is not an actor ID. Showing all actors."),
        (
            "action",
            "action=everything",
            "“everything” is not an action type or action. Showing all types.",
        ),
        ("result", "result=lost", "“lost” is not a result. Showing all results."),
        (
            "result",
            "result=failure&result=success",
            "More than one value was given for Result. Showing all results.",
        ),
        (
            "search",
            f"search={'a' * 201}",
            "A search can have at most 200 characters. Showing entries without a search.",
        ),
        (
            "search",
            "search=a+b+c+d+e+f+g+h+i",
            "A search can have at most 8 words. Showing entries without a search.",
        ),
        (
            "search",
            "search=%00",
            "A search cannot have null characters. Showing entries without a search.",
        ),
    ],
)
def test_a_bad_value_has_its_message_at_the_control_and_the_rest_is_applied(
    hub: Hub, control: str, query: str, sentence: str
) -> None:
    kept, _ = hub.record({"target": ORDER}, {})
    page = hub.logs(f"?target=ord-42&{query}")
    assert page.one(f"#{control}-message").text == sentence
    assert page.one(f"#{control}")["aria-describedby"] == f"{control}-message"
    others = [each for each in page.all(".field-message") if each["id"] != f"{control}-message"]
    assert [each.text for each in others] == [""] * 6
    assert rows(page) == [kept]
    assert page.all(".notices") == []

    fragment = hub.logs(f"?target=ord-42&{query}", htmx=True)
    message = fragment.one(f"#{control}-message")
    assert message.text == sentence
    assert message["hx-swap-oob"] == "true"


def test_one_notice_tells_what_has_no_control(hub: Hub) -> None:
    ids = hub.record({})
    page = hub.logs("?colour=red&Actor=x&sort=size&cursor=stale&target=a&target=b&offset=5&limit=9")
    notice = page.one("#results", ".banner")
    assert notice["role"] == "status"
    assert [each.text for each in notice.all("li")] == [
        "Ignored “target”: it was given more than once.",
        "Ignored “colour”: there is no such filter.",
        "Ignored “Actor”: there is no such filter. Did you mean “actor”?",
        "Ignored “offset”: there is no such filter.",
        "Ignored “limit”: there is no such filter.",
        "Ignored “sort”: the list cannot be sorted by “size”.",
        "Ignored “cursor”: this page of the list does not exist. Showing the first page.",
    ]
    assert rows(page) == ids
    assert page.all(".field-message")[0].text == ""
    # What is not known is not carried along.
    assert "colour" not in page.one("#results")["data-url"]


def test_what_has_no_control_is_a_chip_by_its_name(hub: Hub) -> None:
    hub.record(
        {
            "action": "order.created",
            "target": ORDER,
            "correlation_id": CORRELATION,
            "request_id": "req-1",
            "session_id": "sess-1",
        }
    )
    query = (
        f"botId=agent-7&action=order.created&target=ord-42&correlationId={CORRELATION}"
        "&requestId=req-1&sessionId=sess-1"
    )
    page = hub.logs(f"?result=success&sort=actor&{query}")
    assert len(rows(page)) == 1
    found = chips(page)
    assert list(found) == [
        "Agent: Momentum Scout",
        "Action: order.created",
        "Target: ord-42",
        f"Correlation ID: {CORRELATION}",
        "Request ID: req-1",
        "Session ID: sess-1",
    ]
    parts = query.split("&")
    for number, leads_to in enumerate(found.values()):
        others = "&".join(part for part in parts if part != parts[number])
        assert leads_to == f"/hub/logs?result=success&sort=actor&{others}"


def test_a_bot_that_is_not_known_is_a_chip_by_its_id(hub: Hub) -> None:
    assert list(chips(hub.logs("?botId=bot-0"))) == ["Agent: bot-0"]


def test_a_bot_is_named_where_it_is_only_a_target(hub: Hub) -> None:
    target = {"type": "bot", "id": "bot-9", "name": "Grid Keeper"}
    hub.record({"actor": USER, "action": "bot.created", "target": target})
    assert list(chips(hub.logs("?botId=bot-9"))) == ["Agent: Grid Keeper"]


def test_a_chip_is_not_made_of_what_was_not_understood(hub: Hub) -> None:
    assert chips(hub.logs(f"?target={'t' * 257}&action=mcp")) == {}


def test_the_form_keeps_what_has_no_control(hub: Hub) -> None:
    page = hub.logs("?botId=agent-7&action=order.created&result=failure&dateRange=30d")
    kept = {each["name"]: each["value"] for each in page.all("#filters", "[data-kept]")}
    assert kept == {"botId": "agent-7", "action": "order.created"}


def test_a_type_that_is_chosen_takes_the_place_of_the_action_that_was_kept(hub: Hub) -> None:
    created, filled, _ = hub.record(
        {"action": "order.created"}, {"action": "order.filled"}, {"action": "auth.signed_in"}
    )
    page = hub.logs("?action=trade&action=order.created")
    assert rows(page) == [created, filled]
    assert page.one("#action-message").text == ""
    assert rows(hub.logs("?action=&action=order.created")) == [created]
    assert (
        hub.logs("?action=mcp&action=auth").one("#action-message").text
        == "More than one value was given for Action. Showing all types."
    )


@pytest.mark.parametrize(
    ("query", "leads_to"),
    [
        ("", None),
        ("?dateRange=7d", None),
        ("?sort=actor", None),
        ("?result=", None),
        ("?colour=red", None),
        ("?dateRange=24h", "/hub/logs"),
        ("?startDate=2026-03-01T00:00:00Z", "/hub/logs"),
        ("?result=failure&sort=-result", "/hub/logs?sort=-result"),
        ("?target=x", "/hub/logs"),
        ("?result=lost", None),
    ],
)
def test_clear_all_is_there_while_a_filter_differs_and_keeps_the_sort(
    hub: Hub, query: str, leads_to: str | None
) -> None:
    for htmx in (False, True):
        page = hub.logs(query, htmx=htmx)
        found = [each["href"] for each in page.all("#clear-all", "a")]
        assert found == ([leads_to] if leads_to else [])


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("", "0"),
        ("?sort=actor", "0"),
        ("?startDate=2026-03-01T00:00:00Z&endDate=2026-03-02T00:00:00Z", "1"),
        ("?dateRange=24h&result=failure&search=a&botId=b", "4"),
    ],
)
def test_the_filters_are_counted(hub: Hub, query: str, number: str) -> None:
    for htmx in (False, True):
        assert hub.logs(query, htmx=htmx).one("#filter-count").text == number


def test_links_leave_defaults_and_the_page_out(hub: Hub) -> None:
    hub.record(*[{}] * 51)
    page = hub.logs("?dateRange=7d&result=success&sort=result")
    older = hub.read(link(page, "Next")["href"])
    assert link(older, "Refresh")["href"] == "/hub/logs?result=success&sort=result"
    assert "cursor=" in older.one("#results")["data-url"]
    assert "dateRange" not in older.one("#results")["data-url"]


def test_the_actors_of_the_control_are_looked_up_by_name_or_id(hub: Hub) -> None:
    hub.record(
        {},
        {"actor": USER},
        {"actor": SYSTEM},
        {"actor": {"type": "agent", "id": "bare-agent"}},
        {"actor": {"type": "agent", "id": "agent-3", "name": "Straße <b>"}},
    )

    def found(search: str) -> list[str]:
        page = hub.read(f"/hub/logs/actors?search={search}")
        return [each["data-name"] for each in page.all("[role=option]")][1:]

    assert found("") == ["bare-agent", "Momentum Scout", "Straße <b>", "system", "Ada Lovelace"]
    assert found("SCOUT") == ["Momentum Scout"]
    assert found("strasse") == ["Straße <b>"]
    assert found("agent-") == ["Momentum Scout", "Straße <b>"]
    assert found("bare") == ["bare-agent"]
    page = hub.read("/hub/logs/actors?search=%3Cnobody%3E")
    assert "No actor has “<nobody>” in its name or id." in page.text
    groups = [each.text for each in hub.read("/hub/logs/actors").all(".kind")]
    assert groups == ["Agents", "System", "Users"]
    assert hub.read("/hub/logs/actors").one("[data-value=user-1]").text == "Ada Lovelaceuser-1"


def test_more_actors_than_are_listed_are_told(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "MAX_ACTORS", 2)
    hub.record({}, {"actor": USER}, {"actor": SYSTEM})
    for path in ("actors", "choose-actor"):
        assert "Only 2 " in hub.read(f"/hub/logs/{path}").text
        assert "Only 2 " not in hub.read(f"/hub/logs/{path}?search=ada").text


def test_without_scripts_an_actor_is_chosen_on_a_page_that_keeps_the_list(hub: Hub) -> None:
    ada, _ = hub.record({"actor": USER}, {})
    page = hub.logs("?result=success&search=tool&sort=action&actor=agent-7")
    page = hub.read(link(page, "Choose an actor")["href"])
    assert [each.one("bdi").text for each in page.all(".choice")] == [
        *("Ada Lovelace", "Momentum Scout")
    ]
    leads_to = page.all("a.choice")[0]["href"]
    assert leads_to == "/hub/logs?result=success&search=tool&sort=action&actor=user-1"
    assert rows(hub.read(leads_to)) == [ada]
    assert link(page, "All actors")["href"] == "/hub/logs?result=success&search=tool&sort=action"
    kept = page.one("input[name=list]")["value"]
    page = hub.read(f"/hub/logs/choose-actor?{urlencode({'list': kept, 'search': 'mom'})}")
    assert [each.one("small").text for each in page.all(".choice")] == ["agent-7"]
    page = hub.read("/hub/logs/choose-actor?search=%3Cnobody%3E")
    assert "No actor has “<nobody>” in its name or id." in page.text


def test_the_same_actor_is_offered_once_by_its_latest_name(hub: Hub) -> None:
    hub.record(
        {"actor": {"type": "agent", "id": "agent-1", "name": "New name"}},
        {"actor": {"type": "agent", "id": "agent-1", "name": "Old name"}},
    )
    for search in ("", "old"):
        page = hub.read(f"/hub/logs/actors?search={search}")
        assert [each["data-name"] for each in page.all("[role=option]")][1:] == ["New name"]


def test_links_of_the_page_are_few_and_named(hub: Hub, user: User, account: Account) -> None:
    hub.record({})
    profile = f"Profile: {user.username} {account.name}"
    said = links(hub.logs("?result=success"))
    # These say the range of this moment, too.
    copied = [each for each in said if each.startswith("Copy")]
    assert [each.partition(" link")[0] for each in copied] == ["Copy live", "Copy frozen"]
    exports = [each for each in said if each.startswith(("CSV", "JSON", "NDJSON", "OCSF", "ECS"))]
    assert len(exports) == 5
    assert [each for each in said if each not in (*copied, *exports)] == [
        *("Skip to content", "Hub", "Logs", "Review", "Agents", "Help", profile),
        *("Everything default", "Save as a new view…", "Manage views…"),
        *(f"Columns…6 of {len(COLUMNS)} shown", "Choose an actor", "Clear All"),
        *("Entries over time", "of how many?", "Refresh"),
        *("Timestamp", "Actor", "Action", "Result", "mcp.tool.call"),
    ]


def test_each_of_several_values_is_a_chip_that_is_removed_alone(hub: Hub) -> None:
    hub.record({})
    query = urlencode({"actor": "agent-7,user-1", "result": "-success", "target": r"-a\,b"})
    page = hub.logs(f"?{query}")
    said = {chip.text: chip.one("a")["href"] for chip in page.all(".chip")}
    assert list(said) == [
        "Actor: Momentum Scout",
        "Actor: user-1",
        "Result: not success",
        "Target: not a,b",
    ]
    target = {"target": r"-a\,b"}
    left = {"actor": "agent-7", "result": "-success", **target}
    assert said["Actor: user-1"] == f"/hub/logs?{urlencode(left)}"
    left = {"actor": "agent-7,user-1", **target}
    assert said["Result: not success"] == f"/hub/logs?{urlencode(left)}"
    assert [chip.text for chip in page.all(".chip-excluded")] == list(said)[2:]
    shown = {name: page.one(f"#{name}", "option[selected]").text for name in ("actor", "result")}
    assert shown == {"actor": "2 actors", "result": "All but 1"}


def test_a_control_counts_types_and_actions(hub: Hub) -> None:
    for query, words in {
        "mcp,auth,trade": "3 types",
        "mcp,-mcp.tool.call": "1 type",
        "mcp,order.created": "2 actions",
        "-mcp,-auth": "All but 2",
    }.items():
        assert hub.logs(f"?action={query}").one("#action", "option[selected]").text == words


def test_the_bad_one_of_several_values_is_named(hub: Hub) -> None:
    page = hub.logs("?result=lost,-success&action=mcp,order&tool=a,,b")
    said = [page.one(f"#{name}-message").text for name in ("result", "action")]
    assert said == [
        "“lost” is not a result. Showing all results.",
        "“order” is not an action type or action. Showing all types.",
    ]
    assert "a value is missing beside a comma or after a minus." in page.one(".notices").text
    page = hub.logs(f"?actor={','.join(map(str, range(21)))}")
    assert page.one("#actor-message").text == (
        "A filter can have at most 20 values. Showing all actors."
    )


def test_links_to_entries_of_one_value_escape_it(hub: Hub) -> None:
    ids = hub.record(
        {"correlation_id": r"-a,b\c", "run_id": "r,1"},
        {"correlation_id": "a"},
    )
    entry = hub.read(f"/hub/logs/{ids[0]}")
    to_list = [a["href"] for a in entry.all("a") if "correlationId=" in a["href"]]
    assert rows(hub.read(to_list[0])) == ids[:1]
    to_list = [a["href"] for a in entry.all("a") if "runId=" in a["href"]]
    assert rows(hub.read(to_list[0])) == ids[:1]


def test_a_search_that_is_an_id_is_looked_up_and_leads_to_the_word(hub: Hub) -> None:
    old = {"timestamp": datetime.now(UTC) - timedelta(days=20)}
    named = {"target": {"type": "order", "id": "ord-2026-17"}}
    ids = hub.record({**old, "correlation_id": "ord-2026-17"}, named)
    page = hub.logs("?search=ord-2026-17&dateRange=24h")
    assert rows(page) == ids[:1]
    said = page.one("#found-id")
    assert "is a correlation ID" in said.text
    assert "the date range was set aside" in said.text
    words = hub.read(said.one("a")["href"])
    assert rows(words) == ids[1:]
    assert not words.all("#found-id")
    # The parameter is kept by the links of the list, and goes with the search.
    assert "words=only" in link(words, "Timestamp")["href"]
    chip = hub.read(f"{said.one('a')['href']}&target=ord-2026-17").one(".chip", "a")["href"]
    assert "words=only" in chip
    count = hub.read(page.one("#count")["hx-get"], htmx=True).text if page.all("#count") else "of 1"
    assert count == "of 1"
