"""What recording and counting cost, each beside the bare call that moves the same documents."""

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import msgspec

from auditlogs.counters.counting import Counting
from auditlogs.entry.identity import id_bound
from auditlogs.entry.schema import Entry, NewEntry
from auditlogs.entry.times import now, to_ms
from auditlogs.intake.fields import to_plain
from auditlogs.recording.policy import check, complete
from auditlogs.recording.recorder import record_many
from auditlogs.storage import counts, mongo
from auditlogs.storage.documents import to_document
from auditlogs.worker import drain_now
from auditlogs.write.spool import spool
from tests.bench.floor import Document, collection_of
from tests.bench.measuring import Row, Work, took
from tests.bench.questions import API
from tests.bench.site import Site

FLOOR_ACCOUNT = "floor"
JSON = {"Content-Type": "application/json"}
# What the database would be asked for instead of the counters.
GROUP = {
    "$group": {
        "_id": {"bot": "$botId", "action": "$action", "actor": "$actorKey", "result": "$result"},
        "entries": {"$sum": 1},
    }
}
MAX_STEPS = 1_000_000
# How many entries arrive between two countings.
ARRIVALS = 100
SPOOL_SECONDS, DRAIN_SECONDS = 30.0, 60.0


@dataclass(frozen=True)
class Writing:
    """The rows that write into an account of their own, of entries that are taken from a source.

    The floor writes into the same collection and so with the same indexes, for another account.
    """

    account: str
    batch: int
    entries: Iterator[NewEntry]
    hub: Site
    write_key: str
    # The calls after which entries were in the spool, as the database took too long.
    spooled: list[str] = field(default_factory=list)

    def rows(self) -> list[Row]:
        record_one = Row("record one", self._recorded(1), self._inserted(1))
        one_http = Row("record one over http", self._posted(1), self._inserted(1))
        size, bare = self.batch, self._inserted(self.batch)
        batch = Row(f"batch {size}", self._recorded(size), bare)
        http = Row(f"batch {size} over http", self._posted(size), bare)
        drained = Row(f"drain {size}", self._drained, bare)
        return [record_one, one_http, batch, http, drained]

    def _take(self, count: int) -> list[NewEntry]:
        return list(itertools.islice(self.entries, count))

    def _recorded(self, count: int) -> Work:
        def work() -> float:
            entries = self._take(count)
            return self._stored(took(lambda: record_many(entries, account=self.account)))

        return work

    def _posted(self, count: int) -> Work:
        headers = {**JSON, "Authorization": f"Bearer {self.write_key}"}

        def work() -> float:
            body = msgspec.json.encode(self._take(count))
            return self._stored(self.hub.ask(API, headers, body))

        return work

    def _inserted(self, count: int) -> Work:
        def work() -> float:
            documents = _documents(self._take(count), FLOOR_ACCOUNT)
            log = collection_of(mongo.ENTRIES).with_options(write_concern=mongo.DURABLE)
            return took(lambda: log.insert_many(documents, ordered=False))

        return work

    def _drained(self) -> float:
        queue = spool()
        waiting = _completed(self._take(self.batch), self.account)
        queue.put([(self.account, each) for each in waiting], SPOOL_SECONDS)
        return took(lambda: drain_now(queue, DRAIN_SECONDS))

    def _stored(self, milliseconds: float) -> float:
        """Return the time of a call, once it is known whether its entries are in the database."""
        if drain_now(spool(), DRAIN_SECONDS):
            self.spooled.append(f"{milliseconds:,.0f} ms")
        return milliseconds


class CountingRows:
    """The rows of a worker that counts: everything at first, then what has arrived since."""

    def __init__(self, account: str, entries: Iterator[NewEntry]) -> None:
        self._worker = Counting()
        self._account, self._entries = account, entries

    def first(self, account: str) -> Row:
        """Return the row of counting all entries at once, as a new worker does."""
        return Row("first counting", lambda: took(self._count), _grouped({"account": account}))

    def next(self) -> Row:
        """Return the row of counting a hundred entries more, once all others are counted."""
        self._count()
        hour = id_bound(to_ms(now() - timedelta(hours=1)))
        recent = {"account": self._account, "_id": {"$gte": hour}}
        return Row("counting", self._count_more, _grouped(recent))

    def settle(self) -> None:
        """Count for good what has arrived until now, as the worker of a Hub has done long before
        most of it is asked for."""
        arrived = now()
        while (progress := counts.progress()) is None or progress.at < arrived:
            time.sleep(1)
            self._worker.step()

    def end(self) -> None:
        self._worker.end()

    def _count_more(self) -> float:
        record_many(list(itertools.islice(self._entries, ARRIVALS)), account=self._account)
        return took(self._count)

    def _count(self) -> None:
        for _ in range(MAX_STEPS):
            self._worker.step()
            if not self._worker.is_behind:
                return
        raise RuntimeError("The worker does not come to an end.")


def _grouped(match: Document) -> Work:
    """Return the floor of counting: the database groups the entries once."""
    log = collection_of(mongo.ENTRIES)
    return lambda: took(lambda: list(log.aggregate([{"$match": match}, GROUP])))


def _documents(entries: list[NewEntry], account: str) -> list[Document]:
    return [to_document(each, account) for each in _completed(entries, account)]


def _completed(entries: list[NewEntry], account: str) -> list[Entry]:
    received = now()
    checked = [check(to_plain(entry), received) for entry in entries]
    return [
        complete(each, account=account, received=received, asserted_by=None) for each in checked
    ]
