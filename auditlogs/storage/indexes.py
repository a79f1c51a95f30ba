"""The indexes: each that serves the lists of one equality ends with `_id`, the order in time."""

from dataclasses import dataclass

from pymongo import ASCENDING, IndexModel
from pymongo.collection import Collection
from pymongo.errors import OperationFailure

from auditlogs.entry.times import DAY_MS, HOUR_MS
from auditlogs.storage import mongo
from auditlogs.storage.mongo import Document
from auditlogs.storage.retention import DAYS_ARE, is_retention, retention_days

RETENTION_INDEX = "retention"
# How long an idempotency key stands for the entries that came with it.
KEY_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Lead:
    """A field whose equality can lead a query, and how wide its first slice of time is.

    `first_slice_ms` is None where so few entries share a value that they are read at once.
    """

    path: str
    first_slice_ms: int | None

    @property
    def index(self) -> str:
        """Return the name of the index that serves this lead."""
        return f"by_{self.path.replace('.', '_')}"


# From the most selective to the least: a query is led by the first that it has.
LEADS = (
    Lead("requestId", None),
    Lead("correlationId", None),
    Lead("sessionId", None),
    Lead("target.id", 4 * 24 * HOUR_MS),
    Lead("actorKey", 24 * HOUR_MS),
    Lead("actor.id", 24 * HOUR_MS),
    Lead("botId", 24 * HOUR_MS),
    Lead("assertedBy", 24 * HOUR_MS),
    Lead("tokens", 24 * HOUR_MS),
    Lead("action", 48 * HOUR_MS),
    Lead("result", 12 * HOUR_MS),
    Lead("actionType", 12 * HOUR_MS),
)
# Where no equality leads, the account alone does.
ACCOUNT_LEAD = Lead("account", 6 * HOUR_MS)


def ensure_indexes() -> list[str]:
    """Make the indexes that are missing and set the TTL to the retention; return what was done.

    Needs the right to make indexes and to run collMod, which the web process does not need. Raises
    StorageError for a retention that cannot be, before anything is done.
    """
    if not is_retention(retention_days()):
        raise mongo.StorageError(f"AUDITLOGS_RETENTION_DAYS is wrong: {DAYS_ARE}.")
    entries, notes, counters = mongo.entries(), mongo.dictionary(), mongo.counters()
    done = entries.create_indexes([_list_index(ACCOUNT_LEAD), *map(_list_index, LEADS)])
    # With the account in it, what has arrived is read from the index alone.
    arrival = [("recordedAt", ASCENDING), ("_id", ASCENDING), ("account", ASCENDING)]
    done += entries.create_indexes([IndexModel(arrival, name="by_arrival")])
    done += notes.create_indexes(
        [
            # MongoDB reads a range of `_id` by the index it always has; the embedded engine reads
            # the whole collection, unless there is one like this.
            IndexModel([("_id", ASCENDING), ("week", ASCENDING)], name="by_order"),
            IndexModel([("named", ASCENDING), ("since", ASCENDING)], name="by_named"),
        ]
    )
    span = [("account", ASCENDING), ("kind", ASCENDING), ("start", ASCENDING)]
    done += counters.create_indexes([IndexModel(span, name="by_span")])
    seconds = retention_days() * DAY_MS // 1000
    _ensure_expiry(entries, "timestamp", seconds)
    _ensure_expiry(notes, "weekEnd", seconds)
    _ensure_expiry(counters, "end", seconds)
    _ensure_expiry(mongo.idempotency(), "firstAt", KEY_SECONDS)
    return [*done, f"{RETENTION_INDEX} ({retention_days()} days)"]


def _list_index(lead: Lead) -> IndexModel:
    fields = dict.fromkeys(("account", lead.path, "_id"), ASCENDING)
    return IndexModel(list(fields.items()), name=lead.index)


def _ensure_expiry(collection: Collection[Document], field: str, seconds: int) -> None:
    """Make the TTL index, or change it in place when the time has changed."""
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
            f"The database would not change how long entries are kept: {error.details}"
        ) from error
