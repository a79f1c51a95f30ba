"""A Hub with two accounts, in which every text has its owner's mark, and eight principals."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client

from auditlogs.accounts import agent_keys, keys
from auditlogs.accounts.self_audit import COMMAND_LINE
from auditlogs.entry.schema import Actor
from auditlogs.entry.times import now
from auditlogs.models import Account, ApiKey
from auditlogs.recording.recorder import prepare, record_many
from auditlogs.write.spool import spool
from hub.access.visits import SESSION_ACCOUNT
from hub.models import SavedView
from tests import people
from tests.api import whole
from tests.counting import count_account
from tests.factories import new, unique

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

# In every text of the account that the callers belong to, of its other agent, and of the account
# that none of them belongs to. No request ever holds one of these.
OWN, SIBLING, FOREIGN = "zqownly", "zqsibling", "zqforeign"
ENTRIES = 4


@dataclass(frozen=True)
class Objects:
    """The ids of an account's objects, or of objects that do not exist."""

    account: str
    entry: str
    bot: str
    key: str
    agentkey: str
    agentsecret: str
    member: str
    correlation: str
    letter: str
    view: str


NOTHING = Objects(
    account="acc_0000000000000000",
    entry="01a2090d-c8fc-8f2b-adc6-8547600a3833",
    bot="bot-000000",
    key="key_999999999",
    agentkey="akey_0000000000000000",
    agentsecret="auda_7Gk2Qx9Lm4Tz8Rw3Vb6Np1Sd5Fh0JcXyAeUi",
    member="999999999",
    correlation="0f8b2c64-9d1e-4a57-b3c0-6e2f1d7a9b58",
    letter="01a2090d-c8fc-8f2b-adc6-8547600a3834",
    view="999999998",
)


@dataclass(frozen=True)
class Principal:
    """A caller: how it authenticates, and the marks that no answer to it may contain."""

    name: str
    hidden: tuple[str, ...]
    account: str
    person: "User | None" = None
    key: str = ""
    # What a session holds after this person's sign-in.
    session: Mapping[str, Any] = field(default_factory=dict)
    address: str = field(default_factory=people.new_address)

    def client(self) -> Client:
        """Return a client with a session of its own that is signed in to the account, or without
        cookies."""
        client = Client(REMOTE_ADDR=self.address)
        if self.session:
            # A sign-in for each of thousands of requests would take longer than the requests.
            session = SessionStore()
            session.update(self.session)
            session.save()
            client.cookies[settings.SESSION_COOKIE_NAME] = str(session.session_key)
        return client

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    def call(
        self,
        method: str,
        path: str,
        data: Mapping[str, Any] | None = None,
        body: bytes | None = None,
        client: Client | None = None,
        kind: str = "application/json",
        **headers: str,
    ) -> "Response":
        """Send a request, with a form's data or a body of JSON."""
        client = client or self.client()
        everything = {**self.headers, **headers}
        if body is not None:
            return client.generic(method, path, body, kind, headers=everything)
        if method == "POST":
            return client.post(path, data or {}, headers=everything)
        return whole(client.generic(method, path, headers=everything))


@dataclass(frozen=True)
class World:
    """Both accounts' objects, and the principals by name."""

    own: Objects
    sibling: Objects
    other: Objects
    principals: Mapping[str, Principal]


def make_world() -> World:
    """Make two accounts with people, agents, keys and entries."""
    ours = Account.objects.create(name=unique(OWN))
    theirs = Account.objects.create(name=unique(FOREIGN))
    mine = _objects(ours, "bot-0a11ce", OWN)
    beside = _objects(ours, "bot-0b0b0b", SIBLING)
    others = _objects(theirs, "bot-0dead0", FOREIGN)
    for account in (ours, theirs):
        count_account(account.id)
    viewer, admin = people.member(ours, "viewer"), people.member(ours, "admin")
    staff = people.staff()
    made = {
        "anonymous": ((OWN, SIBLING, FOREIGN), None, ""),
        "viewer": ((FOREIGN,), viewer, ""),
        "admin": ((FOREIGN,), admin, ""),
        "staff": ((FOREIGN,), staff, ""),
        "read key": ((FOREIGN,), None, keys.create(ours, "reader", ["logs:read"])),
        "write key": ((OWN, SIBLING, FOREIGN), None, keys.create(ours, "writer", ["logs:write"])),
        "verify key": ((FOREIGN,), None, keys.create(ours, "verifier", ["keys:verify"])),
        "bot-bound key": (
            (SIBLING, FOREIGN),
            None,
            keys.create(ours, "bound", ["logs:read", "logs:write", "logs:export"], bot=mine.bot),
        ),
        "session token": ((FOREIGN,), None, keys.create_session_token(viewer, ours)),
    }
    principals = {
        name: Principal(name, hidden, ours.id, person, key, _session(person, ours))
        for name, (hidden, person, key) in made.items()
    }
    return World(mine, beside, others, principals)


def _session(person: "User | None", account: Account) -> Mapping[str, Any]:
    if person is None:
        return {}
    return {**people.signed_in(person).session, SESSION_ACCOUNT: account.id}


def _objects(account: Account, bot: str, mark: str) -> Objects:
    """Make an agent of an account with a key and entries, and a member; each text has the mark."""
    keys.create(account, f"{mark} key", ["logs:read"])
    person = people.member(account, name=unique(mark))
    correlation = str(uuid4())
    ids = record_many(
        [_entry(bot, mark, number, correlation) for number in range(ENTRIES)], account=account.id
    )
    key = ApiKey.objects.get(account=account, name=f"{mark} key")
    agent: dict[str, Any] = {"name": f"{mark} agent key", "agent": bot}
    agent_key, secret = agent_keys.create(account, COMMAND_LINE, scopes=["read"], **agent)
    view = SavedView.objects.create(account=account, name=f"{mark} view", query=f"search={mark}")
    return Objects(
        *(account.id, str(ids[0]), bot, key.public_id, agent_key.public_id, secret),
        *(str(person.pk), correlation, _dead_letter(account.id, mark), str(view.pk)),
    )


def _dead_letter(account: str, mark: str) -> str:
    actor = Actor(type="agent", id=mark)
    entry, _ = prepare("order.created", result="success", account=account, actor=actor)
    spool().put([(account, entry)])
    spool().move_to_dead_letters(entry.id, f"{mark} reason")
    return entry.id


def _entry(bot: str, mark: str, number: int, correlation: str) -> Any:
    kind = ("agent", "user")[number % 2]
    return new(
        timestamp=now() - timedelta(hours=number),
        action=f"mcp.tool.{mark}",
        actor={"type": kind, "id": f"{mark}-{kind}", "name": f"{mark.title()} the {kind}"},
        target={"type": mark, "id": f"{mark}-target", "name": f"A {mark} thing"},
        result=("failure", "success")[number // 2],
        bot_id=bot,
        correlation_id=correlation,
        request_id=f"{mark}-request",
        session_id=f"{mark}-session",
        source_ip=f"{bot}-address",
        payload={
            mark: [mark, {"error": f"Insufficient {mark}"}],
            "error": f"No {mark}",
            "code": f"{bot}-code",
            "keyName": f"{bot}-key",
            "tool": f"{bot}-tool",
            "provider": f"{bot}-provider",
            "orderId": f"{bot}-order",
        },
        decision={"outcome": "denied", "policy": mark, "rule": f"{mark}-rule", "reason": mark},
        on_behalf_of=[
            {"type": "agent", "id": bot, "name": f"{mark} between"},
            {"type": "user", "id": f"{mark}-root", "name": mark},
        ],
        agent={"version": mark, "model": mark},
        run_id=f"{bot}-run",
        approval={"id": f"{bot}-approval", "outcome": "requested"},
    )


def marks_in(response: "Response", hidden: tuple[str, ...]) -> list[str]:
    """Return the marks that an answer contains, in its body or headers."""
    shown = response.content + repr(response.headers).encode() + repr(response.cookies).encode()
    return [mark for mark in hidden if mark.encode() in shown.lower()]
