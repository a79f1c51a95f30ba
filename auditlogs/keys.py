"""API keys: made, recognised, looked up, revoked. The text of a key is never stored."""

import hashlib
import secrets
import string
import zlib

from django.db.models.functions import Now

from auditlogs.models import PUBLIC_ID_PREFIX, Account, ApiKey

PREFIX = "aud_"
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
RANDOM_LENGTH = 30
CHECKSUM_LENGTH = 6
LENGTH = len(PREFIX) + RANDOM_LENGTH + CHECKSUM_LENGTH

SCOPES = {
    "logs:read": "Read entries of the account.",
    "logs:write": "Write entries of the account, in the name of any actor.",
}


def create(account: Account, name: str, scopes: list[str]) -> str:
    """Make an API key and return its text, which cannot be had again.

    Raises ValueError for a scope that does not exist.
    """
    if unknown := sorted(set(scopes) - SCOPES.keys()):
        raise ValueError(f"no such scope: {', '.join(unknown)}; there is {', '.join(SCOPES)}")
    random = "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))
    text = f"{PREFIX}{random}{_checksum(random)}"
    ApiKey.objects.create(
        account=account, name=name, digest=_digest(text), scopes=sorted(set(scopes))
    )
    return text


def find(text: str) -> ApiKey | None:
    """Return the key of this text, or None if it opens nothing, or no longer. A mistyped one is
    told without asking the database."""
    return _find(text, is_revoked=False)


def find_revoked(text: str) -> ApiKey | None:
    """Return the key that this text was before it was revoked, or None."""
    return _find(text, is_revoked=True)


def by_public_id(text: str) -> ApiKey | None:
    """Return the key that entries and commands call so, revoked or not, or None."""
    number = text.removeprefix(PUBLIC_ID_PREFIX)
    if f"{PUBLIC_ID_PREFIX}{number}" != text or not number.isdecimal():
        return None
    return ApiKey.objects.select_related("account").filter(pk=number).first()


def revoke(key: ApiKey) -> bool:
    """Let a key open nothing from now on. Tell whether it did until now."""
    return bool(ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=Now()))


def _find(text: str, *, is_revoked: bool) -> ApiKey | None:
    random, checksum = text[len(PREFIX) : -CHECKSUM_LENGTH], text[-CHECKSUM_LENGTH:]
    if len(text) != LENGTH or not text.startswith(PREFIX) or _checksum(random) != checksum:
        return None
    known = ApiKey.objects.select_related("account").filter(digest=_digest(text))
    return known.filter(revoked_at__isnull=not is_revoked).first()


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
