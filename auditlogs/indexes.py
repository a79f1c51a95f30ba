"""The indexes: each serves the lists of one equality, and ends with `_id`, the order in time."""

from dataclasses import dataclass

from pymongo import ASCENDING, IndexModel
from pymongo.errors import OperationFailure

from auditlogs import storage
from auditlogs.retention import retention_days
from auditlogs.storage import Document
from auditlogs.times import DAY_MS, HOUR_MS

RETENTION_INDEX = "retention"


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
    Lead("tokens", 24 * HOUR_MS),
    Lead("action", 12 * HOUR_MS),
    Lead("result", 12 * HOUR_MS),
    Lead("actionType", 12 * HOUR_MS),
)
# Where no equality leads, the account alone does.
ACCOUNT_LEAD = Lead("account", 6 * HOUR_MS)


def ensure_indexes() -> list[str]:
    """Make the indexes that are missing and set the TTL to the retention; return what was done.

    Needs the right to make indexes and to run collMod, which the web process does not need.
    """
    entries = storage.entries()
    done = entries.create_indexes([_list_index(ACCOUNT_LEAD), *map(_list_index, LEADS)])
    done.append(_ensure_retention())
    done += storage.dictionary().create_indexes(
        [
            # MongoDB reads a range of `_id` by the index it always has; the embedded engine reads
            # the whole collection, unless there is one like this.
            IndexModel([("_id", 1), ("week", 1)], name="by_order"),
            IndexModel([("named", 1)], name="by_id"),
            IndexModel([("until", 1)], name="until", expireAfterSeconds=0),
        ]
    )
    return done


def _list_index(lead: Lead) -> IndexModel:
    fields = dict.fromkeys(("account", lead.path, "_id"), ASCENDING)
    return IndexModel(list(fields.items()), name=lead.index)


def _ensure_retention() -> str:
    """Make the TTL index, or change it in place when the retention has changed."""
    entries = storage.entries()
    seconds = retention_days() * DAY_MS // 1000
    existing: Document | None = entries.index_information().get(RETENTION_INDEX)
    if existing is None:
        entries.create_index(
            [("timestamp", ASCENDING)], name=RETENTION_INDEX, expireAfterSeconds=seconds
        )
    elif existing.get("expireAfterSeconds") != seconds:
        _change_retention(seconds)
    return f"{RETENTION_INDEX} ({retention_days()} days)"


def _change_retention(seconds: int) -> None:
    index = {"name": RETENTION_INDEX, "expireAfterSeconds": seconds}
    try:
        storage.database().command("collMod", storage.ENTRIES, index=index)
    except OperationFailure as error:
        raise storage.StorageError(
            f"The database would not change how long entries are kept: {error.details}"
        ) from error
