"""Encodings: decodes base64, hexadecimal digits, percent-encoding, escapes and entities."""

import binascii
import html
import re
import string
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from auditlogs.redaction.folding import View
from auditlogs.redaction.marks import mark, parts_of
from auditlogs.redaction.patterns import pattern, spans

_base64 = pattern(
    r"[A-Za-z0-9+/_-]{10,}(?:(?:\\n|[\r\n\s])+[A-Za-z0-9+/_-]{4,})*(?:={1,2}|(?:%3[dD]){1,2})?"
)
_hex = pattern(r"(?:0x|\\x)?[0-9a-fA-F]{16,}|(?:\\x[0-9a-fA-F]{2}){6,}")
_hex_run = re.compile(rb"(?:0x)?[0-9a-f]+")
_percent = pattern(r"(?i)[^\s\"'<>]*(?:%[0-9a-f]{2}[^\s\"'<>]*)+")
_percents = re.compile(rb"%[0-9a-fA-F]{2}")
_escape = pattern(r"(?:[^\s\"']|\\+[\"'])*\\+(?:u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[0-7]{3})[^\r\n]*")
_entity = pattern(r"&(?:[a-z]{2,6}|#[0-9]{2,5}|#x[0-9a-fA-F]{2,4});")
_unescape = re.compile(r"\\+(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([0-7]{3}))")
_ID = re.compile(
    r"[0-9]+|[0-9a-fA-F-]{24,}|[a-z]{2,5}[_-].*|[0-9A-HJKMNP-TV-Z]{26}|0x[0-9a-fA-F]+|/.*"
)
_CREDENTIALS = re.compile(r"[a-z0-9][\w.@+-]{0,63}:[\x21-\x7e]{4,128}")
_PRIVATE_DER = re.compile(
    rb"\x30(?:[\x20-\x7f]|\x81.|\x82..)\x02\x01[\x00\x01](?:\x30|\x02\x81|\x02\x82|\x04[\x10-\x50])",
    re.DOTALL,
)
PERCENT = "percent-encoded"
# RFC 3986, section 2.3.
_UNRESERVED = (string.ascii_letters + string.digits + "-._~").encode()
# Never encoded (unreserved), or always: the percent sign, and the filler of marks.
_NOT_COUNTED = {*_UNRESERVED, 0x25, 0x01}
_SHORTEST = 10
_BREAKS = b"\r\n\t"
_PRINTABLE = bytes(range(0x20, 0x7F)) + _BREAKS
_CONTROLS = bytes({*range(0x20), 0x7F} - {*_BREAKS})
_WHITE_SPACE = _BREAKS + b" \v\f"
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")


def find(view: View) -> Iterator[tuple[int, int, str, str]]:
    """Yield (start, end, decoded text, rule) of the encoded texts in a view."""
    data = view.data
    if len(data) < _SHORTEST:
        return
    for start, end in spans(_base64, data):
        run = data[start:end]
        if _hex_run.fullmatch(run):
            continue  # Read as digits, below.
        for a, b in _pieces(run):
            if text := _from_base64(run[a:b]):
                yield start + a, start + b, text, "base64"
                break
    for start, end in spans(_hex, data):
        if text := _from_hex(data[start:end]):
            yield start, end, text, "hex"
    yield from _escapes(data, view.marked)


def _escapes(data: bytes, marked: bytes) -> Iterator[tuple[int, int, str, str]]:
    """Yield the texts of a view in which single characters are encoded, with the marks in them."""
    if b"%" in data:
        for start, end in spans(_percent, data):
            run = marked[start:end]
            # What `unquote` does with ASCII, in half the time.
            text = unquote_to_bytes(run).decode(errors="replace")
            if text != run.decode():
                yield start, end, text, PERCENT
    if b"\\" in data:
        for start, end in spans(_escape, data):
            encoded = marked[start:end].decode()
            text = _unescape.sub(_escaped, encoded)
            if text != encoded:
                yield start, end, text, "escaped"
    if b"&" in data and _entity.search(data):
        yield 0, len(data), html.unescape(marked.decode()), "escaped"


def encode(data: bytes, clean: str) -> str:
    """Return a text percent-encoded as it was in a view, with readable marks.

    Characters that the view does not encode are not encoded in the result either.
    """
    as_they_are = {*_percents.sub(b"", data)} - _NOT_COUNTED
    written = _table(bytes(sorted(as_they_are)))
    return "".join(
        mark(rule) if rule else "".join(map(written.__getitem__, part.encode()))
        for part, rule in parts_of(clean)
    )


@lru_cache(maxsize=64)
def _table(as_they_are: bytes) -> tuple[str, ...]:
    """Return how each byte is written if these bytes and the unreserved ones are not encoded.

    `urllib.parse.quote` asks a dict in Python for every byte, which costs three times as much.
    """
    plain = {*as_they_are, *_UNRESERVED}
    return tuple(chr(byte) if byte in plain else f"%{byte:02X}" for byte in range(256))


def is_id(text: str) -> bool:
    """Return whether a text is an id, with or without a prefix for its type."""
    return bool(_ID.fullmatch(text))


def is_basic(text: str) -> bool:
    """Return whether a text is `user:password`, and not an id after its type: `cursor:12`."""
    if not text.isascii() or not _CREDENTIALS.fullmatch(text):
        return False
    user, _, password = text.partition(":")
    return user.lower() not in (
        "cursor",
        "offset",
        "page",
        "gid",
        "urn",
        "id",
        "arrayconnection",
        "https",
        "http",
    ) and not is_id(password)


def _pieces(run: bytes) -> Iterator[tuple[int, int]]:
    yield 0, len(run)
    if run.isalnum():
        return
    for match in re.finditer(rb"[A-Za-z0-9+]{10,}={0,2}", run):
        if match.end() - match.start() != len(run):
            yield match.start(), match.end()


def from_base64(run: bytes) -> bytes | None:
    """Return the bytes that base64 of either alphabet encodes.

    It may be wrapped, cut off, or end in percent-encoded signs of equality.
    """
    if b"%" in run:
        run = run.replace(b"%3d", b"").replace(b"%3D", b"")
    if b"\\" in run:
        run = run.replace(b"\\n", b"")
    plain = run.rstrip(b"=").translate(_TO_STANDARD, _WHITE_SPACE)
    if len(plain) % 4 == 1:
        plain = plain[:-1]
    try:
        return binascii.a2b_base64(plain + b"=" * (-len(plain) % 4))
    except binascii.Error:
        return None


def _from_base64(run: bytes) -> str | None:
    decoded = from_base64(run)
    if decoded is None:
        return None
    if _PRIVATE_DER.match(decoded):
        return "-----BEGIN PRIVATE KEY-----"
    return _text(decoded)


def _from_hex(run: bytes) -> str | None:
    digits = run.replace(b"\\x", b"").removeprefix(b"0x")
    return _text(bytes.fromhex(digits[: len(digits) // 2 * 2].decode()))


def _text(decoded: bytes) -> str | None:
    """Return the text that bytes encode in UTF-8 or UTF-16, None if they are not a text.

    Most runs of base64 or hexadecimal digits encode no text, so cheap checks come first.
    """
    if not decoded.translate(None, _PRINTABLE):
        return decoded.decode()
    if len(decoded.translate(None, _CONTROLS)) == len(decoded) and (
        text := _decoded(decoded, "utf-8")
    ):
        return text
    # More than half of the characters have to be ASCII, which have a zero byte in UTF-16.
    return _decoded(decoded, "utf-16-le") if decoded.count(0) * 6 > len(decoded) else None


def _decoded(data: bytes, encoding: str) -> str | None:
    """Return bytes as text, if it is printable and most of it is ASCII."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    letters = text.replace("\r", "").replace("\n", "").replace("\t", "")
    if letters.isprintable() and sum(map(str.isascii, letters)) * 2 > len(letters):
        return text
    return None


def _escaped(match: re.Match[str]) -> str:
    return chr(int(match[3], 8) if match[3] else int(match[1] or match[2], 16))
