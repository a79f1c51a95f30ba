"""API keys and session tokens: made, recognised, looked up, ended. Their text is never stored."""

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

from auditlogs.entry.schema import ID_LENGTH
from auditlogs.entry.times import now
from auditlogs.models import (
    KEY_NAME_LENGTH,
    PERMISSION_TO_READ,
    PUBLIC_ID_PREFIX,
    Account,
    ApiKey,
)
from auditlogs.recording.policy import check_text
from auditlogs.storage import dictionary

PREFIX, SESSION_PREFIX = "aud_", "auds_"
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
RANDOM_LENGTH = 30
CHECKSUM_LENGTH = 6
# The text of a key stands the same in JSON, in URLs and in code: nothing of it needs an escape.
KEY_PATTERN = re.compile(
    rf"(?:{PREFIX}|{SESSION_PREFIX})[0-9A-Za-z]{{{RANDOM_LENGTH + CHECKSUM_LENGTH}}}".encode()
)
# How much of a key's text tells it from others at a glance, and opens nothing.
BEGINNING, ENDING = 8, 4

SCOPES = {
    "logs:read": "Read entries of the account.",
    "logs:export": "Export entries of the account. There are no exports yet.",
    "logs:write": "Write entries of the account, in the name of any actor.",
}
SESSION_TOKEN_SCOPES = ["logs:read", "logs:export"]
SESSION_TOKEN_HOURS = 12
# Of the number by which a key is called.
MAX_DIGITS = 19
# How many session tokens a person may have in an account at a time.
MAX_SESSION_TOKENS = 10
MAX_LISTED = 200
# A key's last use is told to the minute.
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
    """Make an API key and return its text, which cannot be had again.

    With a `bot` it reads that bot's entries alone, and writes as that bot alone, or as `agent`,
    the actor that the log knows for it. With a `holder` it is a session token, which opens what
    that person may see. `created_by` is for people to read. Raises ValueError for a scope that
    does not exist, a name or bot that cannot be one, and a time of expiry that is over.
    """
    if unknown := sorted(set(scopes) - SCOPES.keys()):
        raise ValueError(f"no such scope: {', '.join(unknown)}; there is {', '.join(SCOPES)}")
    check_text("the name", name, KEY_NAME_LENGTH)
    if bot is not None:
        check_text("the bot", bot, ID_LENGTH)
    if expires_at is not None and expires_at <= now():
        raise ValueError("the time of expiry is over already")
    prefix = PREFIX if holder is None else SESSION_PREFIX
    random = "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))
    text = f"{prefix}{random}{_checksum(random)}"
    ApiKey.objects.create(
        account=account,
        name=name,
        digest=_digest(text),
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
    """Make a session token, by which a person reads an account through the API for some hours, and
    return its text, which cannot be had again.

    Raises ValueError when they have as many as they may have at a time.
    """
    if session_tokens_of(person, account).count() >= MAX_SESSION_TOKENS:
        raise ValueError(f"there are {MAX_SESSION_TOKENS} session tokens already; end one first")
    return create(
        account,
        "session token",
        SESSION_TOKEN_SCOPES,
        holder=person,
        expires_at=now() + timedelta(hours=SESSION_TOKEN_HOURS),
        created_by=person.get_username(),
    )


def check_name_is_free(account: Account, name: str) -> None:
    """Raise ValueError where an active key of the account has this name, by which people tell
    them apart. It is asked within a change of the account."""
    if active_of(account).filter(name=name).exists():
        raise ValueError("an active key has this name")


def find(text: str) -> ApiKey | None:
    """Return the key of this text, or None if it opens nothing, or no longer. A mistyped one is
    told without asking the database."""
    key = look_up(text)
    return key if key and is_valid(key) else None


def look_up(text: str) -> ApiKey | None:
    """Return the key of this text, whether or not it still opens anything, or None. A mistyped one
    is told without asking the database."""
    prefix = SESSION_PREFIX if text.startswith(SESSION_PREFIX) else PREFIX
    bare = text.removeprefix(prefix)
    random, checksum = bare[:RANDOM_LENGTH], bare[RANDOM_LENGTH:]
    if bare == text or _checksum(random) != checksum:
        return None
    known = ApiKey.objects.select_related("account", "holder")
    return known.filter(digest=_digest(text)).first()


def is_valid(key: ApiKey) -> bool:
    """Tell whether a key opens anything now: neither revoked nor expired, and its holder, if it has
    one, may still read the account."""
    if state(key) != "active":
        return False
    return key.holder is None or key.holder.has_perm(PERMISSION_TO_READ, key.account)


def state(key: ApiKey) -> KeyState:
    """Return what became of a key."""
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.expires_at is not None and key.expires_at <= now() else "active"


def by_public_id(text: str) -> ApiKey | None:
    """Return the key that entries and commands call so, revoked or not, or None."""
    number = text.removeprefix(PUBLIC_ID_PREFIX)
    if f"{PUBLIC_ID_PREFIX}{number}" != text or not number.isdecimal() or len(number) > MAX_DIGITS:
        return None
    return ApiKey.objects.select_related("account", "holder").filter(pk=number).first()


def of_account(account: Account) -> tuple[list[ApiKey], bool]:
    """Return the API keys of an account, without session tokens: active ones first, then newest
    first; and whether there are more than are returned."""
    rank = Case(When(_is_active(), then=0), default=1)
    found = account.api_keys.filter(holder=None).order_by(rank, "-pk")[: MAX_LISTED + 1]
    return list(found[:MAX_LISTED]), len(found) > MAX_LISTED


def active_of(account: Account) -> QuerySet[ApiKey]:
    """Return the API keys of an account that are active, without session tokens."""
    return account.api_keys.filter(_is_active(), holder=None)


def session_tokens_of(person: User, account: Account) -> QuerySet[ApiKey]:
    """Return the session tokens of a person in an account that are active, newest first: up to
    MAX_SESSION_TOKENS."""
    return ApiKey.objects.filter(_is_active(), holder=person, account=account).order_by("-pk")


def revoke(key: ApiKey) -> bool:
    """Let a key open nothing from now on. Tell whether it did until now."""
    return bool(ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=Now()))


def appears_in(key: ApiKey, body: bytes) -> bool:
    """Tell whether a body holds the text of a key."""
    return any(
        _digest(found.group().decode()) == key.digest for found in KEY_PATTERN.finditer(body)
    )


def mark_exposed(key: ApiKey) -> None:
    """Keep that a key was found where it may be read; the first time stays."""
    ApiKey.objects.filter(pk=key.pk, exposed_at=None).update(exposed_at=now())


def revoke_tokens_of(person: User) -> None:
    """Let no session token of a person open anything from now on, in whatever account."""
    ApiKey.objects.filter(holder=person, revoked_at=None).update(revoked_at=Now())


def learn_agent(key: ApiKey) -> bool:
    """Keep the actor by which the log knows the bot of a key that knew none; tell whether there was
    one to learn. Raises StorageError."""
    if key.bot is None or key.agent not in (None, key.bot):
        return False
    agent = dictionary.agent_of(key.account_id, key.bot)
    if agent in (None, key.bot):
        return False
    key.agent = agent
    key.save(update_fields=["agent"])
    return True


def record_use(key: ApiKey) -> None:
    """Keep when a key was used, to the minute. That it cannot be kept fails nothing."""
    moment = now()
    if key.last_used_at is not None and moment - key.last_used_at < USE_IS_NEW_AFTER:
        return
    try:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=moment)
    except DatabaseError:
        logger.warning("When %s was used could not be kept.", key.public_id, exc_info=True)


def _is_active() -> Q:
    return Q(revoked_at=None) & (Q(expires_at=None) | Q(expires_at__gt=now()))


def _digest(text: str) -> str:
    # 178 random bits cannot be guessed, so a slow hash would protect nothing.
    return hashlib.sha256(text.encode()).hexdigest()


def _checksum(random: str) -> str:
    """Return the CRC-32 of the random part in base 62, as secret scanners can check it offline."""
    number, digits = zlib.crc32(random.encode()), ""
    for _ in range(CHECKSUM_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits
