"""An entry with its explanation, as the API answers with it."""

from typing import Self

from msgspec import structs

from auditlogs.entry.schema import Entry
from auditlogs.explain.explanation import Explanation
from auditlogs.explain.failures import explain
from auditlogs.query.entries import Entries


class ExplainedEntry(Entry, frozen=True, kw_only=True, rename="camel"):
    """An entry, and why it failed; the explanation of one that did not fail is null."""

    explanation: Explanation | None

    @classmethod
    def of(cls, entry: Entry, entries: Entries) -> Self:
        """Explain an entry to a reader of these entries."""
        fields = structs.asdict(entry)
        return cls(**fields, explanation=explain(entry, entries))
