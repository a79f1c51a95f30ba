"""A Hub with a log full of entries: its accounts, its keys, and somebody who is signed in.

Imported once the settings are known; see `surroundings`.
"""

import itertools
from collections.abc import Iterator, Mapping

import msgspec
from django.core.management import call_command
from django.test import Client
from pymongo.collection import Collection
from pymongo.errors import OperationFailure
from rich.console import Console
from rich.progress import track

from auditlogs.accounts import keys
from auditlogs.entry.schema import NewEntry
from auditlogs.entry.times import now
from auditlogs.models import Account, ApiKey
from auditlogs.recording.recorder import record_many
from auditlogs.storage import mongo
from auditlogs.storage.indexes import ensure_indexes
from auditlogs.worker import drain_now
from auditlogs.write.spool import spool
from hub.demo.prepare import collect_static
from tests.bench.floor import Document, Floor, collection_of
from tests.bench.history import History
from tests.bench.measuring import took
from tests.factories import store_with_keys
from tests.people import member, signed_in
from tests.watching import watcher

BATCH = 1_000
# So many of each batch came with a key, as over HTTP.
WITH_KEY = 20
DRAIN_SECONDS = 120.0


class Log:
    """The log of one account, and another account that the rows that write write into."""

    def __init__(self, count: int) -> None:
        call_command("migrate", verbosity=0)
        collect_static()
        ensure_indexes()
        account, written = (Account.objects.create(name=name) for name in ("read", "written"))
        self.account, self.written, self.count = account.id, written.id, count
        self._reading = keys.create(account, "reader", ["logs:read"])
        self.write_key = keys.create(written, "writer", ["logs:write"])
        self.key = ApiKey.objects.get(account=account).public_id
        self._browser = signed_in(member(account, "admin"))
        # A new one would set up all middleware again.
        self._client = Client()
        self.until = now()

    def load(self, console: Console) -> str:
        """Record the history, and return a sentence about how long that took."""
        history, spent = History(self.count, self.until).entries(), 0.0
        title = f"Recording {self.count:,} entries"
        for _ in track(range(0, self.count, BATCH), title, console=console):
            spent += took(lambda: self._record(list(itertools.islice(history, BATCH))))
        rate = self.count / spent * 1_000
        return f"Recording them took {spent / 1_000:,.0f} s, {rate:,.0f} entries a second."

    def documents(self) -> Iterator[Document]:
        """Yield the stored documents of the account, but for what serves the search."""
        yield from self._entries.find({"account": self.account}, {"tokens": 0, "text": 0})

    def example(self) -> Document:
        """Return a document from the middle of the log: about an order, with every field."""
        wanted = {"account": self.account, "target.type": "order"}
        orders = list(self._entries.find(wanted, {"_id": 1}))
        return self._entries.find_one({"_id": orders[len(orders) // 2]["_id"]}) or {}

    def headers(self, path: str, *, is_fragment: bool = False) -> dict[str, str]:
        """Return the headers of a request: a key for the API, a session for a page."""
        if path.startswith("/api/"):
            return {"Authorization": f"Bearer {self._reading}"}
        cookie = {"Cookie": f"sessionid={self._browser.cookies['sessionid'].value}"}
        return cookie | ({"HX-Request": "true"} if is_fragment else {})

    def get(self, path: str, headers: Mapping[str, str]) -> bytes:
        """Return the body of an answer in this process, empty unless it is a success."""
        response = self._client.get(path, headers=dict(headers))
        # Who asks is said by the headers alone.
        self._client.cookies.clear()
        return response.content if response.status_code == 200 else b""

    def ask(self, path: str, headers: Mapping[str, str]) -> tuple[bytes, int]:
        """Return an answer, and how many commands it took to the database."""
        with watcher.watch() as commands:
            content = self.get(path, headers)
        return content, len(commands)

    def has_entries_of(self, floor: Floor, answer: bytes) -> bool:
        """Tell whether an answer of the API has the entries that the floor reads."""
        ids = [each["id"] for each in msgspec.json.decode(answer)]
        return ids == [str(each["_id"]) for each in floor.read(self._entries)][: floor.limit - 1]

    def sizes(self) -> str:
        """Return a sentence about the bytes that an entry takes, and its keys in the indexes."""
        try:
            said = self._entries.database.command("collStats", mongo.ENTRIES)
        except OperationFailure as error:
            return f"The database does not tell the sizes of its indexes: {error.code}."
        each = said["size"] / said["count"], said["totalIndexSize"] / said["count"]
        return f"An entry takes {each[0]:,.0f} bytes, and {each[1]:,.0f} in the indexes."

    def _record(self, batch: list[NewEntry]) -> None:
        sent = batch[:WITH_KEY]
        store_with_keys(sent, [self.key] * len(sent), self.account)
        record_many(batch[len(sent) :], account=self.account)
        # What the database did not take in time is in the spool.
        drain_now(spool(), DRAIN_SECONDS)

    @property
    def _entries(self) -> Collection[Document]:
        return collection_of(mongo.ENTRIES)
