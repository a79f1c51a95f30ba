"""Who sees what: signing in and out, and an account's entries for its members alone."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from auditlogs.models import Account
from hub.models import Membership
from tests.factories import make_entry
from tests.hub.markup import read
from tests.hub.pages import HTMX, Hub, link, rows

PASSWORD = "correct horse battery staple"
PAGES = [
    "/hub/logs",
    "/hub/logs/arrivals",
    "/hub/logs/chart",
    "/hub/logs/count",
    "/hub/logs/actors",
    "/hub/logs/choose-actor",
    "/hub/logs/some-entry",
]


@pytest.mark.parametrize("path", ["/", "/hub", "/hub/"])
def test_the_way_in_leads_to_the_logs(hub: Hub, path: str) -> None:
    response = hub.get(path)
    assert response.status_code == 302
    assert response["Location"] == "/hub/logs"


@pytest.mark.django_db
@pytest.mark.parametrize("path", PAGES)
def test_whoever_is_not_signed_in_is_led_to_sign_in_and_back(client: Client, path: str) -> None:
    response = client.get(f"{path}?result=failure")
    assert response.status_code == 302
    assert response["Location"] == f"/hub/sign-in?next={path}%3Fresult%3Dfailure"
    assert response["Cache-Control"] == "no-store"


@pytest.mark.django_db
@pytest.mark.parametrize("path", PAGES)
def test_a_session_that_is_over_leads_the_page_of_a_fragment_to_sign_in(
    client: Client, path: str
) -> None:
    here = {"HX-Current-URL": "http://testserver/hub/logs?result=failure"}
    response = client.get(f"{path}?action=auth", headers={**HTMX, **here})
    # The count and the actors are loaded by the page; the others are what the reader chose.
    is_background = path in {
        "/hub/logs/chart",
        "/hub/logs/arrivals",
        "/hub/logs/count",
        "/hub/logs/actors",
    }
    back = "/hub/logs%3Fresult%3Dfailure" if is_background else f"{path}%3Faction%3Dauth"
    assert response["HX-Redirect"] == f"/hub/sign-in?next={back}"
    assert response.content == b""
    elsewhere = {"HX-Current-URL": "https://elsewhere.example/hub/logs"}
    response = client.get(path, headers={**HTMX, **elsewhere})
    assert response["HX-Redirect"] == f"/hub/sign-in?next={'/hub' if is_background else path}"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("page", "back"),
    [
        ("http://testserver/hub/profile?x=1", "/hub/profile%3Fx%3D1"),
        ("https://elsewhere.example/hub/profile", "/hub"),
    ],
)
def test_a_form_leads_back_to_its_page_after_signing_in(
    client: Client, page: str, back: str
) -> None:
    response = client.post("/hub/profile/session-tokens", headers={"Referer": page})
    assert response["Location"] == f"/hub/sign-in?next={back}"


def test_the_sign_in_page_says_that_a_session_has_ended(client: Client, user: User) -> None:
    client.force_login(user)
    user.set_password("another one")
    user.save()
    response = client.get("/hub/logs?result=failure")
    to = "/hub/sign-in?because=ended&next=/hub/logs%3Fresult%3Dfailure"
    assert response["Location"] == to
    page = read(client.get(to).content.decode())
    assert "your session has ended" in page.one("[role=status].banner").text
    # The cookie is gone, so that it is said once.
    assert "because" not in client.get("/hub/logs")["Location"]


def test_a_sign_in_page_in_another_tab_leads_on_to_where_one_is(user: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    tabs = [read(strict.get("/hub/sign-in?next=/hub/agents").content.decode()) for _ in range(2)]
    tokens = [tab.one("[name=csrfmiddlewaretoken]")["value"] for tab in tabs]
    answers = [
        strict.post(
            "/hub/sign-in",
            {
                "csrfmiddlewaretoken": token,
                "username": user.username,
                "password": PASSWORD,
                "next": "/hub/agents",
            },
        )
        for token in tokens
    ]
    assert [answer.status_code for answer in answers] == [302, 302]
    assert [answer["Location"] for answer in answers] == ["/hub/agents", "/hub/agents"]
    outdated = {"csrfmiddlewaretoken": tokens[1], "next": "https://elsewhere.example/"}
    assert strict.post("/hub/sign-in", outdated)["Location"] == "/hub"
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    assert strict.post("/hub/sign-in", outdated, headers=elsewhere).status_code == 403


def test_the_sign_in_page_never_leads_to_itself(client: Client, user: User) -> None:
    client.force_login(user)
    for itself in ("/hub/sign-in", "/hub/sign-in?next=/hub/sign-in"):
        response = client.get("/hub/sign-in", {"next": itself})
        assert response["Location"] == "/hub"


def test_signing_in_leads_to_where_one_wanted_to_be(client: Client, user: User) -> None:
    page = read(client.get("/hub/sign-in?next=/hub/logs%3Fresult%3Dfailure").content.decode())
    form = page.one("form")
    assert form["method"] == "post"
    assert form.one("[name=next]")["value"] == "/hub/logs?result=failure"
    assert {each["for"] for each in form.all("label")} == {"username", "password"}
    form_data = {"username": user.username, "password": PASSWORD}
    response = client.post("/hub/sign-in", {**form_data, "next": "/hub/logs?result=failure"})
    assert response["Location"] == "/hub/logs?result=failure"
    assert client.get("/hub/sign-in")["Location"] == "/hub"


@pytest.mark.parametrize("elsewhere", ["", "https://elsewhere.example/", "//elsewhere.example"])
def test_signing_in_leads_nowhere_else(client: Client, user: User, elsewhere: str) -> None:
    form = {"username": user.username, "password": PASSWORD, "next": elsewhere}
    assert client.post("/hub/sign-in", form)["Location"] == "/hub"


def test_a_wrong_password_is_told_without_a_word_of_which_part(client: Client, user: User) -> None:
    texts = set()
    for name in (user.username, "nobody"):
        response = client.post("/hub/sign-in", {"username": name, "password": "wrong"})
        assert response.status_code == 200
        page = read(response.content.decode())
        assert page.one("#username")["value"] == name
        assert page.one("#password").get("value") is None
        texts.add(page.one("[role=alert]").text)
    assert texts == {"The user name and password do not match."}


def test_signing_out_takes_a_form_and_leads_to_sign_in(hub: Hub, user: User) -> None:
    page = hub.logs()
    assert user.username in page.one(".who").text
    form = next(each for each in page.all("form") if each.get("action") == "/hub/sign-out")
    assert form["method"] == "post"
    assert form.one("[name=csrfmiddlewaretoken]")["type"] == "hidden"
    assert hub.get("/hub/sign-out").status_code == 405
    assert hub.get("/hub/logs").status_code == 200
    response = hub.client.post("/hub/sign-out")
    assert response["Location"] == "/hub/sign-in"
    assert hub.get("/hub/logs").status_code == 302


def test_a_form_from_elsewhere_is_refused_in_words(user: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(user)
    response = strict.post("/hub/sign-out")
    assert response.status_code == 403
    page = read(response.content.decode())
    assert page.one("h1").text == "Not allowed"
    assert "was not sent from the Hub" in page.one("main").text
    assert link(page.one("main"), "Go to Logs")["href"] == "/hub/logs"
    assert strict.get("/hub/logs").status_code == 200


@pytest.mark.django_db
def test_whoever_belongs_to_no_account_is_told_so_and_can_sign_out(client: Client) -> None:
    client.force_login(User.objects.create_user("stray"))
    for path in PAGES:
        response = client.get(path)
        assert response.status_code == 403
        page = read(response.content.decode())
        assert "not a member of any account yet" in page.one("main").text
        assert page.one("main", "button").text == "Sign out"
        assert [each["href"] for each in page.all("main", "a")] == ["/hub/profile"]


@pytest.mark.parametrize("path", ["/hub/api-keys", "/hub/members", "/hub/settings"])
def test_whoever_is_refused_a_page_finds_back_to_the_logs(hub: Hub, path: str) -> None:
    response = hub.get(path)
    assert response.status_code == 403
    page = read(response.content.decode())
    assert link(page.one("main"), "Go to Logs")["href"] == "/hub/logs"
    assert page.one("main", "button").text == "Sign out"
    assert not page.all("p", "form")


def test_an_account_sees_its_own_entries_alone(hub: Hub, account: Account) -> None:
    theirs = make_entry(action="order.created", correlation_id="c-1", request_id="r-1")
    (own,) = hub.record({})
    for query in ("", "?search=momentum", "?actor=agent-7", "?sort=actor"):
        assert rows(hub.logs(query)) == [own]
    for query in ("?action=order.created", "?correlationId=c-1", "?requestId=r-1"):
        page = hub.logs(f"{query}&entry={theirs.id}")
        assert rows(page) == []
        assert theirs.timestamp not in page.one("#drawer").text
    assert hub.read("/hub/logs/count", htmx=True).text == "of 1"
    assert hub.logs().one(".who", "small").text == account.name


def test_the_names_of_another_account_are_not_offered(hub: Hub) -> None:
    make_entry(actor={"type": "agent", "id": "agent-0", "name": "Their agent"})
    hub.record({})
    page = hub.logs("?actor=agent-0&botId=agent-0")
    assert "Their agent" not in page.text
    assert "Their agent" not in hub.read("/hub/logs/actors").text


def test_a_person_sees_the_account_they_belong_to_first(hub: Hub, user: User) -> None:
    other = Account.objects.create(name="another")
    Membership.objects.create(user=user, account=other)
    make_entry(other.id)
    (own,) = hub.record({})
    assert rows(hub.logs()) == [own]


@pytest.mark.parametrize("path", [*PAGES[:3], "/hub/logs?entry=some-entry"])
@pytest.mark.parametrize("htmx", [False, True])
def test_no_cache_keeps_what_is_shown_or_mixes_page_and_fragment(
    hub: Hub, path: str, htmx: bool
) -> None:
    (entry,) = hub.record({})
    for each in (path, f"/hub/logs/{entry}"):
        response = hub.get(each, htmx=htmx)
        assert response.status_code == 200
        assert response["Cache-Control"] == "no-store"
        assert {"HX-Request", "Cookie"} <= {name.strip() for name in response["Vary"].split(",")}


def test_a_fragment_is_the_list_alone_and_history_gets_the_page(hub: Hub) -> None:
    ids = hub.record({})
    fragment = hub.logs(htmx=True)
    assert fragment.all("html") == fragment.all("#filters") == []
    assert rows(fragment) == ids
    restored = hub.client.get("/hub/logs", headers={**HTMX, "HX-History-Restore-Request": "true"})
    page = read(restored.content.decode())
    assert page.one("html").one("#filters")
    assert rows(page) == ids


@pytest.mark.parametrize("path", [*PAGES, "/", "/favicon.ico"])
def test_pages_can_only_be_read(hub: Hub, path: str) -> None:
    assert hub.client.post(path).status_code == 405
    assert hub.client.head(path).status_code in {200, 302, 404}


@pytest.mark.django_db
def test_a_browser_that_guesses_the_icons_address_finds_it(client: Client) -> None:
    response = client.get("/favicon.ico")
    assert response.status_code == 302
    assert response["Location"] == "/static/favicon.svg"
