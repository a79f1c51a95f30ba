"""What another site may ask for: that a link leads to a page, nothing behind a reader's back."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from auditlogs.accounts import keys
from auditlogs.models import Account, Export
from auditlogs.query.entries import Entries
from tests.api import whole
from tests.hub.markup import read
from tests.hub.middleware.test_headers import PATHS
from tests.hub.pages import HTMX, Hub
from tests.people import signed_in

LINK = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
FETCH = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}
FRAME = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
IMAGE = {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
PAGES = ["/hub/logs", "/hub/logs/count", "/hub/logs/actors", "/hub/accounts", "/hub/password"]


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("how", [FETCH, FRAME, IMAGE, {**LINK, **HTMX}, HTMX, {}])
def test_what_another_site_asks_for_is_refused(user: User, site: str, how: dict[str, str]) -> None:
    client = signed_in(user)
    for path in PAGES:
        response = client.get(path, headers={"Sec-Fetch-Site": site, **how})
        assert response.status_code == 403
        page = read(response.content.decode())
        assert "Another website tried to load this page" in page.one("main").text


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none", "same-origin"])
def test_a_link_from_anywhere_leads_to_a_page(hub: Hub, site: str) -> None:
    for path in PAGES:
        response = hub.client.get(path, headers={"Sec-Fetch-Site": site, **LINK})
        assert response.status_code == 200


@pytest.mark.parametrize(
    ("site", "status"),
    [("cross-site", 403), ("same-site", 403), ("none", 200), ("same-origin", 200), ("", 200)],
)
def test_no_link_on_another_site_begins_an_export(hub: Hub, site: str, status: int) -> None:
    headers = {"Sec-Fetch-Site": site, **LINK} if site else {}
    response = hub.client.get("/hub/logs/export", headers=headers)
    assert response.status_code == status
    assert Export.objects.exists() == (status == 200)
    content = whole(response).content.decode()
    assert ("Another website tried to start an export" in content) == (status == 403)


@pytest.mark.parametrize("site", ["none", "same-origin"])
def test_the_hubs_own_pages_ask_for_fragments(hub: Hub, site: str) -> None:
    response = hub.client.get("/hub/logs", headers={"Sec-Fetch-Site": site, **FETCH, **HTMX})
    assert response.status_code == 200


def test_a_form_that_another_site_sends_is_refused(user: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    for path in ("/hub/sign-out", "/hub/password", "/hub/accounts", "/hub/sign-in"):
        response = client.post(path, headers={"Sec-Fetch-Site": "cross-site", **LINK})
        assert response.status_code == 403
    assert client.get("/hub/logs").status_code == 200


def test_a_form_of_another_site_is_refused_whatever_token_it_has(user: User) -> None:
    response = signed_in(user).post(
        "/hub/sign-out", headers={"Sec-Fetch-Site": "cross-site", **LINK}
    )
    assert response.status_code == 403
    assert (
        "Another website tried to load this page"
        in read(response.content.decode()).one("main").text
    )


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nothing_changes_by_a_request_without_a_token_of_the_page(user: User, method: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    for path in [path for path in PATHS if path.startswith("/hub/") and path != "/hub/nowhere"]:
        assert getattr(client, method)(path).status_code == 403, path


def test_a_refusal_is_recorded_in_the_readers_account(user: User, account: Account) -> None:
    signed_in(user).get("/hub/logs/count", headers={"Sec-Fetch-Site": "cross-site", **FETCH})
    (entry,) = Entries.of(account.id).page(10, payloads=True).entries
    assert (entry.action, entry.actor.name) == ("access.denied", user.username)
    assert (entry.payload or {})["code"] == "cross-site"
    assert entry.target
    assert entry.target.id == "/hub/logs/count"


@pytest.mark.parametrize("path", ["/api/audit-logs", "/api/audit-logs/export"])
def test_the_api_is_open_to_whoever_holds_a_key(account: Account, path: str) -> None:
    key = keys.create(account, "page", ["logs:read", "logs:export"])
    headers = {"Authorization": f"Bearer {key}", "Sec-Fetch-Site": "cross-site", **FETCH}
    response = whole(Client().get(path, headers=headers))
    assert response.status_code == 200
    assert not [name for name in response.headers if name.startswith("Access-Control-")]
