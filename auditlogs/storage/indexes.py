"""The indexes. Each list index is (account, one field, `_id`): because `_id` is ordered by time, it
serves an equality on the field, a time range and the sort by time in one range of one index."""

from collections.abc import Callable
from dataclasses import dataclass

from pymongo import ASCENDING
from pymongo.collection import Collection
from pymongo.errors import OperationFailure

from auditlogs.entry.times import DAY_MS, HOUR_MS
from auditlogs.storage import mongo
from auditlogs.storage.mongo import Document
from auditlogs.storage.retention import DAYS_ARE, is_retention, retention_days

RETENTION_INDEX = "retention"
# The order of arrival, of all accounts and of each.
ARRIVAL_INDEX, ACCOUNT_ARRIVAL_INDEX = "by_arrival", "by_account_arrival"
# How long a repeated request with the same idempotency key gets the first answer.
KEY_SECONDS = 24 * 3600
FACTS = "facts"


@dataclass(frozen=True, slots=True)
class LeadingFilter:
    """A filter that can go into a query's first `$match`, because an index serves it.

    `first_slice_ms` is the width of the first slice of time that is read; None where so few
    entries share a value that the whole window is read at once. A path such as `facts.tool` is
    that of a fact.
    """

    path: str
    first_slice_ms: int | None

    @property
    def field(self) -> str:
        """The stored field: all facts are in one, an array, whose index serves each of them."""
        return FACTS if self.path.startswith(f"{FACTS}.") else self.path

    @property
    def index(self) -> str:
        return f"by_{self.field.replace('.', '_')}"


# From the most selective to the least. A query uses the index of the first one it has, so that it
# reads as few index keys as possible.
LEADING_FILTERS = (
    LeadingFilter("writerId", None),
    LeadingFilter("requestId", None),
    LeadingFilter("facts.approval", None),
    LeadingFilter("correlationId", None),
    LeadingFilter("facts.orderId", None),
    LeadingFilter("sessionId", None),
    LeadingFilter("facts.runId", 4 * 24 * HOUR_MS),
    LeadingFilter("target.id", 4 * 24 * HOUR_MS),
    LeadingFilter("facts.code", 4 * 24 * HOUR_MS),
    LeadingFilter("actorKey", 24 * HOUR_MS),
    LeadingFilter("actor.id", 24 * HOUR_MS),
    LeadingFilter("facts.principal", 24 * HOUR_MS),
    LeadingFilter("facts.key", 24 * HOUR_MS),
    LeadingFilter("facts.sourceIp", 24 * HOUR_MS),
    LeadingFilter("botId", 24 * HOUR_MS),
    LeadingFilter("assertedBy", 24 * HOUR_MS),
    LeadingFilter("facts.tool", 24 * HOUR_MS),
    LeadingFilter("facts.requiredScope", 24 * HOUR_MS),
    LeadingFilter("facts.policy", 24 * HOUR_MS),
    LeadingFilter("facts.reason", 24 * HOUR_MS),
    LeadingFilter("facts.provider", 24 * HOUR_MS),
    LeadingFilter("facts.client", 24 * HOUR_MS),
    LeadingFilter("facts.decision", 24 * HOUR_MS),
    LeadingFilter("tokens", 24 * HOUR_MS),
    LeadingFilter("action", 48 * HOUR_MS),
    LeadingFilter("result", 12 * HOUR_MS),
    LeadingFilter("actionType", 12 * HOUR_MS),
)
# For a query without any of these filters.
ACCOUNT_FILTER = LeadingFilter("account", 6 * HOUR_MS)


@dataclass(frozen=True, slots=True)
class Index:
    """An index of a collection: its name, its fields, and the seconds after which it removes a
    document, for a TTL index."""

    collection: str
    name: str
    fields: tuple[str, ...]
    expire_seconds: int | None = None

    def __str__(self) -> str:
        return f"{self.collection}: {self.name}"


def indexes() -> list[Index]:
    """Return all indexes, in the order in which they are made."""
    kept_seconds = retention_days() * DAY_MS // 1000
    by_field = [
        Index(mongo.ENTRIES, each.index, tuple(dict.fromkeys(("account", each.field, "_id"))))
        for each in (ACCOUNT_FILTER, *LEADING_FILTERS)
    ]
    return [
        # All facts share one.
        *dict.fromkeys(by_field),
        # The account is included so that the worker reads arrivals from the index alone.
        Index(mongo.ENTRIES, ARRIVAL_INDEX, ("recordedAt", "_id", "account")),
        Index(mongo.ENTRIES, ACCOUNT_ARRIVAL_INDEX, ("account", "recordedAt", "_id")),
        # SecantusDB scans the whole collection for a range of `_id`; it needs an index of its own.
        # MongoDB would use the built-in index on `_id`.
        Index(mongo.DICTIONARY, "by_order", ("_id", "week")),
        Index(mongo.DICTIONARY, "by_named", ("named", "since")),
        Index(mongo.ACTORS, "by_value", ("account", "value")),
        Index(mongo.ACTORS, "by_word", ("account", "words")),
        Index(mongo.COUNTERS, "by_span", ("account", "kind", "start")),
        # Before that of the entries, so that these never outlive the notes that find them: where
        # the retention becomes shorter, queries leave older entries out at once.
        Index(mongo.DICTIONARY, RETENTION_INDEX, ("weekEnd",), kept_seconds),
        Index(mongo.ENTRIES, RETENTION_INDEX, ("timestamp",), kept_seconds),
        Index(mongo.ACTORS, RETENTION_INDEX, ("weekEnd",), kept_seconds),
        Index(mongo.COUNTERS, RETENTION_INDEX, ("end",), kept_seconds),
        Index(mongo.IDEMPOTENCY, RETENTION_INDEX, ("firstAt",), KEY_SECONDS),
    ]


def ensure_indexes(begin: Callable[[Index], None] = lambda index: None) -> None:
    """Create missing indexes and set the TTL to the retention, one index after another; call
    `begin` before each. An index that exists costs nothing, so this can be interrupted and run
    again. Entries can be written and read meanwhile.

    Needs the privileges createIndex, listIndexes and collMod, which the web process does not have.
    Raises StorageError for an invalid retention, before anything is changed.
    """
    if not is_retention(retention_days()):
        raise mongo.StorageError(f"AUDITLOGS_RETENTION_DAYS is wrong: {DAYS_ARE}.")
    for index in indexes():
        begin(index)
        collection = mongo.database()[index.collection]
        if index.expire_seconds is not None:
            _ensure_expiry(collection, index.fields[0], index.expire_seconds)
        else:
            collection.create_index([(each, ASCENDING) for each in index.fields], name=index.name)


def retention_in_effect() -> int | None:
    """Return the days after which the database removes entries now; None if it does not yet."""
    index: Document | None = mongo.entries().index_information().get(RETENTION_INDEX)
    seconds = (index or {}).get("expireAfterSeconds")
    return None if seconds is None else int(seconds) * 1000 // DAY_MS


def _ensure_expiry(collection: Collection[Document], field: str, seconds: int) -> None:
    """Create the TTL index, or change it in place: dropping it would need one more privilege."""
    existing: Document | None = collection.index_information().get(RETENTION_INDEX)
    if existing is None:
        collection.create_index(
            [(field, ASCENDING)], name=RETENTION_INDEX, expireAfterSeconds=seconds
        )
    elif existing.get("expireAfterSeconds") != seconds:
        _change_expiry(collection, seconds)


def _change_expiry(collection: Collection[Document], seconds: int) -> None:
    index = {"name": RETENTION_INDEX, "expireAfterSeconds": seconds}
    try:
        mongo.database().command("collMod", collection.name, index=index)
    except OperationFailure as error:
        raise mongo.StorageError(
            f"The database did not change the retention: {error.details}"
        ) from error
