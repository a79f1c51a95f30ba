"""The body of an ingest request: read, decompressed and parsed within limits.

Each step is bounded, so that no body, however it is compressed or nested, takes more memory than
MAX_BODY_BYTES calls for.
"""

import json
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import msgspec
from django.http import HttpRequest

from auditlogs.entry import numbers
from auditlogs.explain.codes import ProblemSlug
from auditlogs.intake.validation import ECHO_LENGTH, MAX_ENTRY_BYTES

MAX_BODY_BYTES = 5 * 1024 * 1024
MAX_ENTRIES = 1_000
CHUNK = 64 * 1024
# zlib's `wbits` for a gzip header.
GZIP = 16 + zlib.MAX_WBITS

JSON = "application/json"
# None of them is registered, so each is in use.
LINES = ("application/x-ndjson", "application/ndjson", "application/jsonl")
# JSON's white space (RFC 8259, section 2).
WHITE = " \t\r\n"
# Escapes can make a text of JSON six times as long, and white space longer; no valid entry exceeds
# this.
MAX_ENTRY_TEXT = 8 * MAX_ENTRY_BYTES


class BadBody(Exception):
    """A body that cannot be accepted: the problem's slug, and a sentence."""

    def __init__(self, slug: ProblemSlug, detail: str) -> None:
        super().__init__(detail)
        self.slug, self.detail = slug, detail


@dataclass(frozen=True, slots=True)
class Oversized:
    """Represents an entry that was not parsed for its size, in bytes."""

    size: int


def read(request: HttpRequest) -> bytes:
    """Return a body, decompressed. Raises BadBody: 400 `malformed-json` (incomplete) or
    `malformed-gzip`, 413 `body-too-large`, 415 `unsupported-media-type`."""
    charset = (request.content_params or {}).get("charset", "utf-8")
    if request.content_type not in (JSON, *LINES) or charset.lower() not in ("utf-8", "utf8"):
        detail = f"Send one of {', '.join((JSON, *LINES))}, in UTF-8."
        raise BadBody("unsupported-media-type", detail)
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip"):
        detail = "Send the body uncompressed, or with Content-Encoding: gzip."
        raise BadBody("unsupported-media-type", detail)
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
    """Yield the entries of a JSON object, a JSON array, or NDJSON as plain values, one by one; a
    BadBody (400 `malformed-json`) for an entry that cannot be parsed.

    Raises BadBody: 400 `malformed-json`, 413 `too-many-entries`.
    """
    texts = list(_lines(body) if kind in LINES else _items(body))
    if len(texts) > MAX_ENTRIES:
        raise _too_many()
    for label, text in texts:
        try:
            yield Oversized(len(text)) if len(text) > MAX_ENTRY_TEXT else _parsed(text, label)
        except BadBody as error:
            yield error


def says_more(length: str, limit: int) -> bool:
    """Tell whether a Content-Length is a number over a limit, however many digits it has."""
    if not length.isdecimal():
        return False
    number = numbers.to_whole(length)
    return number is None or number > limit


def _chunks(request: HttpRequest) -> Iterator[bytes]:
    """Yield the body in chunks, still compressed. Nothing is read of a body whose Content-Length is
    too large. Raises BadBody if the body is too large or incomplete."""
    length = request.headers.get("Content-Length", "")
    if says_more(length, MAX_BODY_BYTES):
        raise _too_large()
    # Django reads no body without a length. The server's stream can be read to its end only if
    # the server says that it marks the end.
    is_chunked = not length and request.META.get("wsgi.input_terminated")
    stream = request.META["wsgi.input"] if is_chunked else request
    received = 0
    while chunk := _next_chunk(stream):
        received += len(chunk)
        # The limit of `read` is not enough: a compressed chunk may decompress to nothing.
        if received > MAX_BODY_BYTES:
            raise _too_large()
        yield chunk
    # The server reports a broken connection as the end of the body.
    if says_more(length, received):
        raise _incomplete()


def _next_chunk(stream: Any) -> bytes:
    try:
        return bytes(stream.read(CHUNK))
    except OSError as error:
        raise _incomplete() from error
    # Each server has exceptions of its own for a body that is not framed as RFC 9112 says.
    except Exception as error:
        raise BadBody("malformed-json", "The body’s chunks are malformed.") from error


def _gunzipped(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Decompress one gzip member or more (RFC 1952), at most CHUNK bytes at a time."""
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
        raise BadBody("malformed-gzip", "The body is not gzip.") from error
    # The limit of CHUNK bytes may have left some of the last chunk in the decompressor.
    while not inflate.eof and (last := inflate.decompress(b"", CHUNK)):
        yield last
    if not inflate.eof:
        raise BadBody("malformed-gzip", "The gzip stream is incomplete.")


def _lines(body: bytes) -> Iterator[tuple[str, str]]:
    """Yield a label and the text of each line that is not blank."""
    text = _decoded(body)
    if not text or text.isspace():
        raise _malformed("The body", "it is empty")
    for number, line in enumerate(text.split("\n"), start=1):
        if line and not line.isspace():
            yield f"Line {number}", line.strip(WHITE)


def _items(body: bytes) -> Iterator[tuple[str, str]]:
    """Yield a label and the text of each item of an array, or of the body if it is no array.

    The items are separated without being parsed: as Python objects, all of them together would
    take many times the memory of their text.
    """
    text = _decoded(body).strip(WHITE)
    if not text:
        raise _malformed("The body", "it is empty")
    if not text.startswith("["):
        yield "The body", text
        return
    try:
        items = msgspec.json.decode(text, type=list[msgspec.Raw])
    except msgspec.DecodeError as error:
        raise _malformed("The body", str(error)) from error
    except RecursionError as error:
        raise _malformed("The body", "it is nested too deeply") from error
    for index, item in enumerate(items):
        yield f"Entry {index}", bytes(item).decode()


def _decoded(body: bytes) -> str:
    try:
        # Programs on Windows put a byte-order mark first.
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _malformed("The body", f"it is not UTF-8 at byte {error.start}") from error


def _parsed(text: str, label: str) -> Any:
    """Parse a JSON text, strictly by RFC 8259 and within what can be stored."""
    try:
        value = json.loads(
            text,
            parse_constant=_not_json,
            parse_float=numbers.to_float,
            parse_int=numbers.to_int,
            object_pairs_hook=_object,
        )
        _check_duplicates(value)
        # JSON can escape lone surrogates, which have no UTF-8 and so cannot be stored.
        text.encode() if "\\u" not in text else numbers.encode(value)
    except json.JSONDecodeError as error:
        # Some of Python's messages end where their position is to follow.
        reason = f"{error.msg.removesuffix(' at')} at line {error.lineno}, column {error.colno}"
        raise _malformed(label, reason) from error
    except UnicodeEncodeError as error:
        raise _malformed(label, "it has a lone surrogate") from error
    except RecursionError as error:
        raise _malformed(label, "it is nested too deeply") from error
    except ValueError as error:
        raise _malformed(label, str(error)) from error
    return value


class _Repeating(dict[str, Any]):
    """An object in which a name is repeated; the last value is kept."""

    repeated: str


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    if len(plain) == len(pairs):
        return plain
    names = Counter(name for name, _ in pairs)
    repeating = _Repeating(plain)
    repeating.repeated = names.most_common(1)[0][0]
    return repeating


def _check_duplicates(entry: Any) -> None:
    """Raise ValueError if a field is repeated anywhere in an entry but in its payload.

    Two parsers could read such an entry differently. A payload is the writer's own: the last value
    counts there, as in most JSON parsers.
    """
    pending = [entry]
    while pending:
        value = pending.pop()
        if isinstance(value, _Repeating):
            name = value.repeated[:ECHO_LENGTH]
            raise ValueError(f"the field {name} is repeated")  # noqa: TRY004 – no wrong type
        if value is entry and isinstance(value, dict):
            pending += [each for name, each in value.items() if name != "payload"]
        elif isinstance(value, dict):
            pending += value.values()
        elif isinstance(value, list):
            pending += value


def _not_json(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _malformed(label: str, reason: str) -> BadBody:
    return BadBody("malformed-json", f"{label} is not JSON that can be stored: {reason}.")


def _incomplete() -> BadBody:
    return BadBody("malformed-json", "The body is incomplete.")


def _too_large() -> BadBody:
    detail = f"A body may have at most {MAX_BODY_BYTES:,} bytes, decompressed."
    return BadBody("body-too-large", detail)


def _too_many() -> BadBody:
    return BadBody("too-many-entries", f"Send at most {MAX_ENTRIES:,} entries at once.")
