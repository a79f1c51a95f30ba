"""API keys: made, recognised, and looked up. The text of a key is never stored."""

import hashlib
import secrets
import string
import zlib

from auditlogs.models import Account, ApiKey

PREFIX = "aud_"
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
RANDOM_LENGTH = 30
CHECKSUM_LENGTH = 6
LENGTH = len(PREFIX) + RANDOM_LENGTH + CHECKSUM_LENGTH

SCOPES = {"logs:read": "Read entries of the account."}


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
    """Return the key of this text, or None. A mistyped one is told without asking the database."""
    random, checksum = text[len(PREFIX) : -CHECKSUM_LENGTH], text[-CHECKSUM_LENGTH:]
    if len(text) != LENGTH or not text.startswith(PREFIX) or _checksum(random) != checksum:
        return None
    return ApiKey.objects.select_related("account").filter(digest=_digest(text)).first()


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
