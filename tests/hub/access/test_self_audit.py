"""What the Hub and the API do themselves is in the log: each happening once, in its account, with
a correlation ID and without a secret."""

import io
import itertools
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django.fixtures import Settings

from auditlogs.accounts import keys, self_audit
from auditlogs.accounts.self_audit import Caller
from auditlogs.entry.actions import KNOWN_ACTIONS
from auditlogs.entry.schema import Entry
from auditlogs.entry.text import SEPARATOR, prefix_range
from auditlogs.entry.times import format_rfc3339, now
from auditlogs.middleware import actor_of as actor_of_person
from auditlogs.models import PLATFORM_ACCOUNT, Account, ApiKey
from auditlogs.query.entries import Entries
from auditlogs.storage import mongo
from auditlogs.write.store import CannotStore
from hub.models import Membership
from tests.api import Api
from tests.away import connected_to, nowhere
from tests.factories import unique
from tests.hub.markup import read
from tests.hub.pages import rows

PASSWORD = "correct horse battery staple"
API = "/api/audit-logs"
NEEDS_SIGN_IN = (
    "/hub/logs",
    "/hub/logs/arrivals",
    "/hub/logs/chart",
    "/hub/logs/count",
    "/hub/logs/actors",
    "/hub/logs/choose-actor",
    "/hub/logs/some-entry",
)
_addresses = (f"198.51.{a}.{b}" for a, b in itertools.product(range(100), range(1, 255)))


@pytest.fixture
def address() -> str:
    """An address that no other test calls from."""
    return next(_addresses)


@pytest.fixture
def visitor(db: None, address: str) -> Client:
    """A browser that calls from the address and sends no form but those it was given."""
    return Client(enforce_csrf_checks=True, REMOTE_ADDR=address)


def entries_of(account: str, **fields: Any) -> list[Entry]:
    """Return an account's entries with these fields, oldest first."""
    page = Entries.of(account).page(1_000, payloads=True)
    assert page.next is None
    found = [e for e in page.entries if all(getattr(e, k) == v for k, v in fields.items())]
    return sorted(found, key=lambda entry: (entry.recorded_at, entry.action))


def platform_entries(address: str) -> list[Entry]:
    """Return what is recorded of an address and belongs to no account."""
    return entries_of(PLATFORM_ACCOUNT, source_ip=address)


def sign_in(visitor: Client, name: str, password: str = PASSWORD) -> int:
    """Fill in the form of the sign-in page and send it."""
    page = read(visitor.get("/hub/sign-in").content.decode())
    token = page.one("[name=csrfmiddlewaretoken]")["value"]
    form = {"csrfmiddlewaretoken": token, "username": name, "password": password}
    return visitor.post("/hub/sign-in", form).status_code


def call_api(address: str, key: str, path: str = API) -> int:
    client = Client(REMOTE_ADDR=address)
    return client.get(path, headers={"Authorization": f"Bearer {key}"}).status_code


def run(name: str, *arguments: str) -> tuple[str, str]:
    """Run a command and return what it wrote to standard output and to standard error."""
    out, err = io.StringIO(), io.StringIO()
    call_command(name, *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def actor_of(user: User) -> tuple[str, str, str | None]:
    return ("user", f"user_{user.pk}", user.username)


def who(entry: Entry) -> tuple[str, str, str | None]:
    return (entry.actor.type, entry.actor.id, entry.actor.name)


def stored(account: str) -> str:
    """Return all that is stored of an account, with what is kept beside its entries."""
    low, high = prefix_range(f"{account}{SEPARATOR}")
    entries = list(mongo.entries().find({"account": account}))
    notes = list(mongo.dictionary().find({"_id": {"$gte": low, "$lt": high}}))
    assert entries
    assert notes
    return f"{entries}\n{notes}"


def test_signing_in_leaves_the_sign_in_and_the_session_under_one_correlation(
    visitor: Client, user: User, account: Account, address: str
) -> None:
    assert sign_in(visitor, user.username) == 302
    signed_in, session = entries_of(account.id)
    assert (signed_in.action, session.action) == ("auth.signed_in", "session.created")
    for entry in (signed_in, session):
        assert who(entry) == actor_of(user)
        assert (entry.result, entry.source_ip) == ("success", address)
        assert entry.payload == {"method": "password"}
        assert entry.target
        assert (entry.target.type, entry.target.id) == ("session", entry.session_id)
    assert signed_in.session_id == session.session_id
    assert signed_in.correlation_id == session.correlation_id is not None
    assert platform_entries(address) == []


def test_signing_out_names_the_session_that_signing_in_began(
    visitor: Client, user: User, account: Account
) -> None:
    sign_in(visitor, user.username)
    key = visitor.session.session_key
    assert key
    page = read(visitor.get("/hub/logs").content.decode())
    token = page.all("[name=csrfmiddlewaretoken]")[0]["value"]
    assert visitor.post("/hub/sign-out", {"csrfmiddlewaretoken": token}).status_code == 302
    signed_in, _, signed_out = entries_of(account.id)
    assert signed_out.action == "auth.signed_out"
    assert who(signed_out) == actor_of(user)
    assert signed_out.session_id == signed_in.session_id
    assert signed_out.correlation_id not in {None, signed_in.correlation_id}
    assert key not in stored(account.id)


@pytest.mark.usefixtures("db")
def test_signing_out_of_a_session_that_is_over_leaves_nothing(client: Client, address: str) -> None:
    assert client.post("/hub/sign-out", REMOTE_ADDR=address).status_code == 302
    assert platform_entries(address) == []


def test_a_session_that_replaces_a_deleted_persons_has_a_label(
    visitor: Client, user: User, account: Account
) -> None:
    stray = User.objects.create_user(unique("stray"))
    visitor.force_login(stray)
    stray.delete()
    sign_in(visitor, user.username)
    assert all(entry.session_id and entry.target for entry in entries_of(account.id))
    assert len(entries_of(account.id)) == 2


def test_two_sessions_of_a_person_are_told_apart(user: User, account: Account) -> None:
    for _ in range(2):
        sign_in(Client(), user.username)
    sessions = {entry.session_id for entry in entries_of(account.id)}
    assert len(sessions) == 2
    assert None not in sessions


def test_a_failed_sign_in_is_recorded_in_the_account_of_whom_it_named(
    visitor: Client, user: User, account: Account, address: str
) -> None:
    assert sign_in(visitor, user.username, "hunter2 hunter2") == 200
    (entry,) = entries_of(account.id)
    assert (entry.action, entry.result) == ("auth.sign_in_failed", "failure")
    assert who(entry) == actor_of(user)
    assert (entry.source_ip, entry.session_id) == (address, None)
    assert entry.payload == {"method": "password", "code": "invalid-credentials"}
    assert entry.correlation_id
    assert "hunter2" not in stored(account.id)


def test_what_was_typed_for_an_unknown_user_name_is_not_kept(visitor: Client, address: str) -> None:
    assert sign_in(visitor, "Tr0ub4dor") == 200
    (entry,) = platform_entries(address)
    assert (entry.action, entry.result) == ("auth.sign_in_failed", "failure")
    assert who(entry) == ("user", "anonymous", None)
    assert entry.correlation_id
    assert "r0ub4do" not in stored(PLATFORM_ACCOUNT).casefold()


@pytest.mark.parametrize(("name", "password"), [("", PASSWORD), ("ada", ""), ("a\0da", PASSWORD)])
def test_a_form_that_is_not_filled_in_is_no_sign_in(
    visitor: Client, address: str, name: str, password: str
) -> None:
    assert sign_in(visitor, name, password) == 200
    assert platform_entries(address) == []


def test_whoever_belongs_to_no_account_signs_in_under_the_platforms(
    visitor: Client, address: str
) -> None:
    stray = User.objects.create_user(unique("stray"), password=PASSWORD)
    sign_in(visitor, stray.username)
    assert visitor.get("/hub/logs").status_code == 403
    *_, refused = found = platform_entries(address)
    assert {entry.action for entry in found[:-1]} == {"auth.signed_in", "session.created"}
    assert (refused.action, refused.result) == ("access.denied", "failure")
    assert {who(entry) for entry in found} == {actor_of(stray)}
    assert refused.target
    assert (refused.target.type, refused.target.id) == ("page", "/hub/logs")
    assert refused.session_id == found[0].session_id is not None
    assert refused.payload == {
        "code": "permission-denied",
        "error": "You are signed in, but not a member of any account yet. "
        "Ask an admin of your account to add you.",
    }


@pytest.mark.parametrize("path", NEEDS_SIGN_IN)
def test_being_led_to_sign_in_is_no_denial(visitor: Client, address: str, path: str) -> None:
    assert visitor.get(path).status_code == 302
    assert platform_entries(address) == []


def test_a_form_from_elsewhere_is_a_denial_in_the_persons_account(
    visitor: Client, user: User, account: Account
) -> None:
    visitor.force_login(user)
    assert visitor.post("/hub/sign-out").status_code == 403
    (entry,) = entries_of(account.id)
    assert (entry.action, entry.result) == ("access.denied", "failure")
    assert who(entry) == actor_of(user)
    assert entry.target
    assert entry.target.id == "/hub/sign-out"
    assert (entry.payload or {})["code"] == "csrf"
    assert entry.correlation_id
    assert entry.session_id


def test_a_strangers_form_from_elsewhere_belongs_to_no_account(
    visitor: Client, address: str
) -> None:
    assert visitor.post("/hub/sign-in", {"username": "ada"}).status_code == 403
    (entry,) = platform_entries(address)
    assert who(entry) == ("user", "anonymous", None)
    assert entry.session_id is None


@pytest.mark.usefixtures("db")
def test_a_key_that_nobody_has_is_refused_under_the_platforms_account(address: str) -> None:
    text = f"aud_{'7' * 36}"
    assert call_api(address, text) == 401
    (entry,) = platform_entries(address)
    assert (entry.action, entry.result) == ("access.denied", "failure")
    assert who(entry) == ("system", "unknown-key", None)
    assert entry.target
    assert (entry.target.type, entry.target.id) == ("endpoint", API)
    assert (entry.payload or {})["code"] == "invalid-key"
    assert entry.correlation_id
    assert text not in stored(PLATFORM_ACCOUNT)


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("header", ["Basic YWRhOmh1bnRlcjI=", "Bearer a b", "Bearer", "\x01"])
def test_what_is_no_key_at_all_is_a_denial_too(address: str, header: str) -> None:
    client = Client(REMOTE_ADDR=address)
    assert client.get(API, headers={"Authorization": header}).status_code == 401
    assert [entry.action for entry in platform_entries(address)] == ["access.denied"]


@pytest.mark.usefixtures("db")
def test_no_key_at_all_is_only_asked_for(address: str) -> None:
    assert Client(REMOTE_ADDR=address).get(API).status_code == 401
    assert platform_entries(address) == []


def test_a_revoked_key_is_refused_in_its_own_account(account: Account, address: str) -> None:
    text = keys.create(account, "SIEM", ["logs:read"])
    key = keys.find(text)
    assert key
    keys.revoke(key)
    assert call_api(address, text, f"{API}/some-entry") == 401
    (entry,) = entries_of(account.id)
    assert (entry.action, entry.result) == ("access.denied", "failure")
    assert who(entry) == ("system", f"key_{key.pk}", "SIEM")
    assert entry.source_ip == address
    assert entry.target
    assert entry.target.id == f"{API}/<str:entry_id>"
    assert entry.payload == {
        "method": "api_key",
        "code": "revoked-key",
        "error": "The API key was revoked",
        "keyName": "SIEM",
    }
    assert platform_entries(address) == []
    assert text not in stored(account.id)


def test_a_key_without_the_scope_is_refused_in_its_own_account(
    account: Account, address: str
) -> None:
    text = keys.create(account, "weak", [])
    assert call_api(address, text) == 403
    (entry,) = entries_of(account.id)
    assert (entry.action, entry.result) == ("access.denied", "failure")
    assert (entry.actor.type, entry.actor.name) == ("system", "weak")
    assert entry.correlation_id
    assert entry.payload == {
        "method": "api_key",
        "code": "insufficient-scope",
        "error": "Insufficient scope: logs:read",
        "requiredScope": "logs:read",
        "keyName": "weak",
        "keyScopes": [],
    }
    assert text not in stored(account.id)


def test_a_flood_of_refusals_leaves_ten_and_the_last_one_says_so(address: str, db: None) -> None:
    assert [call_api(address, "nonsense") for _ in range(14)] == [401] * 10 + [429] * 4
    found = [each for each in platform_entries(address) if each.action == "access.denied"]
    assert len(found) == 10
    said = [entry for entry in found if (entry.payload or {}).get("sampled") == "10 per 1 minute"]
    assert len(said) == 1
    neighbour = f"{address}9"
    assert call_api(neighbour, "nonsense") == 401
    assert len(platform_entries(neighbour)) == 1


def test_a_key_is_sampled_by_itself_wherever_it_calls_from(account: Account) -> None:
    loud, quiet = (keys.create(account, name, []) for name in ("loud", "quiet"))
    for _ in range(12):
        assert call_api(next(_addresses), loud) == 403
    assert call_api(next(_addresses), quiet) == 403
    names = [entry.actor.name for entry in entries_of(account.id)]
    assert (names.count("loud"), names.count("quiet")) == (10, 1)


@pytest.mark.usefixtures("db")
def test_a_client_of_ipv6_does_not_get_a_share_for_each_of_its_addresses() -> None:
    network = f"2001:db8:{next(_addresses).split('.')[3]}:7"
    addresses = [f"{network}::{number:x}" for number in range(1, 13)]
    assert [call_api(address, "nonsense") for address in addresses] == [401] * 10 + [429] * 2
    found = [entry.action for address in addresses for entry in platform_entries(address)]
    assert found == ["access.denied"] * 10 + ["rate_limit.hit"] * 2


def test_a_rate_limit_that_was_hit_names_the_limit_and_is_sampled_too(
    account: Account, address: str, settings: Settings
) -> None:
    settings.AUDITLOGS_API_RATE = "600/minute;2/hour"
    text = keys.create(account, "busy", ["logs:read"])
    statuses = [call_api(address, text) for _ in range(15)]
    assert statuses == [200] * 2 + [429] * 13
    first, *_, last = found = entries_of(account.id)
    assert len(found) == 10
    key = ApiKey.objects.get(account=account)
    assert (first.action, first.result, first.source_ip) == ("rate_limit.hit", "failure", address)
    assert who(first) == ("system", key.public_id, "busy")
    assert {"limit": 2, "window": "3600s"} in [entry.payload for entry in found]
    assert first.correlation_id != last.correlation_id


def test_making_a_key_is_recorded_with_its_scopes_and_not_its_text(account: Account) -> None:
    printed, said = run("create_api_key", "SIEM", "--account", account.name, "--scope", "logs:read")
    key = keys.find(printed.strip())
    assert key
    assert said == f"id: {key.public_id}\n"
    (entry,) = entries_of(account.id)
    assert (entry.action, entry.result) == ("api_key.created", "success")
    assert who(entry) == ("system", "command-line", None)
    assert entry.target
    assert (entry.target.type, entry.target.id, entry.target.name) == (
        "api_key",
        key.public_id,
        "SIEM",
    )
    assert entry.payload == {
        "keyName": "SIEM",
        "scopes": ["logs:read"],
        "bot": None,
        "expiresAt": None,
    }
    assert (entry.correlation_id, entry.asserted_by) != (None, None)
    assert key.created_by == "command line"
    assert printed.strip() not in stored(account.id)


def test_revoking_a_key_is_recorded_and_shuts_it_out_at_once(
    account: Account, address: str
) -> None:
    text = keys.create(account, "SIEM", ["logs:read"])
    assert call_api(address, text) == 200
    key = ApiKey.objects.get(account=account)
    assert run("revoke_api_key", key.public_id) == ("", "")
    assert call_api(address, text) == 401
    revoked, denied = entries_of(account.id)
    assert (revoked.action, denied.action) == ("api_key.revoked", "access.denied")
    assert who(revoked) == ("system", "command-line", None)
    assert revoked.target
    assert revoked.target.id == key.public_id
    assert revoked.correlation_id


def visiting(user: User, account: Account) -> Caller:
    """Return a person as the caller that a page of the Hub names."""
    return Caller(account.id, actor_of_person(user), "sess_1", "192.0.2.1")


def test_a_key_that_a_person_makes_and_revokes_is_recorded_as_their_doing(
    user: User, account: Account
) -> None:
    until = now() + timedelta(days=1)
    text = keys.create(account, "scout", ["logs:write"], bot="bot_7", expires_at=until)
    key = keys.find(text)
    assert key
    for record in (self_audit.key_created, self_audit.key_revoked):
        record(key, visiting(user, account))
    created, revoked = entries_of(account.id)
    assert (created.action, revoked.action) == ("api_key.created", "api_key.revoked")
    for entry in (created, revoked):
        assert who(entry) == actor_of(user)
        assert (entry.session_id, entry.source_ip) == ("sess_1", "192.0.2.1")
        assert (entry.target and entry.target.id) == entry.asserted_by == key.public_id
    assert created.payload == {
        "keyName": "scout",
        "scopes": ["logs:write"],
        "bot": "bot_7",
        "expiresAt": format_rfc3339(until),
    }
    assert revoked.payload == {"keyName": "scout", "scopes": ["logs:write"]}


def test_a_session_token_is_recorded_in_the_account_it_opens(user: User, account: Account) -> None:
    text = keys.create_session_token(user, account)
    token = keys.find(text)
    assert token
    assert token.expires_at
    # Whatever account its person was at.
    elsewhere = replace(visiting(user, account), account=PLATFORM_ACCOUNT)
    self_audit.token_created(token, elsewhere)
    self_audit.token_revoked(token, elsewhere)
    created, revoked = entries_of(account.id)
    assert (created.action, revoked.action) == ("auth.token.created", "auth.token.revoked")
    assert (created.action_type, who(created)) == ("auth", actor_of(user))
    assert (created.payload or {})["expiresAt"] == format_rfc3339(token.expires_at)
    assert text not in stored(account.id)


def test_no_keys_life_goes_unrecorded(
    user: User, account: Account, settings: Settings, tmp_path: Path
) -> None:
    key = keys.find(keys.create(account, "SIEM", []))
    assert key
    no_folder = tmp_path / "a file"
    no_folder.touch()
    with connected_to(nowhere(), settings, no_folder):
        for record in (
            *(self_audit.key_created, self_audit.key_revoked),
            *(self_audit.token_created, self_audit.token_revoked),
        ):
            with pytest.raises(CannotStore):
                record(key, visiting(user, account))


def test_one_list_tells_all_that_a_key_did_and_that_was_done_to_it(
    signed_in_client: Client, account: Account, address: str
) -> None:
    printed, _ = run("create_api_key", "agent", "--account", account.name, "--scope", "logs:write")
    text, key = printed.strip(), ApiKey.objects.get(account=account)
    entry = {"action": "order.created", "actor": {"type": "user", "id": "u"}, "result": "success"}
    writer = Api(text)
    assert writer.post(entry).status_code == 201
    assert writer.post({**entry, "payload": {"x": text}}).status_code == 201
    assert call_api(address, text) == 403
    run("revoke_api_key", key.public_id)
    assert call_api(address, text) == 401
    # Another's, of which nothing is to be told.
    run("create_api_key", "other", "--account", account.name, "--scope", "logs:read")
    done = [
        *("access.denied", "api_key.revoked", "access.denied", "order.created"),
        *("api_key.exposed", "order.created", "api_key.created"),
    ]
    listed = Entries.of(account.id).where("assertedBy", key.public_id).page(100).entries
    assert sorted(each.action for each in listed) == sorted(done)
    url = f"/hub/logs?assertedBy={key.public_id}&dateRange=all"
    assert len(rows(read(signed_in_client.get(url).content.decode()))) == len(done)


def test_why_a_known_key_opens_nothing_is_told_to_its_own_account(
    user: User, account: Account, address: str
) -> None:
    with time_machine.travel(now() - timedelta(hours=2), tick=False):
        expired = keys.create(account, "old", [], expires_at=now() + timedelta(hours=1))
    token = keys.create_session_token(user, account)
    user.is_active = False
    user.save()
    assert [call_api(address, expired), call_api(address, token)] == [401, 401]
    told = {str((entry.payload or {})["code"]): entry for entry in entries_of(account.id)}
    assert told.keys() == {"expired-key", "holder-without-access"}
    assert told["expired-key"].actor.name == "old"


def test_a_key_is_revoked_once(account: Account) -> None:
    keys.create(account, "SIEM", ["logs:read"])
    id = ApiKey.objects.get(account=account).public_id
    run("revoke_api_key", id)
    with pytest.raises(CommandError, match=f"{id} is already revoked"):
        run("revoke_api_key", id)
    assert len(entries_of(account.id)) == 1


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("id", ["", "key_", "7", "key_x", "key_-1", f"key_{'9' * 40}", "KEY_1"])
def test_what_no_key_is_called_revokes_nothing(id: str) -> None:
    with pytest.raises(CommandError, match="does not exist"):
        run("revoke_api_key", id)


def test_a_key_that_cannot_be_recorded_is_not_made_and_not_revoked(
    account: Account, settings: Settings, tmp_path: Path
) -> None:
    keys.create(account, "SIEM", [])
    key = ApiKey.objects.get(account=account)
    no_folder = tmp_path / "a file"
    no_folder.touch()
    with connected_to(nowhere(), settings, no_folder):
        for command in (
            ("create_api_key", "second", "--account", account.name, "--scope", "logs:read"),
            ("revoke_api_key", key.public_id),
        ):
            with pytest.raises(CommandError, match="The spool cannot be used"):
                run(*command)
    assert ApiKey.objects.get(account=account).revoked_at is None


def test_nobody_sees_what_the_hub_recorded_of_another_account(
    visitor: Client, user: User, account: Account, api_key: str, address: str
) -> None:
    other = Account.objects.create(name=unique("account"))
    neighbour = User.objects.create_user(unique("bob"), password=PASSWORD)
    Membership.objects.create(user=neighbour, account=other)
    call_api(address, "nonsense")
    call_api(address, keys.create(other, "weak", []))
    sign_in(Client(REMOTE_ADDR=address), neighbour.username, "wrong")
    sign_in(Client(REMOTE_ADDR=address), "nobody", "wrong")
    assert entries_of(account.id) == []
    assert len(entries_of(other.id)) == 2

    sign_in(visitor, user.username)
    assert len(rows(read(visitor.get("/hub/logs").content.decode()))) == 2
    answer = Client().get(API, headers={"Authorization": f"Bearer {api_key}"}).json()
    assert {entry["actor"]["name"] for entry in answer} == {user.username}


def test_factories_and_scripts_leave_nothing(
    client: Client, user: User, account: Account, api_key: str
) -> None:
    client.force_login(user)
    client.logout()
    key = keys.find(api_key)
    assert key
    assert keys.revoke(key)
    assert entries_of(account.id) == []


def test_every_payload_uses_the_keys_that_its_action_is_known_by(
    visitor: Client, user: User, account: Account, address: str
) -> None:
    sign_in(visitor, user.username, "wrong")
    sign_in(visitor, user.username)
    visitor.post("/hub/sign-out")
    page = read(visitor.get("/hub/logs").content.decode())
    token = page.all("[name=csrfmiddlewaretoken]")[0]["value"]
    visitor.post("/hub/sign-out", {"csrfmiddlewaretoken": token})
    printed, _ = run("create_api_key", "weak", "--account", account.name, "--scope", "logs:write")
    call_api(address, printed.strip())
    run("revoke_api_key", ApiKey.objects.get(account=account).public_id)
    call_api(address, printed.strip())
    found = entries_of(account.id)
    assert sorted(entry.action for entry in found) == [
        *("access.denied", "access.denied", "access.denied", "api_key.created", "api_key.revoked"),
        *("auth.sign_in_failed", "auth.signed_in", "auth.signed_out", "session.created"),
    ]
    own = Api(keys.create(account, "own", ["logs:read", "logs:write"], bot="bot_7"))
    as_other = {"action": "bot.created", "actor": {"type": "user", "id": "u"}, "result": "success"}
    own.post({**as_other, "payload": {"x": own.headers["authorization"]}})
    own.get(botId="bot_8")
    own.get(f"{API}/{found[0].id}")
    session = keys.find(keys.create_session_token(user, account))
    assert session
    self_audit.token_created(session, visiting(user, account))
    self_audit.token_revoked(session, visiting(user, account))
    assert len(entries_of(account.id)) == len(found) + 6
    for entry in entries_of(account.id):
        assert (entry.payload or {}).keys() <= set(KNOWN_ACTIONS[entry.action].payload_keys)
