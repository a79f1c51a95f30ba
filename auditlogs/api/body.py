"""The body of a request that brings entries: read, inflated and parsed within its limits."""

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import msgspec
from django.http import HttpRequest

from auditlogs.entry import numbers
from auditlogs.intake.validation import MAX_ENTRY_BYTES

MAX_BODY_BYTES = 5 * 1024 * 1024
MAX_ENTRIES = 1_000
CHUNK = 64 * 1024
# What zlib has to be told to expect the header of gzip.
GZIP = 16 + zlib.MAX_WBITS

JSON = "application/json"
# None of them is registered, so each is in use.
LINES = ("application/x-ndjson", "application/ndjson", "application/jsonl")
ENTRY_OBJECTS = ("actor", "target")
# What may stand between the parts of JSON.
WHITE = " \t\r\n"
# No entry within its limit is longer, in whatever way it is written.
MAX_ENTRY_TEXT = 8 * MAX_ENTRY_BYTES


class BadBody(Exception):
    """A body that cannot be taken: the status and the name of its problem, and a sentence."""

    def __init__(self, status: int, slug: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.slug, self.detail = status, slug, detail


@dataclass(frozen=True, slots=True)
class Oversized:
    """Stands for an entry that is so large, in bytes, that it was not even parsed."""

    size: int


def read(request: HttpRequest) -> bytes:
    """Return a body, inflated. Raises BadBody: 400 `malformed-gzip`, 413 `body-too-large`, 415
    `unsupported-media-type`."""
    charset = (request.content_params or {}).get("charset", "utf-8")
    if request.content_type not in (JSON, *LINES) or charset.lower() not in ("utf-8", "utf8"):
        detail = f"Send one of {', '.join((JSON, *LINES))}, in UTF-8."
        raise BadBody(415, "unsupported-media-type", detail)
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip"):
        detail = "Send the body as it is, or with Content-Encoding: gzip."
        raise BadBody(415, "unsupported-media-type", detail)
    chunks = _chunks(request)
    if encoding == "gzip":
        chunks = _gunzipped(chunks)
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise _too_large()
    return bytes(body)


def entries_of(body: bytes, kind: str) -> Iterator[Any]:
    """Yield the entries of a body as plain JSON, one by one: of an object, an array, or NDJSON.

    Raises BadBody: 400 `malformed-json`, 413 `too-many-entries`; at any entry, so none may be
    stored before the last.
    """
    texts = list(_lines(body) if kind in LINES else _items(body))
    if len(texts) > MAX_ENTRIES:
        raise _too_many()
    for what, text in texts:
        yield Oversized(len(text)) if len(text) > MAX_ENTRY_TEXT else _parsed(text, what)


def _chunks(request: HttpRequest) -> Iterator[bytes]:
    """Yield the body piece by piece, as it was sent, if it comes to its end; what is announced as
    too large is not read at all."""
    length = request.headers.get("Content-Length", "")
    if length.isdecimal() and int(length) > MAX_BODY_BYTES:
        raise _too_large()
    # Without a length Django reads nothing; the server says whether the end can be relied on.
    is_chunked = not length and request.META.get("wsgi.input_terminated")
    stream = request.META["wsgi.input"] if is_chunked else request
    received = 0
    try:
        while chunk := stream.read(CHUNK):
            received += len(chunk)
            # Packed, an endless body may hold nothing.
            if received > MAX_BODY_BYTES:
                raise _too_large()
            yield chunk
    except OSError as error:
        raise _cut() from error
    # To the server, a connection that breaks is the end of the body.
    if length.isdecimal() and received < int(length):
        raise _cut()


def _gunzipped(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield what gzip has packed, of one member or more, never much at once."""
    inflate = zlib.decompressobj(GZIP)
    try:
        for chunk in chunks:
            rest = chunk
            while rest:
                if inflate.eof:
                    inflate = zlib.decompressobj(GZIP)
                yield inflate.decompress(rest, CHUNK)
                rest = inflate.unconsumed_tail or inflate.unused_data
    except zlib.error as error:
        raise BadBody(400, "malformed-gzip", "The body is not gzip.") from error
    # The last piece may have been cut where one piece may end.
    while not inflate.eof and (last := inflate.decompress(b"", CHUNK)):
        yield last
    if not inflate.eof:
        raise BadBody(400, "malformed-gzip", "The body ends before its gzip stream does.")


def _lines(body: bytes) -> Iterator[tuple[str, str]]:
    """Yield each line that holds something, after what it is called."""
    text = _decoded(body)
    if not text or text.isspace():
        raise _malformed("The body", "it is empty")
    for number, line in enumerate(text.split("\n"), start=1):
        if line and not line.isspace():
            yield f"Line {number}", line.strip(WHITE)


def _items(body: bytes) -> Iterator[tuple[str, str]]:
    """Yield each item of an array, or what else the body is, after what it is called.

    The items are told apart without being parsed: that takes many times the memory of their text.
    """
    text = _decoded(body).strip(WHITE)
    if not text.startswith("["):
        yield "The body", text
        return
    try:
        items = msgspec.json.decode(text, type=list[msgspec.Raw])
    except msgspec.DecodeError as error:
        raise _malformed("The body", str(error)) from error
    except RecursionError as error:
        raise _malformed("The body", "it is nested too deep") from error
    for index, item in enumerate(items):
        yield f"Entry {index}", bytes(item).decode()


def _decoded(body: bytes) -> str:
    try:
        # Programs on Windows put a byte-order mark first.
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _malformed("The body", f"not UTF-8 at byte {error.start}") from error


def _parsed(text: str, what: str) -> Any:
    """Return the value of a JSON text, held to RFC 8259 and to what can be stored."""
    try:
        value = json.loads(
            text,
            parse_constant=_not_json,
            parse_float=numbers.to_float,
            parse_int=numbers.to_int,
            object_pairs_hook=_object,
        )
        _check_envelopes(value)
        # Lone surrogates can be written in JSON, but in no UTF-8.
        text.encode() if "\\u" not in text else numbers.encode(value)
    except json.JSONDecodeError as error:
        place = f"{error.msg} at line {error.lineno}, column {error.colno}"
        raise _malformed(what, place) from error
    except UnicodeEncodeError as error:
        raise _malformed(what, "it has a lone surrogate") from error
    except RecursionError as error:
        raise _malformed(what, "it is nested too deep") from error
    except ValueError as error:
        raise _malformed(what, str(error)) from error
    return value


class _Repeating(dict[str, Any]):
    """An object that names a key twice; the last value holds."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    return plain if len(plain) == len(pairs) else _Repeating(plain)


def _check_envelopes(value: Any) -> None:
    """Refuse a field that is given twice. Within a payload the last value holds, as JSON has it."""
    inner = [value.get(name) for name in ENTRY_OBJECTS] if isinstance(value, dict) else []
    if any(isinstance(each, _Repeating) for each in (value, *inner)):
        raise ValueError("a field of an entry is given twice")


def _not_json(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _malformed(what: str, reason: str) -> BadBody:
    return BadBody(400, "malformed-json", f"{what} is not JSON that can be stored: {reason}.")


def _cut() -> BadBody:
    return BadBody(400, "malformed-json", "The body ended early.")


def _too_large() -> BadBody:
    return BadBody(413, "body-too-large", f"A body may have {MAX_BODY_BYTES:,} bytes, inflated.")


def _too_many() -> BadBody:
    return BadBody(413, "too-many-entries", f"Send at most {MAX_ENTRIES:,} entries at once.")
