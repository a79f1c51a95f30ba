"""The columns and the density of a person's list."""

from django.contrib.auth.models import User

from hub.logs.columns import COLUMNS, OPTIONAL, columns_of
from tests.factories import ORDER
from tests.hub.pages import Hub
from tests.people import member, signed_in


def heads(hub: Hub, query: str = "") -> list[str]:
    return [each.text for each in hub.logs(query).all("th")]


def test_a_person_chooses_columns_for_themselves(hub: Hub, user: User) -> None:
    hub.record({"duration": 12.5, "session_id": "sess-1"})
    usual = heads(hub)
    chosen = {"columns": ["duration", "session"]}
    answer = hub.client.post("/hub/columns?list=result%3Dsuccess%26cursor%3Dx", chosen)
    assert answer["Location"] == "/hub/logs?result=success"
    assert heads(hub) == ["Timestamp", "Action", "Result", "Duration", "Session", "Correlation"]
    page = hub.logs()
    cells = [each.text for each in page.all("tbody", "td")]
    assert len(cells) == 6
    assert {"12.5 ms", "sess-1"} <= set(cells)
    assert page.one("#more-menu").text.count(f"5 of {len(COLUMNS)} shown") == 1
    other = Hub(signed_in(member(user.memberships.get().account)), hub.account)
    assert heads(other) == usual
    hub.client.post("/hub/columns", {"usual": "1"})
    assert heads(hub) == usual


def test_every_column_has_a_heading_and_a_cell_with_the_value_of_its_entry(hub: Hub) -> None:
    # A new column's value belongs here too.
    fields = {"target": ORDER, "duration": 12.5, "session_id": "s-1", "correlation_id": "c-1"}
    (entry,) = hub.record(fields)
    hub.client.post("/hub/columns", {"columns": [column.key for column in OPTIONAL]})
    assert heads(hub) == [column.label for column in COLUMNS]
    row = hub.logs().one(f"#entry-{entry}")
    cells = {each["class"].split()[0].removeprefix("column-"): each for each in row.all("td")}
    assert list(cells) == [column.key for column in COLUMNS]
    empty = [key for key, cell in cells.items() if not cell.text or cell.all(".absent")]
    assert empty == []


def test_a_cell_without_a_value_says_so(hub: Hub) -> None:
    (entry,) = hub.record({"target": None, "correlation_id": None})
    hub.client.post("/hub/columns", {"columns": [column.key for column in OPTIONAL]})
    row = hub.logs().one(f"#entry-{entry}")
    absent = [cell["class"].split()[0] for cell in row.all("td") if cell.all(".absent")]
    assert absent == ["column-target", "column-duration", "column-session", "column-correlation"]
    assert all(cell.text for cell in row.all("td"))


def test_a_card_keeps_its_line_for_the_correlation() -> None:
    assert [column.key for column in columns_of([])] == [
        *("timestamp", "action", "result", "correlation"),
    ]
    assert columns_of([])[-1].breakpoint == "on-cards"
    assert len(columns_of([column.key for column in COLUMNS])) == len(COLUMNS)


def test_columns_that_there_are_not_are_refused(hub: Hub) -> None:
    usual = heads(hub)
    answer = hub.client.post("/hub/columns", {"columns": ["payload"]})
    assert answer.status_code == 200
    assert heads(hub) == usual


def test_the_density_is_kept_and_leads_back_to_the_list(hub: Hub) -> None:
    hub.record({})
    assert "is-dense" not in hub.logs().one("#results")["class"]
    form = {"density": "dense", "list": "result=success"}
    assert hub.client.post("/hub/density", form)["Location"] == "/hub/logs?result=success"
    assert "is-dense" in hub.logs().one("#results")["class"]
    assert "is-dense" in hub.logs(htmx=True).one("#results")["class"]
    assert hub.client.post("/hub/density", {"density": "airy"}).status_code == 404
