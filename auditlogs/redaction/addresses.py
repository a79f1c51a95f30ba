"""URLs: secrets in their user information, path, query and fragment."""

import re
from collections.abc import Iterator
from urllib.parse import unquote_plus

from auditlogs.redaction.folding import FILLER
from auditlogs.redaction.judging import is_secret, looks_secret
from auditlogs.redaction.names import Kind, Names, plain_name
from auditlogs.redaction.patterns import Span, pattern, spans
from auditlogs.redaction.randomness import looks_made_up
from auditlogs.redaction.vendors import RPC_HOSTS

_address = pattern(r"(?i)(?:\b[a-z][a-z0-9+.-]*:)?(?:\\?/){2}[^\s\"'<>`{}|]+")
_query = pattern(r"[?#&;][^\s\"'<>`{}|\\?#&;=]+=[^\s\"'<>`{}|\\&;#]+")
# `user:password@` without a scheme, where a host with a port or a driver's brackets follow.
_bare = pattern(r"(?i)[a-z0-9_.+-]+:[^\s@/\"'<>]+@(?:(?:tcp|unix)\(|[a-z0-9_.-]+:[0-9]{2,5}\b)")
# Oracle's: `jdbc:oracle:thin:user/password@//host`.
_thin = pattern(r"(?i)\b(?:thin|oci8?):[^\s/@]+/[^\s@]+@")
_SHORTEST_LINK = 20
_port = re.compile(rb"[0-9]*")
# Parameters that are secrets in a query, although keys of these names are harmless elsewhere.
_IN_QUERIES = frozenset(
    """
    sig signature xamzsignature xgoogsignature xosssignature xmssignature assertion samlrequest
    magic magiclink hmac otp ticket dkey resetpasswordtoken
    """.split()
)
# Parameters that are secrets only if their value looks random.
_UNSURE = frozenset(
    "access session sessionid s t tk k key code invite ticket auth token apikeyid u p".split()
)
# Path segments that are followed by a token which signs its holder in.
_LINKS = (
    r"reset|reset[-_]password|password[-_]reset|forgot[-_]password|set[-_]password|new[-_]password"
    r"|password[-_]resets|change[-_]password|recover|recovery|invite|invites|invitation|invitations|accept[-_]invite"
    r"|accept[-_]invitation|join|signup|register|activate|activation|confirm|confirmation|verify"
    r"|verification|verify[-_]email|confirm[-_]email|email[-_]verification|magic|magic[-_]link"
    r"|magic[-_]login|login|signin|sign[-_]in|sso|otp|unlock|token|api[-_]?key|key|share|shared|ws|stream"
)
_link = pattern(rf"(?i)/(?:{_LINKS})/(?:[0-9A-Za-z_-]{{1,16}}/)?[0-9A-Za-z_.~=-]{{16,}}")
# Django's password reset links: the user's ID in base64, then a timestamp and a digest.
_django = pattern(r"/[0-9A-Za-z_-]{1,64}/[0-9a-z]{1,13}-[0-9a-f]{32,64}\b")
_rpc_host = pattern(
    r"(?i)^(?:[a-z0-9-]+\.)*(?:"
    + "|".join(re.escape(host) for host in RPC_HOSTS)
    + r"|(?:[a-z0-9-]*[.-])?(?:rpc|nodes?|mainnet|testnet|devnet|sepolia)"
    r"(?:[.-][a-z0-9-]*)*\.[a-z]+)"
    r"(?::[0-9]+)?$"
)
_solana_signature = re.compile(rb"[1-9A-HJ-NP-Za-km-z]{86,88}|0x[0-9a-f]{130}")
_NOT_KEYS = frozenset(b"tx address block token account object txs addresses blocks".split())


def find(data: bytes, names: Names) -> Iterator[Span]:
    """Yield the secrets in the URLs of a view."""
    if b"//" in data or b"/\\/" in data:
        for start, end in spans(_address, data):
            yield from _credentials(data, start, end)
            yield from _key_of_node(data, start, end)
    if b"/" in data and len(data) > _SHORTEST_LINK:
        yield from _links(data)
    if b"@" in data:
        for start, end in spans(_bare, data):
            at = data.rindex(b"@", start, end)
            yield start, at, "url-credentials"
        for start, end in spans(_thin, data):
            yield data.index(b":", start) + 1, end - 1, "url-credentials"
    if b"=" in data:
        for start, end in spans(_query, data):
            equals = data.index(b"=", start)
            name, value = data[start + 1 : equals], data[equals + 1 : end]
            # Telegram signs its login data, and the signature is enough to sign in.
            is_sign_in = name == b"hash" and b"auth_date=" in data
            if is_sign_in or _is_secret(name, value, names):
                yield equals + 1, end, "url-secret"


def _credentials(data: bytes, start: int, end: int) -> Iterator[Span]:
    authority = data.index(b"/", start) + 1
    while data[authority : authority + 1] in (b"/", b"\\"):
        authority += 1
    ends = [place for char in b"/?#" if (place := data.find(char, authority, end)) >= 0]
    host_end = min(ends, default=end)
    at = data.rfind(b"@", authority, host_end)
    if at < 0:
        # A password may contain a slash; then the part before the slash is not a port number.
        colon = data.find(b":", authority, host_end)
        at = data.rfind(b"@", authority, end)
        if colon < 0 or at < 0 or _port.fullmatch(data[colon + 1 : host_end]):
            return
    credentials = data[authority:at]
    if credentials.strip(FILLER) and (
        b":" in credentials or b"%3a" in credentials.lower() or looks_made_up(credentials)
    ):
        yield authority, at, "url-credentials"


def _key_of_node(data: bytes, start: int, end: int) -> Iterator[Span]:
    """Yield the key in the path of the URL of an RPC node."""
    begin = data.index(b"/", start) + 1
    while data[begin : begin + 1] in (b"/", b"\\"):
        begin += 1
    stop = min(
        (at for at in (data.find(b"?", begin, end), data.find(b"#", begin, end)) if at > 0),
        default=end,
    )
    host, *parts = data[begin:stop].rpartition(b"@")[2].split(b"/")
    if not parts or len(parts) > 6 or not _rpc_host.search(host):
        return
    place = stop - len(b"/".join(parts))
    before = b""
    for part in parts:
        found = part.rstrip(b".,;:)]}")
        if len(found) >= 16 and before not in _NOT_KEYS and looks_secret(found.decode()):
            yield place, place + len(found), "url-secret"
        before = part.lower()
        place += len(part) + 1


def _links(data: bytes) -> Iterator[Span]:
    """Yield the tokens of links that reset a password or accept an invitation."""
    for start, end in spans(_link, data):
        part = data[start:end].rpartition(b"/")[2].rstrip(b".")
        if looks_secret(part.decode()):
            begin = end - len(data[start:end].rpartition(b"/")[2])
            yield begin, begin + len(part), "url-secret"
    for start, end in spans(_django, data) if b"-" in data else ():
        # Unlike the digest in the name of a file: `/assets/main-….js`.
        if data[end : end + 1] != b"." or not data[end + 1 : end + 2].isalpha():
            yield data.rindex(b"/", start, end) + 1, end, "url-secret"


def _is_secret(name: bytes, value: bytes, names: Names) -> bool:
    text = unquote_plus(name.decode())
    plain = plain_name(text)
    if not value.strip(FILLER):
        return False
    if plain in _UNSURE:
        found = unquote_plus(value.decode())
        return looks_secret(found, is_asset=plain in ("token", "t"))
    if plain in _IN_QUERIES:
        return not _solana_signature.fullmatch(value)
    kind = names.kind(text)
    return kind >= Kind.TOKEN and is_secret(unquote_plus(value.decode()), kind, plain)
