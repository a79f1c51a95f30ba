"""The fields of an entry while a form is made of it: what is taken leaves, the rest is kept.

So no value is lost silently: what a form has no place for stays behind, and the form carries it in
its place for such things.
"""

import ipaddress
import re
from decimal import Decimal
from typing import Any

import msgspec

from auditlogs.entry.schema import Entry

JsonObject = dict[str, Any]
# The largest integer of 64 bits, which is what the forms' integers hold.
MAX_INTEGER = (1 << 63) - 1
_AS_SENT = frozenset({"data", "payload"})
_TRACE_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Fields:
    """The JSON form of an entry, from which values are taken by path, such as `actor.id`."""

    def __init__(self, entry: Entry) -> None:
        self._values: JsonObject = msgspec.to_builtins(entry, builtin_types=(Decimal,))

    def get(self, path: str) -> Any:
        """Return a value and leave it; None where there is none."""
        value: Any = self._values
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        return value

    def take(self, path: str) -> Any:
        """Return a value and remove it; None where there is none."""
        value = self.get(path)
        parent, _, name = path.rpartition(".")
        holder = self.get(parent) if parent else self._values
        if isinstance(holder, dict):
            holder.pop(name, None)
        return value

    def take_text(self, path: str) -> str | None:
        """Return a text and remove it; a value of another type stays."""
        return self.take(path) if isinstance(self.get(path), str) else None

    def take_texts(self, path: str) -> list[str]:
        """Return a list of texts and remove it; anything else stays."""
        value = self.get(path)
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return self.take(path) or []
        return []

    def take_ip(self) -> str | None:
        """Return `sourceIp` and remove it if it is an address without a zone, else leave it: it is
        what a writer says, and may be any text."""
        try:
            address = ipaddress.ip_address(self.get("sourceIp") or "")
        except ValueError:
            return None
        return None if "%" in str(address) else self.take("sourceIp")

    def take_duration(self, per_millisecond: int) -> int | None:
        """Return `duration` in whole parts of a millisecond, at most `MAX_INTEGER`. It is removed
        only where that is exact."""
        duration = self.get("duration")
        if duration is None:
            return None
        exact = Decimal(repr(duration)) * per_millisecond
        if exact > MAX_INTEGER:
            return None
        whole = int(exact)
        if whole == exact:
            self.take("duration")
        return whole

    def trace_id(self) -> str | None:
        """Return the correlation ID as a W3C trace ID, 32 hexadecimal digits, if it is a UUID."""
        text = self.get("correlationId") or ""
        return text.replace("-", "") if _TRACE_ID.fullmatch(text) else None

    def all(self) -> JsonObject:
        """Return what has not been taken."""
        return self._values

    def rest(self) -> JsonObject:
        """Return what has not been taken, without what is null or empty."""
        return without_empty(self._values)


def without_empty(values: JsonObject) -> JsonObject:
    """Return an object without members that are null, or empty objects and lists, at any depth of
    objects. What a writer sent in `payload`, or as arguments in `data`, is kept as it is."""
    kept: JsonObject = {}
    for name, value in values.items():
        clean = isinstance(value, dict) and name not in _AS_SENT
        item = without_empty(value) if clean else value
        if item not in (None, {}, []):
            kept[name] = item
    return kept
