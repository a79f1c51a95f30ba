"""Entry ids: account, writer's id and timestamp in one time-ordered UUID."""

import hashlib
import secrets
import uuid

from auditlogs.entry.times import MAX_MS

UUID_VERSION = 8
UUID_VARIANT = 0b10


def entry_id(account: str, writer_id: str, ms: int) -> uuid.UUID:
    """Return the entry's `_id`: a UUIDv8 (RFC 9562) that sorts by the entry's timestamp.

    The first 48 bits are `ms`, milliseconds since the epoch; the rest is SHA-256 over account and
    writer's id. So a retry has the same key, and no account can claim another's id. Raises
    ValueError for a time outside 48 bits.
    """
    if not 0 <= ms <= MAX_MS:
        raise ValueError("ms must fit into 48 bits")
    # Without the length, ("a", "bc") and ("ab", "c") would hash alike.
    digest = hashlib.sha256(f"{len(account)}:{account}{writer_id}".encode()).digest()
    tail = int.from_bytes(digest[:10])
    value = ms << 80 | tail
    value = value & ~(0xF << 76) | UUID_VERSION << 76
    value = value & ~(0b11 << 62) | UUID_VARIANT << 62
    return uuid.UUID(int=value)


def id_bound(ms: int) -> uuid.UUID:
    """Return the lowest `_id` of this millisecond, in milliseconds since the epoch: the bound of a
    range of time."""
    return uuid.UUID(int=max(0, min(ms, MAX_MS)) << 80)


def id_ms(entry_id: uuid.UUID) -> int:
    """Return the timestamp of an `_id` in milliseconds since the epoch."""
    return entry_id.int >> 80


def parse_id(text: str) -> uuid.UUID | None:
    """Return the UUID of a hyphenated text, or None for any other text."""
    try:
        value = uuid.UUID(text)
    except ValueError:
        return None
    # `UUID` also reads braces, `urn:uuid:` and missing hyphens; an entry has one address.
    return value if str(value) == text.lower() else None


def uuid7_ms(writer_id: str) -> int | None:
    """Return the timestamp of a UUIDv7 in milliseconds since the epoch, None for any other text."""
    value = parse_id(writer_id)
    return id_ms(value) if value is not None and value.version == 7 else None


def uuid7(ms: int) -> uuid.UUID:
    """Return a new UUIDv7 (RFC 9562) of a time in milliseconds since the epoch."""
    value = ms << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0b11 << 62) | UUID_VARIANT << 62
    return uuid.UUID(int=value)
