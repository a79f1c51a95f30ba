"""The identity of an entry: (account, the writer's id, timestamp), in one time-ordered UUID."""

import hashlib
import secrets
import uuid

from auditlogs.entry.times import MAX_MS

UUID_VERSION = 8
UUID_VARIANT = 0b10


def entry_id(account: str, writer_id: str, ms: int) -> uuid.UUID:
    """Return the entry's `_id`: a UUID of version 8 (RFC 9562) that sorts by the entry's time.

    48 bits of `ms`, milliseconds since the epoch, then bits of SHA-256 over account and
    writer's id. So a retry hits the same key, and nobody can claim another account's id.
    """
    if not 0 <= ms <= MAX_MS:
        raise ValueError("the time does not fit into 48 bits")
    # The length keeps ("a", "bc") and ("ab", "c") apart.
    digest = hashlib.sha256(f"{len(account)}:{account}{writer_id}".encode()).digest()
    tail = int.from_bytes(digest[:10])
    value = ms << 80 | tail
    value = value & ~(0xF << 76) | UUID_VERSION << 76
    value = value & ~(0b11 << 62) | UUID_VARIANT << 62
    return uuid.UUID(int=value)


def id_bound(ms: int) -> uuid.UUID:
    """Return the lowest `_id` that an entry of this millisecond, or a later one, can have."""
    return uuid.UUID(int=max(0, min(ms, MAX_MS)) << 80)


def id_ms(entry_id: uuid.UUID) -> int:
    """Return the milliseconds since the epoch that lead an `_id`."""
    return entry_id.int >> 80


def parse_id(text: str) -> uuid.UUID | None:
    """Return the `_id` that a hyphenated UUID names, or None for any other text."""
    try:
        value = uuid.UUID(text)
    except ValueError:
        return None
    return value if str(value) == text.lower() else None


def uuid7_ms(writer_id: str) -> int | None:
    """Return the milliseconds since the epoch in a writer's id that is a UUIDv7, else None."""
    value = parse_id(writer_id)
    return id_ms(value) if value is not None and value.version == 7 else None


def uuid7(ms: int) -> uuid.UUID:
    """Return a new UUID of version 7 (RFC 9562) for this time, in milliseconds since the epoch."""
    value = ms << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0b11 << 62) | UUID_VARIANT << 62
    return uuid.UUID(int=value)
