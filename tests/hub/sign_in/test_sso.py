"""Single sign-on signs in the people there are, by whom a real provider says they are; and nobody
by anything that is not true to the letter."""

import gzip
import html
import json
import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import requests
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from auditlogs.accounts import keys, self_audit
from auditlogs.entry.schema import Entry
from auditlogs.models import PLATFORM_ACCOUNT, Account
from auditlogs.query.entries import Entries
from hub.models import Identity, Membership
from hub.sign_in.sso import transport
from hub.sign_in.sso.views import PENDING
from tests.away import connected_to, nowhere
from tests.demo_process import ROOT
from tests.hub.markup import Element, read
from tests.hub.pages import link, links
from tests.people import PASSWORD, signed_in
from tests.provider import forger as forging
from tests.provider.forger import OTHER_KEY, Forger, forger, says, token
from tests.provider.process import running_provider, trust
from tests.provider.site import CLIENT_SECRET

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

SETTINGS = ("OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET")
ADA = "ada@example.org"
TRUE: dict[str, Any] = {"email": ADA, "email_verified": True}


@pytest.fixture(autouse=True)
def _fresh_samples() -> None:
    """Let nobody have used up their share."""
    self_audit._sampler.cache_clear()


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """The issuer of a real provider."""
    with running_provider() as issuer:
        yield issuer


@pytest.fixture
def lying(settings: Settings) -> Iterator[Forger]:
    """A provider that the Hub trusts, and that says what a test tells it to."""
    with forger() as server:
        trust(settings, server.issuer)
        yield server


@pytest.fixture
def ada(account: Account) -> User:
    """A person who was added by her address, and has not signed in yet."""
    return person(account, ADA)


def person(account: Account, name: str, **fields: Any) -> User:
    made = User.objects.create_user(name, password=PASSWORD, **fields)
    Membership.objects.create(user=made, account=account)
    return made


def begin(client: Client, query: str = "") -> dict[str, str]:
    """Follow the button of the sign-in page; return what the provider is asked."""
    response = client.get(f"/hub/sso/start{query}")
    assert response.status_code == 302
    parts = urlsplit(response["Location"])
    return {name: values[0] for name, values in parse_qs(parts.query).items()}


def come_back(client: Client, lying: Forger, query: str = "", **claims: Any) -> "Response":
    """Sign in at the lying provider, and come back from it."""
    asked = begin(client, query)
    lying.nonce = asked["nonce"]
    lying.claims = claims or TRUE
    return client.get("/hub/sso/callback", {"state": asked["state"], "code": "c"})


def refusal(client: Client, response: "Response") -> str:
    """Return what the sign-in page says to whoever was led back to it."""
    assert response.status_code == 302
    assert urlsplit(response["Location"]).path == "/hub/sign-in"
    return sign_in_page(client, response["Location"]).one("[role=alert]").text


def sign_in_page(client: Client, path: str = "/hub/sign-in") -> Element:
    return read(client.get(path).content.decode())


def is_signed_in(client: Client) -> bool:
    return client.get("/hub/logs").status_code == 200


def failures(account: str = PLATFORM_ACCOUNT) -> list[Entry]:
    """Return the failed single sign-ons of an account, newest first. Passwords fail too, in tests
    that move the clock ahead."""
    failed = Entries.of(account).where("action", "auth.sign_in_failed")
    found = failed.page(1_000, payloads=True).entries
    return [entry for entry in found if (entry.payload or {}).get("method") == "oidc"]


def at_the_provider(url: str, name: str) -> str:
    """Sign in at the real provider as a browser would; return the address it leads back to."""
    with requests.Session() as browser:
        page = browser.get(url)
        field = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
        assert field, page.text
        form = {"csrfmiddlewaretoken": html.unescape(field[1]), "username": name, "password": name}
        answer = browser.post(page.url, form, allow_redirects=False)
        back = browser.get(urljoin(page.url, answer.headers["Location"]), allow_redirects=False)
        return back.headers["Location"]


# With a real provider


def test_a_person_signs_in_by_a_real_provider_and_is_linked_to_it_once(
    client: Client, settings: Settings, provider: str, ada: User, account: Account
) -> None:
    trust(settings, provider)
    for _ in range(2):
        client.logout()
        to = client.get("/hub/sso/start?next=/hub/logs%3Fresult%3Dfailure")["Location"]
        assert to.startswith(f"{provider}/authorize/?")
        response = client.get(at_the_provider(to, "ada"))
        assert (response.status_code, response["Location"]) == (302, "/hub/logs?result=failure")
        assert is_signed_in(client)
    assert [identity.issuer for identity in ada.identities.all()] == [provider]
    entries = Entries.of(account.id).page(10, payloads=True).entries
    assert sorted((entry.action, (entry.payload or {})["method"]) for entry in entries) == [
        ("auth.identity.updated", "oidc"),
        *[("auth.signed_in", "oidc")] * 2,
        *[("session.created", "oidc")] * 2,
    ]
    assert all(entry.actor.name == ADA for entry in entries)


@pytest.mark.parametrize("name", ["mallory", "stranger"])
def test_an_address_that_is_not_verified_or_nobodys_signs_nobody_in(
    client: Client, settings: Settings, provider: str, ada: User, name: str
) -> None:
    trust(settings, provider)
    response = client.get(at_the_provider(client.get("/hub/sso/start")["Location"], name))
    assert refusal(client, response) == (
        "No user of the Hub is linked to this identity. Ask an admin of your account."
    )
    assert not is_signed_in(client)
    assert (Identity.objects.count(), User.objects.count()) == (0, 1)


# What the Hub asks for


def test_the_provider_is_asked_for_a_code_with_pkce_state_and_nonce(
    client: Client, lying: Forger, ada: User
) -> None:
    asked, again = begin(client), begin(client)
    for name in ("state", "nonce", "code_challenge"):
        assert len(asked[name]) >= 20
        assert asked[name] != again[name]
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert asked["scope"] == "openid email profile"
    assert asked["redirect_uri"] == "http://testserver/hub/sso/callback"


def test_the_session_gets_another_key(client: Client, lying: Forger, ada: User) -> None:
    begin(client)
    before = client.session.session_key
    come_back(client, lying)
    assert is_signed_in(client)
    assert client.session.session_key != before
    assert PENDING not in client.session


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil", ""]
)
def test_nobody_is_led_elsewhere(client: Client, lying: Forger, ada: User, elsewhere: str) -> None:
    response = come_back(client, lying, f"?next={elsewhere}")
    assert response["Location"] == "/hub"


def test_signing_out_ends_the_session(client: Client, lying: Forger, ada: User) -> None:
    come_back(client, lying)
    client.post("/hub/sign-out")
    assert not is_signed_in(client)


def test_an_address_that_the_id_token_lacks_is_asked_for(
    client: Client, lying: Forger, ada: User
) -> None:
    document = lying.discovery(userinfo_endpoint=f"{lying.issuer}/who")
    lying.answers["/.well-known/openid-configuration"] = says(document)
    lying.answers["/who"] = says({"sub": "somebody-else", **TRUE})
    refusal(client, come_back(client, lying, sub="subject-1"))
    lying.answers["/who"] = says({"sub": "subject-1", "email": ADA})
    refusal(client, come_back(client, lying, sub="subject-1", email_verified=True))
    lying.answers["/who"] = says({"sub": "subject-1", **TRUE})
    come_back(client, lying, sub="subject-1")
    assert is_signed_in(client)


def test_a_provider_may_change_its_keys(client: Client, lying: Forger, ada: User) -> None:
    come_back(client, lying)
    client.logout()
    lying.answers["/keys"] = says({"keys": [OTHER_KEY.as_dict(private=False)]})
    assert "is not valid" in refusal(client, come_back(client, lying))
    lying.key = OTHER_KEY
    come_back(client, lying)
    assert is_signed_in(client)


# Who is linked to whom


def test_the_link_holds_whatever_becomes_of_the_address(
    client: Client, lying: Forger, ada: User
) -> None:
    come_back(client, lying)
    client.logout()
    come_back(client, lying, email="elsewhere@example.org", email_verified=False)
    assert client.session["_auth_user_id"] == str(ada.pk)


@pytest.mark.parametrize(
    "claims",
    [
        {"email": ADA},
        {"email": ADA, "email_verified": False},
        {"email": ADA, "email_verified": "true"},
        {"email": ADA, "email_verified": 1},
        {"email": "", "email_verified": True},
        {"email": "grace", "email_verified": True},
        {"email": [ADA], "email_verified": True},
        {"email": f"{ADA}\x00", "email_verified": True},
        {"email": "ad\u0430@example.org", "email_verified": True},
        {"email": "%@example.org", "email_verified": True},
        {"email_verified": True, "preferred_username": ADA},
        {"preferred_username": ADA, "name": ADA, "upn": ADA},
    ],
    ids=str,
)
def test_nothing_but_a_verified_address_names_a_person(
    client: Client, lying: Forger, ada: User, account: Account, claims: dict[str, Any]
) -> None:
    person(account, "grace")
    assert "No user of the Hub is linked" in refusal(client, come_back(client, lying, **claims))
    assert Identity.objects.count() == 0


def test_an_address_is_the_same_in_any_case(client: Client, lying: Forger, ada: User) -> None:
    come_back(client, lying, email=ADA.upper(), email_verified=True)
    assert is_signed_in(client)


def test_an_address_that_is_another_identitys_now_does_not_lead_to_its_person(
    client: Client, lying: Forger, ada: User, account: Account
) -> None:
    come_back(client, lying)
    client.logout()
    refusal(client, come_back(client, lying, sub="subject-2", **TRUE))
    assert [entry.payload for entry in failures(account.id)] == [
        {"method": "oidc", "code": "already-linked"}
    ]


def test_whoever_has_signed_in_by_password_is_not_linked_by_their_user_name(
    client: Client, lying: Forger, ada: User, account: Account
) -> None:
    signed_in(ada)
    refusal(client, come_back(client, lying))
    assert [entry.payload for entry in failures(account.id)] == [
        {"method": "oidc", "code": "invitation-used"}
    ]


def test_the_operator_says_by_which_address_a_person_is_known(
    client: Client, lying: Forger, account: Account
) -> None:
    grace = person(account, "grace")
    signed_in(grace)
    call_command("sso", "grace", email=ADA)
    come_back(client, lying)
    assert client.session["_auth_user_id"] == str(grace.pk)


def test_a_user_name_takes_no_address_from_whom_the_operator_gave_it(
    client: Client, lying: Forger, ada: User, account: Account
) -> None:
    grace = person(account, "grace")
    call_command("sso", "grace", email=ADA)
    come_back(client, lying)
    assert client.session["_auth_user_id"] == str(grace.pk)


def test_whom_the_operator_gave_one_address_is_known_by_no_other(
    client: Client, lying: Forger, ada: User
) -> None:
    call_command("sso", ADA, email="ada@elsewhere.example")
    assert "No user of the Hub is linked" in refusal(client, come_back(client, lying))


def test_an_address_that_two_people_claim_is_nobodys(
    client: Client, lying: Forger, ada: User, account: Account
) -> None:
    person(account, ADA.upper())
    refusal(client, come_back(client, lying))
    assert failures()[0].payload == {"method": "oidc", "code": "ambiguous-email"}


def test_whoever_was_deactivated_stays_out(
    client: Client, lying: Forger, ada: User, account: Account
) -> None:
    come_back(client, lying)
    User.objects.update(is_active=False)
    assert not is_signed_in(client)
    assert "No user of the Hub is linked" in refusal(client, come_back(client, lying))
    assert failures(account.id)[0].payload == {"method": "oidc", "code": "inactive-person"}


def test_the_password_that_a_person_was_made_with_opens_nothing_any_more(
    client: Client, lying: Forger, ada: User, settings: Settings
) -> None:
    maker = Client()
    come_back(client, lying)
    form = {"username": ADA, "password": PASSWORD}
    assert maker.post("/hub/sign-in", form).status_code == 200
    ada.set_password(PASSWORD)  # as by a reset
    ada.save()
    assert maker.post("/hub/sign-in", form).status_code == 200
    assert not is_signed_in(maker)


def test_the_password_of_an_invitation_ends_with_it_for_good(
    client: Client, lying: Forger, ada: User
) -> None:
    come_back(client, lying)
    call_command("sso", ADA, unlink=True)
    client.post("/hub/sign-in", {"username": ADA, "password": PASSWORD})
    assert not is_signed_in(client)


def test_a_session_that_a_password_began_ends_with_the_link(
    client: Client, lying: Forger, account: Account
) -> None:
    grace = person(account, "grace")
    other = signed_in(grace)
    assert is_signed_in(other)
    call_command("sso", "grace", email=ADA)
    come_back(client, lying)
    assert not is_signed_in(other)
    assert is_signed_in(client)


def test_session_tokens_end_with_the_password_and_with_the_link(
    client: Client, lying: Forger, account: Account
) -> None:
    grace = person(account, "grace")
    call_command("sso", "grace", email=ADA)
    by_password = keys.create_session_token(grace, account)
    come_back(client, lying)
    assert keys.find(by_password) is None
    by_identity = keys.create_session_token(grace, account)
    come_back(Client(), lying)
    assert keys.find(by_identity)
    call_command("sso", "grace", unlink=True)
    assert keys.find(by_identity) is None


def test_unlinking_ends_the_session_and_gives_the_password_back(
    client: Client, lying: Forger, account: Account
) -> None:
    grace = person(account, "grace")
    call_command("sso", "grace", email=ADA)
    come_back(client, lying)
    call_command("sso", "grace", unlink=True)
    assert not is_signed_in(client)
    assert "No user of the Hub is linked" in refusal(client, come_back(client, lying))
    client.post("/hub/sign-in", {"username": "grace", "password": PASSWORD})
    assert is_signed_in(client)
    entries = Entries.of(account.id).page(100, payloads=True).entries
    changes = [e.payload["changes"][0] for e in entries if e.payload and "changes" in e.payload]
    assert [(change["field"], change["to"]) for change in reversed(changes)] == [
        ("email", ADA), ("identity", "linked"), ("email", ""), ("identity", None),
    ]  # fmt: skip
    assert grace.identities.count() == 0


@pytest.mark.parametrize(
    ("name", "email", "reason"),
    [
        ("nobody", ADA, "User nobody does not exist."),
        ("grace", "no address", "Enter a valid email address."),
        ("grace", "Taken@example.org", "Another user has the address Taken@example.org."),
    ],
)
def test_the_command_refuses_what_cannot_be(
    account: Account, name: str, email: str, reason: str
) -> None:
    person(account, "grace")
    person(account, "bob", email="taken@example.org")
    with pytest.raises(CommandError, match=re.escape(reason)):
        call_command("sso", name, email=email)


def test_nobody_is_linked_while_that_cannot_be_recorded(
    client: Client, lying: Forger, ada: User, settings: Settings, tmp_path: Path
) -> None:
    no_folder = tmp_path / "a file"
    no_folder.touch()
    with connected_to(nowhere(), settings, no_folder):
        response = come_back(client, lying)
    assert response.status_code == 503
    assert Identity.objects.count() == 0
    assert not is_signed_in(client)


# A provider that lies


LIES: dict[str, Any] = {
    "another's nonce": {"nonce": "another's"},
    "no nonce": {"nonce": None},
    "another issuer": {"iss": "https://evil.example"},
    "no issuer": {"iss": None},
    "another audience": {"aud": "another-client"},
    "another audience, for us": {"aud": "another-client", "azp": "the-hub"},
    "no audience": {"aud": None},
    "issued for another": {"aud": ["the-hub", "another-client"], "azp": "another-client"},
    "several audiences, for nobody": {"aud": ["another-client", "third"]},
    "expired": {"exp": 1_700_000_000},
    "no end": {"exp": None},
    "an end that is no number": {"exp": "never"},
    "from the future": {"iat": 9_999_999_999},
    "not yet": {"nbf": 9_999_999_999},
    "nobody": {"sub": None},
    "an empty subject": {"sub": ""},
    "a subject that is none": {"sub": {"$ne": None}},
    "a long subject": {"sub": "x" * 256},
    "a NUL in the subject": {"sub": "x\x00"},
    "another access token": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_token_that_lies_signs_nobody_in(
    client: Client, lying: Forger, ada: User, lie: str
) -> None:
    response = come_back(client, lying, **TRUE | LIES[lie])
    assert "is not valid" in refusal(client, response)
    assert not is_signed_in(client)
    assert failures()[0].payload == {"method": "oidc", "code": "invalid-token"}


FORGERIES: dict[str, Any] = {
    "another key": lambda lying: lying.sign(lying.honest_claims(), OTHER_KEY),
    "no signature": lambda lying: forging.unsigned(lying.honest_claims()),
    "the shared secret": lambda lying: forging.signed_by_secret(lying.honest_claims()),
    "a signature cut short": lambda lying: lying.sign(lying.honest_claims())[:-9],
    "no token": lambda _: None,
    "a number": lambda _: 42,
    "an empty text": lambda _: "",
    "three dots": lambda _: "...",
    "a long text": lambda _: "x" * 200_000,
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_token_that_is_forged_signs_nobody_in(
    client: Client, lying: Forger, ada: User, forgery: str
) -> None:
    lying.claims = TRUE
    asked = begin(client)
    lying.nonce = asked["nonce"]
    lying.answers["/token"] = token(FORGERIES[forgery](lying))
    response = client.get("/hub/sso/callback", {"state": asked["state"], "code": "c"})
    assert "is not valid" in refusal(client, response)
    assert not is_signed_in(client)


GZIPPED = {"Content-Encoding": "gzip"}
ANSWERS: dict[str, Any] = {
    "no JSON": says(b"<!doctype html>"),
    "another kind": says([1, 2]),
    "too much": says(b" " * 300_000 + b"{}"),
    "too much, inflated": says(gzip.compress(b" " * 9_000_000), headers=GZIPPED),
    "no gzip": says(b"{}", headers=GZIPPED),
    "half of it": says(b"{}", headers={"Content-Length": "200"}),
    "elsewhere": says(b"", 302, {"Location": "/keys"}),
    "a fault": says({"error": "x"}, 500),
    "nothing there": says({}, 404),
    "a refusal": says({"error": "invalid_grant", "error_description": "<b>no</b>"}, 400),
    "no object": says(None),
    "nested deeply": says(b"[" * 100_000),
}


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token", "/keys"])
@pytest.mark.parametrize("answer", ANSWERS)
def test_no_answer_of_the_provider_makes_the_hub_fail(
    client: Client, lying: Forger, ada: User, path: str, answer: str
) -> None:
    asked = begin(client)
    lying.nonce, lying.claims = asked["nonce"], TRUE
    lying.answers[path] = ANSWERS[answer]
    response = client.get("/hub/sso/callback", {"state": asked["state"], "code": "c"})
    assert refusal(client, response)
    assert not is_signed_in(client)
    assert len(failures()) >= 1


@pytest.mark.parametrize(
    "lie",
    [
        {"issuer": "https://evil.example"},
        {"issuer": "http://127.0.0.1:1"},
        {"issuer": None},
        {"token_endpoint": "http://192.0.2.1/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": "http://[/"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"userinfo_endpoint": "http://evil.example"},
    ],
    ids=str,
)
def test_a_discovery_document_that_lies_leads_nowhere(
    client: Client, lying: Forger, lie: dict[str, Any], db: None
) -> None:
    document = lying.discovery(**lie)
    lying.answers["/.well-known/openid-configuration"] = says(document)
    assert "is not valid" in refusal(client, client.get("/hub/sso/start"))


@pytest.mark.parametrize("forge", [forging.unsigned, forging.signed_by_secret])
def test_what_a_provider_supports_besides_cannot_weaken_the_hub(
    client: Client, lying: Forger, ada: User, forge: Callable[[dict[str, Any]], str]
) -> None:
    weak = {"id_token_signing_alg_values_supported": ["none", "HS256"], "verify": False}
    lying.answers["/.well-known/openid-configuration"] = says(lying.discovery(**weak))
    # One that everybody can sign with.
    lying.answers["/keys"] = says({"keys": [forging.SECRET_KEY.as_dict(private=True)]})
    asked = begin(client)
    lying.nonce, lying.claims = asked["nonce"], TRUE
    lying.answers["/token"] = token(forge(lying.honest_claims()))
    response = client.get("/hub/sso/callback", {"state": asked["state"], "code": "c"})
    assert "is not valid" in refusal(client, response)


def test_a_provider_that_is_away_is_said_to_be(client: Client, lying: Forger, ada: User) -> None:
    asked = begin(client)
    lying.stop()
    response = client.get("/hub/sso/callback", {"state": asked["state"], "code": "c"})
    assert "is not responding" in refusal(client, response)
    assert "is not responding" in refusal(client, client.get("/hub/sso/start"))
    assert {json.dumps(entry.payload) for entry in failures()[:2]} == {
        '{"method": "oidc", "code": "provider-away"}'
    }


def test_a_provider_that_trickles_is_not_waited_for(
    client: Client, lying: Forger, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "STEP_SECONDS", 0.3)
    lying.answers["/.well-known/openid-configuration"] = forging.trickles
    began = time.monotonic()
    assert "is not responding" in refusal(client, client.get("/hub/sso/start"))
    assert time.monotonic() - began < 3


def test_a_true_answer_is_not_followed_elsewhere_nor_read_whole_if_it_is_large(
    client: Client, lying: Forger, db: None
) -> None:
    document = lying.discovery()
    lying.answers["/moved"] = says(document)
    place = "/.well-known/openid-configuration"
    lying.answers[place] = says(b"", 302, {"Location": "/moved"})
    assert "is not responding" in refusal(client, client.get("/hub/sso/start"))
    lying.answers[place] = says(json.dumps(document).encode() + b" " * 300_000)
    assert "is not valid" in refusal(client, client.get("/hub/sso/start"))
    lying.answers[place] = says(json.dumps(document).encode() + b" " * 200_000)
    assert begin(client)


# A browser that lies


def test_a_state_is_good_once_and_in_its_own_browser(
    client: Client, lying: Forger, ada: User
) -> None:
    stranger = Client()
    asked = begin(client)
    lying.nonce, lying.claims = asked["nonce"], TRUE
    back = {"state": asked["state"], "code": "c"}
    assert "took too long" in refusal(stranger, stranger.get("/hub/sso/callback", back))
    begin(stranger)
    assert "took too long" in refusal(stranger, stranger.get("/hub/sso/callback", back))
    assert client.get("/hub/sso/callback", back)["Location"] == "/hub"
    client.logout()
    assert "took too long" in refusal(client, client.get("/hub/sso/callback", back))
    assert lying.asked.count("/token") == 1


@pytest.mark.parametrize("query", ["", "?state=", "?state=%00&code=%ff", "?code=c", "?state=é"])
def test_a_callback_that_nobody_began_is_refused(
    client: Client, lying: Forger, db: None, query: str
) -> None:
    begin(client)
    assert "took too long" in refusal(client, client.get(f"/hub/sso/callback{query}"))


def test_a_sign_in_is_not_waited_for_long(client: Client, lying: Forger, ada: User) -> None:
    asked = begin(client)
    session = client.session
    session[PENDING] |= {"started_at": session[PENDING]["started_at"] - 601}
    session.save()
    response = client.get("/hub/sso/callback", {"state": asked["state"], "code": "c"})
    assert "took too long" in refusal(client, response)


def test_an_address_that_is_none_is_no_name_of_a_page(
    client: Client, lying: Forger, ada: User
) -> None:
    client.force_login(ada)
    assert client.get("/hub/sso/start?next=nowhere")["Location"] == "nowhere"


def test_whom_the_provider_lets_not_in_is_told_so(client: Client, lying: Forger, db: None) -> None:
    asked = begin(client, "?next=/hub/accounts")
    error = {"error": "access_denied", "error_description": "<script>", "state": asked["state"]}
    response = client.get("/hub/sso/callback", error)
    assert "did not sign you in" in refusal(client, response)
    page = sign_in_page(client, response["Location"])
    assert page.one("[name=next]")["value"] == "/hub/accounts"


def test_refusals_are_recorded_until_there_are_enough(lying: Forger, db: None) -> None:
    client = Client(REMOTE_ADDR="198.18.0.7")
    for _ in range(15):
        client.get("/hub/sso/callback?state=x&code=y")
    found = [entry for entry in failures() if entry.source_ip == "198.18.0.7"]
    assert len(found) == 10
    assert (found[0].payload or {})["sampled"] == "10 per 1 minute"


def test_nothing_secret_is_logged(
    client: Client, lying: Forger, ada: User, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        asked = begin(client)
        lying.answers["/token"] = says(
            {"error": "invalid_client", "error_description": "hush"}, 401
        )
        client.get("/hub/sso/callback", {"state": asked["state"], "code": "the-code"})
        refusal(client, come_back(client, lying, **TRUE | {"nonce": "another's"}))
    assert "Single sign-on refused: code-refused (OAuthError)" in caplog.text
    for secret in (CLIENT_SECRET, "the-code", asked["state"], asked["nonce"], "hush", ADA, "Trace"):
        assert secret not in caplog.text


# Where it is not set up


@pytest.mark.parametrize(
    ("environment", "is_there"),
    [({}, False), (dict.fromkeys(SETTINGS, "https://id.example.org"), True)],
    ids=["not set up", "set up"],
)
@pytest.mark.programs
def test_the_library_is_imported_only_where_it_is_needed(
    environment: dict[str, str], is_there: bool
) -> None:
    script = (
        "import sys, django; django.setup()\n"
        "from django.urls import get_resolver as r; r().check()\n"
        "print('authlib' in sys.modules, 'sso_start' in r().reverse_dict)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [str(is_there)] * 2


def test_without_a_provider_the_page_offers_nothing(client: Client, db: None) -> None:
    page = sign_in_page(client, "/hub/sign-in?sso=away")
    assert page.all("[role=alert]") == []
    assert "Sign in with single sign-on" not in links(page)
    assert client.get("/hub/sso/start").status_code == 404
    assert client.get("/hub/sso/callback").status_code == 404


def test_a_password_that_fails_later_is_all_that_is_spoken_of(
    client: Client, lying: Forger, db: None
) -> None:
    form = {"username": "ada", "password": "wrong"}
    answer = client.post("/hub/sign-in?sso=away", form)
    alert = read(answer.content.decode()).one("[role=alert]")
    assert alert.text == "The user name and password do not match."


def test_a_reason_that_there_is_not_says_nothing(client: Client, lying: Forger, db: None) -> None:
    page = sign_in_page(client, "/hub/sign-in?sso=<b>")
    assert page.all("[role=alert]") == []
    assert link(page, "Sign in with single sign-on")["href"] == "/hub/sso/start"


def test_each_step_counts_as_a_try_of_whoever_calls_from_there(
    client: Client, lying: Forger, ada: User, settings: Settings
) -> None:
    settings.SIGN_IN_RATE = "2/minute"
    come_back(client, lying)
    assert is_signed_in(client)
    client.logout()
    response = client.get("/hub/sso/start")
    assert "Too many sign-in attempts" in refusal(client, response)
    assert not is_signed_in(client)
