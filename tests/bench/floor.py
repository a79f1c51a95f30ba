"""The floor: the barest program that gives the same entries, without keys, limits, checks or pages.

One call of pymongo, its documents to JSON by msgspec; where the row goes over HTTP, in a WSGI
application of a few lines on the same server.
"""

import functools
import os
import pickle
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import pymongo
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions
from pymongo.collection import Collection
from pymongo.errors import OperationFailure

Document = dict[str, Any]
# Variables of the process that serves them: the file of the pickled floors, and the database.
FLOORS, URI = "BENCH_FLOORS", "MONGODB_URI"

INTERNAL = {"account": 0, "tokens": 0, "text": 0, "actorKey": 0}
WITHOUT_PAYLOAD = {**INTERNAL, "payload": 0}
TRIES = 2
# An engine whose hinted queries were so much slower, so often, is not hinted any more.
MUCH_SLOWER, OFTEN = 5.0, 3


@dataclass(frozen=True, slots=True)
class Floor:
    """One `find`, or an aggregation if there is a pipeline. `index` is the right one, `hinted` says
    whether it is named to the server."""

    filter: Document
    sort: tuple[tuple[str, int], ...] = (("_id", -1),)
    limit: int = 101
    skip: int = 0
    fields: Document | None = None
    index: str = "by_account"
    hinted: bool = False
    pipeline: tuple[Document, ...] = ()
    collection: str = "audit_logs"

    def read(self, log: Collection[Document]) -> list[Document]:
        hint = self.index if self.hinted else None
        if self.pipeline:
            options: Document = {"hint": hint} if hint else {}
            return list(log.aggregate([{"$match": self.filter}, *self.pipeline], **options))
        cursor = log.find(self.filter, self.fields or INTERNAL, hint=hint, batch_size=self.limit)
        return list(cursor.sort(list(self.sort)).skip(self.skip).limit(self.limit))

    def answer(self, log: Collection[Document]) -> bytes:
        documents = self.read(log)
        for document in documents:
            # It is JSON already.
            if payload := document.get("payload"):
                document["payload"] = msgspec.Raw(payload.encode())
        return msgspec.json.encode(documents)


def collection_of(name: str) -> Collection[Document]:
    """Return a collection of the log's database that decodes UUIDs."""
    options: CodecOptions[Document] = CodecOptions(uuid_representation=UuidRepresentation.STANDARD)
    return connect().get_default_database("auditlogs").get_collection(name, options)


@functools.cache
def connect() -> pymongo.MongoClient[Document]:
    """Return a client without the time limits of the log's own."""
    return pymongo.MongoClient(os.environ[URI])


class Hints:
    """Decides of each floor whether the index is named to the server: the faster way counts."""

    def __init__(self) -> None:
        self._lost = 0

    def faster(self, floor: Floor) -> Floor:
        log = collection_of(floor.collection)
        if self._lost >= OFTEN:
            return floor
        hinted = replace(floor, hinted=True)
        plain = min(_took(lambda: floor.read(log)) for _ in range(TRIES))
        try:
            first = _took(lambda: hinted.read(log))
            if first > MUCH_SLOWER * plain:
                self._lost += 1
                return floor
            named = min(_took(lambda: hinted.read(log)) for _ in range(TRIES))
        except OperationFailure:
            # It has no such index.
            return floor
        return hinted if named < plain else floor


@functools.cache
def _served() -> list[Floor]:
    floors: list[Floor] = pickle.loads(Path(os.environ[FLOORS]).read_bytes())
    return floors


def application(environ: Document, start_response: Callable[..., object]) -> list[bytes]:
    """Answer `/7` with the eighth floor, as JSON."""
    floor = _served()[int(environ["PATH_INFO"][1:])]
    body = floor.answer(collection_of(floor.collection))
    size = ("Content-Length", str(len(body)))
    start_response("200 OK", [("Content-Type", "application/json"), size])
    return [body]


def _took(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
