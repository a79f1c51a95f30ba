"""Keys that the log names and that were not issued here: what their entries tell of them.

The counters have every key that was used, by whom, and when first and last. What else is told of a
key (its scopes, when it was made, rotated and revoked) is in payloads: of the newest entries about
keys, of calls and of sign-ins, which are read up to a number of each.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from auditlogs.accounts import agent_keys
from auditlogs.accounts.key_use import KnownKey
from auditlogs.accounts.keys import number_of
from auditlogs.counters import uses
from auditlogs.entry.schema import LONG_ID_LENGTH, Entry
from auditlogs.entry.text import SEPARATOR
from auditlogs.entry.times import from_ms
from auditlogs.models import Account, AgentKey, ApiKey
from auditlogs.query.batches import in_batches
from auditlogs.query.entries import Entries
from auditlogs.query.values import MAX_VALUES
from auditlogs.storage import fleet

CREATED, ROTATED, REVOKED = "api_key.created", "api_key.rotated", "api_key.revoked"
# How many entries of each action are read.
READ = {
    CREATED: 200,
    ROTATED: 200,
    "api_key.scopes.updated": 200,
    REVOKED: 200,
    "mcp.tool.call": 400,
    "auth.signed_in": 200,
}
MAX_LISTED = 100
# Entries that are read about one key, of each kind.
NEWEST = 50
KEY = "api_key"


@dataclass(slots=True)
class SeenKey:
    """A key that entries name; None for what they do not tell."""

    name: str
    id: str | None = None
    agents: dict[str, str] = field(default_factory=dict)
    scopes: list[str] | None = None
    created: datetime | None = None
    rotated: datetime | None = None
    revoked: datetime | None = None
    first_use: datetime | None = None
    last_use: datetime | None = None

    @property
    def address(self) -> str:
        """The text by which `find` finds the key."""
        return self.id or self.name

    @property
    def newest(self) -> datetime:
        times = (self.created, self.rotated, self.revoked, self.last_use)
        return max(time for time in times if time is not None)


def seen(account: Account) -> tuple[list[SeenKey], bool]:
    """Return up to MAX_LISTED keys, the last heard of first, and whether there are more.

    Raises StorageError.
    """
    log = Entries.of(account.id)
    read = [
        entry for action, n in READ.items() for entry in in_batches(log.where("action", action), n)
    ]
    found = _collect(sorted(read, key=lambda entry: entry.instant))
    found, is_cut = _with_uses(account.id, found)
    issued = _issued(account, found)
    foreign = [key for key in found if key.address not in issued and key.name not in issued]
    foreign.sort(key=lambda key: key.newest, reverse=True)
    return foreign[:MAX_LISTED], is_cut or len(foreign) > MAX_LISTED


def find(account: Account, text: str) -> AgentKey | SeenKey | None:
    """Return the agent's key with this id or name: one that was issued here, else one that the log
    names. None where neither is known, and for a log key. Raises StorageError."""
    if issued := agent_keys.find(account, text) or agent_keys.named(account, text):
        return issued
    if not text or len(text) > LONG_ID_LENGTH:
        return None
    log = Entries.of(account.id)
    about = log.where("target.id", text)
    lists = (about.where("actionType", "config"), log.where("facts.key", text))
    found = {each.id: each for entries in lists for each in in_batches(entries, NEWEST)}
    if not found:
        # It may have only signed in.
        found = {each.id: each for each in in_batches(about, NEWEST)}
    keys = _collect(sorted(found.values(), key=lambda entry: entry.instant))
    keys = [key for key in keys if text in (key.id, key.name)]
    return keys[0] if keys and keys[0].address not in _issued(account, keys) else None


def known(key: AgentKey | SeenKey) -> KnownKey:
    """Return a key as entries name it."""
    if isinstance(key, AgentKey):
        same = AgentKey.objects.filter(account=key.account_id, name=key.name).exclude(pk=key.pk)
        others = same.order_by("-pk").values_list("public_id", flat=True)[:MAX_VALUES]
        return KnownKey(key.public_id, key.name, (key.agent,), tuple(others))
    return KnownKey(key.address, key.name, tuple(key.agents))


def _collect(entries: Iterable[Entry]) -> list[SeenKey]:
    """Return the keys that entries name. They have to come oldest first."""
    keys: dict[str, SeenKey] = {}
    for entry in entries:
        name, id = _name(entry), _id(entry)
        label = id or name
        if label is None:
            continue
        # A call names its key by name alone.
        known = keys.get(label) or next((k for k in keys.values() if k.name == name), None)
        if known is None or (id and known.id not in (None, id)):
            known = keys[label] = SeenKey(name or label)
        known.id = known.id or id
        _tell(known, entry)
    return list(keys.values())


def _with_uses(account: str, found: list[SeenKey]) -> tuple[list[SeenKey], bool]:
    """Return keys with all their uses that are counted, and those that an agent used and that no
    entry that was read names; and whether there were more."""
    users, is_cut = uses.users(account)
    agents = {each.agent: each.name or each.agent for each in fleet.roster(account) if each.agent}
    keys = {text: key for key in found for text in (key.name, key.id) if text}
    for use in users:
        names = use.key.split(SEPARATOR)
        known = next((keys[each] for each in names if each in keys), None)
        if known is None:
            if use.value not in agents:
                continue
            known = keys[names[0]] = SeenKey(names[0])
            found = [*found, known]
        first, last = from_ms(use.first_ms), from_ms(use.last_ms)
        known.first_use = min(first, known.first_use or first)
        known.last_use = max(last, known.last_use or last)
        if use.value in agents:
            known.agents.setdefault(use.value, agents[use.value])
    return found, is_cut


def _tell(key: SeenKey, entry: Entry) -> None:
    said = entry.payload or {}
    scopes = said.get("scopes", said.get("keyScopes"))
    if isinstance(scopes, list) and all(isinstance(each, str) for each in scopes):
        key.scopes = scopes
    if entry.action == CREATED:
        key.created = entry.instant
    elif entry.action == ROTATED:
        key.rotated = entry.instant
    elif entry.action == REVOKED:
        key.revoked = entry.instant
    elif not entry.action.startswith("api_key."):
        key.first_use = key.first_use or entry.instant
        key.last_use = entry.instant
        if entry.actor.type == "agent":
            key.agents[entry.actor.id] = entry.actor.name or entry.actor.id


def _name(entry: Entry) -> str | None:
    name = (entry.payload or {}).get("keyName")
    if not isinstance(name, str) and entry.target and entry.target.type == KEY:
        name = entry.target.name
    return name if isinstance(name, str) and name else None


def _id(entry: Entry) -> str | None:
    return entry.target.id if entry.target and entry.target.type == KEY else None


def _issued(account: Account, found: Iterable[SeenKey]) -> set[str]:
    """Return the ids and names of those keys that were issued here, log keys among them."""
    agents = AgentKey.objects.filter(account=account)
    texts = {text for key in found for text in (key.id, key.name) if text}
    by_id = agents.filter(public_id__in=texts).values_list("public_id", "name")
    by_name = agents.filter(name__in=texts).values_list("public_id", "name")
    pks = [pk for pk in map(number_of, texts) if pk is not None]
    log_keys = ApiKey.objects.filter(account=account)
    issued = {text for row in (*by_id, *by_name) for text in row}
    issued |= {key.public_id for key in log_keys.filter(pk__in=pks)}
    return issued | set(log_keys.filter(name__in=texts).values_list("name", flat=True))
