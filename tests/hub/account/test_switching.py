"""Several accounts share one Hub: who may be at which, and how they go from one to another."""

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import User
from django.test import Client

from auditlogs.models import Account
from auditlogs.query.entries import Entries
from hub.models import Membership
from tests.factories import make_entry, unique
from tests.hub.markup import Element, read
from tests.hub.pages import HTMX, rows
from tests.people import signed_in

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

ACCOUNTS = "/hub/accounts"


@pytest.fixture
def other(db: None) -> Account:
    return Account.objects.create(name=unique("other"))


def switch(client: Client, account: Account) -> "Response":
    return client.post(ACCOUNTS, {"to": account.id})


def page_of(client: Client, path: str = "/hub/logs") -> Element:
    response = client.get(path)
    assert response.status_code == 200, response.content
    return read(response.content.decode())


def test_a_person_of_two_accounts_sees_the_first_and_switches(
    user: User, account: Account, other: Account
) -> None:
    Membership.objects.create(user=user, account=other)
    ours, theirs = make_entry(account.id), make_entry(other.id)
    client = signed_in(user)
    assert [str(id) for id in rows(page_of(client))] == [ours.id]
    assert switch(client, other)["Location"] == "/hub"
    page = page_of(client)
    assert [str(id) for id in rows(page) if str(id) == theirs.id] == [theirs.id]
    assert ours.id not in {str(id) for id in rows(page)}
    assert other.name in page.one(".who").text


def test_whoever_belongs_to_one_account_is_not_asked(user: User) -> None:
    client = signed_in(user)
    assert not [each for each in page_of(client).all("a") if each["href"] == ACCOUNTS]
    assert len(page_of(client, ACCOUNTS).all("[name=to]")) == 1


def test_a_switch_is_recorded_in_the_account_that_was_gone_to(
    staff: User, account: Account
) -> None:
    client = signed_in(staff)
    assert switch(client, account).status_code == 302
    (entry,) = Entries.of(account.id).page(9, payloads=True).entries
    assert (entry.action, entry.result) == ("account.switched", "success")
    assert (entry.actor.id, entry.actor.name) == (f"user_{staff.pk}", staff.username)
    assert entry.target
    assert entry.target.id == account.id
    changes = [{"field": "account", "from": None, "to": account.name}]
    assert entry.payload == {"changes": changes}
    assert entry.session_id


def test_whoever_is_at_the_account_already_has_not_switched(
    user: User, staff: User, account: Account, other: Account
) -> None:
    Membership.objects.create(user=user, account=other)
    theirs, visitor = signed_in(user), signed_in(staff)
    # Both are there: the one belongs there first, the other has gone there.
    switch(visitor, account)
    for client in (theirs, visitor):
        assert switch(client, account)["Location"] == "/hub"
    assert Entries.of(account.id).count().value == 1
    for each in (other, account):
        switch(theirs, each)
    assert Entries.of(account.id).count().value == 2


def test_choosing_an_account_leads_to_where_one_wanted_to_be(staff: User, account: Account) -> None:
    client = signed_in(staff)
    wanted = "/hub/logs?result=failure&sort=actor"
    here = client.get(wanted)["Location"]
    assert here == f"{ACCOUNTS}?next=/hub/logs%3Fresult%3Dfailure%26sort%3Dactor"
    page = page_of(client, here)
    assert [each["value"] for each in page.all("[name=next]")] == [wanted, wanted]
    response = client.post(here, {"to": account.id, "next": wanted})
    assert response["Location"] == wanted


def test_the_page_of_a_fragment_is_led_to_choose_and_back(staff: User) -> None:
    here = {**HTMX, "HX-Current-URL": "http://testserver/hub/logs?result=failure"}
    response = signed_in(staff).get("/hub/logs?result=success", headers=here)
    assert response["HX-Redirect"] == f"{ACCOUNTS}?next=/hub/logs%3Fresult%3Dsuccess"
    assert response.content == b""


@pytest.mark.parametrize(
    "elsewhere",
    [
        "",
        "https://elsewhere.example/",
        "//elsewhere.example",
        "javascript:alert(1)",
        "/\\e.example",
    ],
)
def test_choosing_an_account_leads_nowhere_else(
    staff: User, account: Account, elsewhere: str
) -> None:
    client = signed_in(staff)
    response = client.post(ACCOUNTS, {"to": account.id, "next": elsewhere})
    assert response["Location"] == "/hub"
    page = read(client.get(ACCOUNTS, {"next": elsewhere}).content.decode())
    assert {each["value"] for each in page.all("[name=next]")} == {"/hub"}


def test_nobody_gets_into_an_account_unrecorded(
    staff: User, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    from auditlogs.write import store

    def fail(*_: object, **__: object) -> None:
        raise store.CannotStore("Nothing keeps it.")

    client = signed_in(staff)
    with monkeypatch.context() as patch:
        patch.setattr("auditlogs.recording.recorder.write", fail)
        assert switch(client, account).status_code == 503
    assert client.get("/hub/logs")["Location"] == f"{ACCOUNTS}?next=/hub/logs"


def test_staff_choose_an_account_first_and_may_choose_any(
    staff: User, account: Account, other: Account
) -> None:
    client = signed_in(staff)
    assert client.get("/hub/logs")["Location"] == f"{ACCOUNTS}?next=/hub/logs"
    page = page_of(client, f"{ACCOUNTS}?search={other.name[:20]}")
    assert other.id in {each["value"] for each in page.all("[name=to]")}
    for each in (account, other):
        assert switch(client, each).status_code == 302
        assert f"{each.name} · staff, read only" in page_of(client).one(".who").text


def test_an_account_one_does_not_belong_to_is_not_there(user: User, other: Account) -> None:
    client = signed_in(user)
    for id in (other.id, "acc_platform", "", "acc_none"):
        assert client.post(ACCOUNTS, {"to": id}).status_code == 404
    assert other.name not in page_of(client, ACCOUNTS).text
    assert Entries.of(other.id).count().value == 0


def test_whoever_leaves_an_account_is_no_longer_at_it(
    user: User, account: Account, other: Account
) -> None:
    membership = Membership.objects.create(user=user, account=other)
    theirs = make_entry(other.id)
    client = signed_in(user)
    switch(client, other)
    assert theirs.id in {str(id) for id in rows(page_of(client))}
    membership.delete()
    page = page_of(client)
    assert account.name in page.one(".who").text
    assert theirs.id not in {str(id) for id in rows(page)}


def test_staff_who_are_staff_no_more_are_nowhere(staff: User, account: Account) -> None:
    client = signed_in(staff)
    switch(client, account)
    staff.is_staff = False
    staff.save()
    assert client.get("/hub/logs").status_code == 403


def test_a_page_of_the_account_before_gets_no_fragment_and_loads_itself_again(
    user: User, account: Account, other: Account
) -> None:
    Membership.objects.create(user=user, account=other)
    client = signed_in(user)
    body = page_of(client).one("body")
    assert account.id in body["hx-headers"]
    headers = {**HTMX, "Hub-Account": account.id}
    assert b"<section" in client.get("/hub/logs", headers=headers).content
    switch(client, other)
    response = client.get("/hub/logs", headers=headers)
    assert (response["HX-Refresh"], response.content) == ("true", b"")


def test_many_accounts_are_found_by_name(staff: User) -> None:
    mark = unique("many")
    Account.objects.bulk_create(Account(name=f"{mark} {n:02}") for n in range(52))
    client = signed_in(staff)
    page = page_of(client, f"{ACCOUNTS}?search={mark}")
    assert len(page.all("[name=to]")) == 50
    assert "Only the first" in page.text
    page = page_of(client, f"{ACCOUNTS}?search={mark}+51")
    assert len(page.all("[name=to]")) == 1
    assert "No account has “nobody's”" in page_of(client, f"{ACCOUNTS}?search=nobody's").text
