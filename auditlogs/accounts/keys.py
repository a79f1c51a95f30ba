"""API keys and session tokens: created, looked up, revoked. Their text is never stored."""

import hashlib
import logging
import re
import secrets
import string
import zlib
from datetime import datetime, timedelta
from typing import Literal

from django.contrib.auth.models import User
from django.db import DatabaseError
from django.db.models import Case, Q, QuerySet, When
from django.db.models.functions import Now

from auditlogs.entry.numbers import to_whole
from auditlogs.entry.schema import LONG_ID_LENGTH
from auditlogs.entry.times import now
from auditlogs.models import (
    KEY_NAME_LENGTH,
    PERMISSION_TO_READ,
    PUBLIC_ID_PREFIX,
    Account,
    AgentKey,
    ApiKey,
)
from auditlogs.recording.policy import check_text
from auditlogs.storage import dictionary

PREFIX, SESSION_PREFIX, AGENT_PREFIX = "aud_", "auds_", "auda_"
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
RANDOM_LENGTH = 30
CHECKSUM_LENGTH = 6
# A key consists of characters that need no escape in JSON, URLs or code, so that one pattern finds
# it in all of them.
KEY_PATTERN = re.compile(
    rf"(?:{PREFIX}|{SESSION_PREFIX}|{AGENT_PREFIX})"
    rf"[0-9A-Za-z]{{{RANDOM_LENGTH + CHECKSUM_LENGTH}}}".encode()
)
# How many characters of a key's text are kept and shown, to tell keys apart: too few to guess the
# other 26.
BEGINNING, ENDING = 8, 4

SCOPES = {
    "logs:read": "Read the account’s entries.",
    "logs:export": "Export the account’s entries, any number at once.",
    "logs:write": "Write entries to the account, in the name of any actor.",
    "keys:verify": "Ask whether an agent’s key of the account is active, and with which scopes.",
    "metrics:read": "Read the figures of the whole Hub. Only the operator’s command line gives it.",
}
# Their answers tell of all accounts, so that no account's admin can give them to a key.
OPERATOR_SCOPES = frozenset({"metrics:read"})
SESSION_TOKEN_SCOPES = ["logs:read", "logs:export"]
SESSION_TOKEN_HOURS = 12
# The most valid session tokens that a person may have in an account.
MAX_SESSION_TOKENS = 10
MAX_LISTED = 200
# A key that expires does so within three years.
MAX_EXPIRY_DAYS = 3 * 365
# A key's last use is kept to the minute: else every request would write to the database.
USE_IS_NEW_AFTER = timedelta(minutes=1)

KeyState = Literal["active", "expired", "revoked"]

logger = logging.getLogger(__name__)


def create(
    account: Account,
    name: str,
    scopes: list[str],
    *,
    bot: str | None = None,
    agent: str | None = None,
    holder: User | None = None,
    expires_at: datetime | None = None,
    created_by: str = "",
) -> str:
    """Create an API key and return its text, which is shown this once.

    A key with a `bot` reads and writes that bot's entries only; `agent` is the actor id by which
    the log knows the bot. A key with a `holder` is a session token: it is valid as long as that
    person may read the account. `created_by` is a user name, for display. Raises ValueError for an
    unknown scope, an invalid name or bot, and an expiry in the past.
    """
    if unknown := sorted(set(scopes) - SCOPES.keys()):
        raise ValueError(f"no such scope: {', '.join(unknown)}; there is {', '.join(SCOPES)}")
    check_text("the name", name, KEY_NAME_LENGTH, is_name=True)
    if bot is not None:
        check_text("the bot", bot, LONG_ID_LENGTH)
    if expires_at is not None and expires_at <= now():
        raise ValueError("the time of expiry is in the past")
    prefix = PREFIX if holder is None else SESSION_PREFIX
    text = new_text(prefix)
    ApiKey.objects.create(
        account=account,
        name=name,
        digest=digest_of(text),
        beginning=text[:BEGINNING],
        last_four=text[-ENDING:],
        scopes=[scope for scope in SCOPES if scope in scopes],
        bot=bot,
        agent=agent,
        holder=holder,
        expires_at=expires_at,
        created_by=created_by,
    )
    return text


def create_session_token(person: User, account: Account) -> str:
    """Create a session token, with which a person reads an account through the API for
    SESSION_TOKEN_HOURS, and return its text, which is shown this once.

    Raises ValueError if they have MAX_SESSION_TOKENS already.
    """
    if session_tokens_of(person, account).count() >= MAX_SESSION_TOKENS:
        raise ValueError(f"there are {MAX_SESSION_TOKENS} session tokens already; revoke one first")
    return create(
        account,
        "session token",
        SESSION_TOKEN_SCOPES,
        holder=person,
        expires_at=now() + timedelta(hours=SESSION_TOKEN_HOURS),
        created_by=person.get_username(),
    )


def check_name_is_free(account: Account, name: str) -> None:
    """Raise ValueError if an active key of the account has this name. Call it within
    `locked_account`, or two keys created at once could get the same name."""
    if active_of(account).filter(name=name).exists():
        raise ValueError("an active key has this name")


def find(text: str) -> ApiKey | None:
    """Return the valid key of this text; None if it is unknown, revoked or expired."""
    key = look_up(text)
    return key if key and is_valid(key) else None


def look_up(text: str) -> ApiKey | None:
    """Return the key of this text, valid or not; None if there is none."""
    prefix = SESSION_PREFIX if text.startswith(SESSION_PREFIX) else PREFIX
    if not has_checksum(text, prefix):
        return None
    # Every request begins with this, and putting a query together would take most of its time.
    query = "SELECT * FROM auditlogs_apikey WHERE digest = %s"
    return next(iter(ApiKey.objects.raw(query, [digest_of(text)])), None)


def is_valid(key: ApiKey) -> bool:
    """Tell whether a key is neither revoked nor expired, and its holder, if it has one, may still
    read the account."""
    if state(key) != "active":
        return False
    return key.holder is None or key.holder.has_perm(PERMISSION_TO_READ, key.account)


def state(key: ApiKey) -> KeyState:
    """Return the state of a key; an active session token is not valid if its holder lost access."""
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.expires_at is not None and key.expires_at <= now() else "active"


def by_public_id(text: str) -> ApiKey | None:
    """Return the key of a public id (`key_7`), valid or not; None if there is none."""
    number = number_of(text)
    if number is None:
        return None
    return ApiKey.objects.select_related("account", "holder").filter(pk=number).first()


def number_of(text: str) -> int | None:
    """Return the primary key in a public id, None for any other text. Each key has one public id:
    neither a bare number nor one with leading zeros is another."""
    number = to_whole(text.removeprefix(PUBLIC_ID_PREFIX))
    return number if text == f"{PUBLIC_ID_PREFIX}{number}" else None


def of_account(account: Account) -> tuple[list[ApiKey], bool]:
    """Return the first MAX_LISTED API keys of an account, without session tokens, and whether there
    are more. Active keys come first, newer ones before older ones."""
    rank = Case(When(is_active(), then=0), default=1)
    listed = account.api_keys.filter(holder=None).order_by(rank, "-pk")[: MAX_LISTED + 1]
    return list(listed[:MAX_LISTED]), len(listed) > MAX_LISTED


def active_of(account: Account) -> QuerySet[ApiKey]:
    """Return the active API keys of an account, without session tokens."""
    return account.api_keys.filter(is_active(), holder=None)


def session_tokens_of(person: User, account: Account) -> QuerySet[ApiKey]:
    """Return a person's active session tokens for an account, newest first; MAX_SESSION_TOKENS at
    most."""
    return ApiKey.objects.filter(is_active(), holder=person, account=account).order_by("-pk")


def revoke(key: ApiKey) -> bool:
    """Revoke a key; tell whether it was not revoked before."""
    return bool(ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=Now()))


def appears_in(key: ApiKey, body: bytes) -> bool:
    """Tell whether a request's body contains the text of a key."""
    return any(
        digest_of(found.group().decode()) == key.digest for found in KEY_PATTERN.finditer(body)
    )


def mark_exposed(key: ApiKey) -> None:
    """Note that a key's text was found where others may read it; the first time is kept."""
    ApiKey.objects.filter(pk=key.pk, exposed_at=None).update(exposed_at=now())


def revoke_tokens_of(person: User) -> None:
    """Revoke a person's session tokens in all accounts."""
    ApiKey.objects.filter(holder=person, revoked_at=None).update(revoked_at=Now())


def learn_agent(key: ApiKey) -> bool:
    """Look up the actor of a key's bot, if the key has none yet; tell whether one was found.

    A bot's actor id is known once the agent has acted for the first time. Raises StorageError.
    """
    if key.bot is None or key.agent not in (None, key.bot):
        return False
    agent = dictionary.agent_of(key.account_id, key.bot)
    if agent in (None, key.bot):
        return False
    key.agent = agent
    key.save(update_fields=["agent"])
    return True


def record_use(key: ApiKey | AgentKey) -> None:
    """Keep the time of a key's last use. A failure to do so does not fail the request."""
    moment = now()
    if key.last_used_at is not None and moment - key.last_used_at < USE_IS_NEW_AFTER:
        return
    try:
        type(key).objects.filter(pk=key.pk).update(last_used_at=moment)
    except DatabaseError:
        logger.warning("The last use of %s could not be kept.", key.public_id, exc_info=True)


def is_active() -> Q:
    """Return the condition on keys that are neither revoked nor expired."""
    return Q(revoked_at=None) & (Q(expires_at=None) | Q(expires_at__gt=now()))


def new_text(prefix: str) -> str:
    """Return the text of a new key."""
    random = "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))
    return f"{prefix}{random}{_checksum(random)}"


def has_checksum(text: str, prefix: str) -> bool:
    """Tell whether a text has the form of a key. The checksum rejects mistyped and most made-up
    keys without a query."""
    suffix = text.removeprefix(prefix)
    random, checksum = suffix[:RANDOM_LENGTH], suffix[RANDOM_LENGTH:]
    return suffix != text and _checksum(random) == checksum


def digest_of(text: str) -> str:
    """Return what is stored of a key's text."""
    # A slow hash protects passwords that can be guessed; 178 random bits cannot.
    return hashlib.sha256(text.encode()).hexdigest()


def _checksum(random: str) -> str:
    """Return the CRC-32 of the random part in base 62. Secret scanners use it to recognise keys
    without asking the server, as with GitHub's tokens."""
    number, digits = zlib.crc32(random.encode()), ""
    for _ in range(CHECKSUM_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits
