"""Addresses: the secrets that URLs carry before their host, in their query and fragment."""

import re
from collections.abc import Iterator
from urllib.parse import unquote_plus

from auditlogs.redaction.folding import FILLER
from auditlogs.redaction.names import Names
from auditlogs.redaction.patterns import Span, pattern, spans
from auditlogs.redaction.shapes import looks_random

_address = pattern(r"(?i)(?:\b[a-z][a-z0-9+.-]*:)?(?:\\?/){2}[^\s\"'<>`{}|]+")
_query = pattern(r"[?#&;][^\s\"'<>`{}|\\?#&;=]+=[^\s\"'<>`{}|\\&;#]+")
# `user:password@` without a scheme, where a host with a port or a driver's brackets follow.
_bare = pattern(r"(?i)[a-z0-9_.+-]+:[^\s@/\"'<>]+@(?:(?:tcp|unix)\(|[a-z0-9_.-]+:[0-9]{2,5}\b)")
# Oracle's: `jdbc:oracle:thin:user/password@//host`.
_thin = pattern(r"(?i)\b(?:thin|oci8?):[^\s/@]+/[^\s@]+@")
_port = re.compile(rb"[0-9]*")
# Secret in a query, harmless as keys elsewhere.
_IN_QUERIES = frozenset(
    """
    sig signature xamzsignature xgoogsignature xosssignature xmssignature assertion samlrequest
    ticket magic magiclink access hash hmac auth session sessionid s otp t invite tk k key code
    """.split()
)
# Of those, the ones whose value has to look like a secret too.
_UNSURE = frozenset("access hash session s t tk k key code invite ticket magic".split())


def find(data: bytes, names: Names) -> Iterator[Span]:
    """Yield the secrets in the URLs of a view."""
    if b"//" in data or b"/\\/" in data:
        for start, end in spans(_address, data):
            yield from _credentials(data, start, end)
    if b"@" in data:
        for start, end in spans(_bare, data):
            at = data.rindex(b"@", start, end)
            yield start, at, "url-credentials"
        for start, end in spans(_thin, data):
            yield data.index(b":", start) + 1, end - 1, "url-credentials"
    if b"=" in data:
        for start, end in spans(_query, data):
            equals = data.index(b"=", start)
            if _is_secret(data[start + 1 : equals], data[equals + 1 : end], names):
                yield equals + 1, end, "url-secret"


def _credentials(data: bytes, start: int, end: int) -> Iterator[Span]:
    authority = data.index(b"/", start) + 1
    while data[authority : authority + 1] in (b"/", b"\\"):
        authority += 1
    ends = [place for char in b"/?#" if (place := data.find(char, authority, end)) >= 0]
    host_end = min(ends, default=end)
    at = data.rfind(b"@", authority, host_end)
    if at < 0:
        # A password may hold a slash: then what stands before it is no port.
        colon = data.find(b":", authority, host_end)
        at = data.rfind(b"@", authority, end)
        if colon < 0 or at < 0 or _port.fullmatch(data[colon + 1 : host_end]):
            return
    credentials = data[authority:at]
    if credentials.strip(FILLER) and (
        b":" in credentials or b"%3a" in credentials.lower() or looks_random(credentials)
    ):
        yield authority, at, "url-credentials"


def _is_secret(name: bytes, value: bytes, names: Names) -> bool:
    text = unquote_plus(name.decode())
    plain = "".join(filter(str.isalnum, text)).lower()
    if not value.strip(FILLER):
        return False
    if plain in _UNSURE:
        return len(value) >= 12 and looks_random(value)
    return plain in _IN_QUERIES or names.is_secret(text)
