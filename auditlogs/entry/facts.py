"""Facts: what of a payload can be asked for, kept beside it, as the payload is stored as text."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from auditlogs.entry.schema import Entry

# A longer text is none: no filter takes it either.
FACT_LENGTH = 256
# The facts, each with the payload's keys that hold it.
FACTS = {
    "key": ("keyName", "keyId"),
    "tool": ("tool",),
    "code": ("code",),
    "requiredScope": ("requiredScope",),
    "provider": ("provider",),
    "orderId": ("orderId",),
}


def facts_of(payload: Mapping[str, Any] | None) -> dict[str, list[str]]:
    """Return the facts in a redacted payload, without those that it does not have.

    Each is a list, as a key may be named by its name and by its id. Numbers become text.
    """
    found: dict[str, list[str]] = {}
    for fact, keys in FACTS.items():
        values = [text for key in keys if payload and (text := _text(payload.get(key)))]
        if values:
            found[fact] = values
    return found


def principals_of(entry: Entry) -> list[str]:
    """Return the ids of those who acted: the actor and its chain of principals, each once."""
    return list(dict.fromkeys([entry.actor.id, *(each.id for each in entry.on_behalf_of or ())]))


def _text(value: Any) -> str:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        value = str(value)
    return value if isinstance(value, str) and len(value) <= FACT_LENGTH else ""
