"""Shapes: secrets with a format of their own, in any context."""

import re
from collections.abc import Iterator

from auditlogs.redaction.encodings import from_base64
from auditlogs.redaction.judging import looks_secret
from auditlogs.redaction.patterns import Span, pattern, spans
from auditlogs.redaction.randomness import has_noise, looks_made_up
from auditlogs.redaction.vendors import HOOKS, KEYS, regex

_HASH = (
    r"\$(?:apr1|1|2[abxy]?|5|6|7|8|9|y|gy|argon2(?:id?|d)|scrypt|pbkdf2[a-z0-9-]*|bcrypt-sha256)"
    r"\$[./A-Za-z0-9$=,+-]{8,}"
    r"|\b(?:pbkdf2_sha(?:1|256|512)|bcrypt_sha256|argon2|scrypt|md5|sha1)\$[./A-Za-z0-9$=,+-]{16,}"
    r"|\{S?SHA(?:256|512)?\}[A-Za-z0-9+/]{20,}={0,2}"
)
_JOSE = (
    # A header in base64 begins with `{"`, or `{` and white space; then two to five parts.
    r"\b(?:eyJ|eyA|ewo|ewk|ew0)[0-9A-Za-z_-]{6,}={0,2}"
    r"(?:\.[0-9A-Za-z_-]*={0,2}){2,4}"
    r"|\beyJ[0-9A-Za-z_-]{6,}\.ey[0-9A-Za-z_-]{6,}"
)
# A log or a terminal breaks a long token into lines, of which only the last may be shorter.
_WRAPPED = r"\beyJ[0-9A-Za-z_.-]{16,}(?:\\?\r?\n[ \t]*[0-9A-Za-z_.-]{4,})+"
_PEM = (
    r"-{3,5}\s?BEGIN [A-Z0-9 ]*(?:PRIVATE|SECRET) KEY(?: BLOCK)?\s?-{0,5}"
    r"|---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----|PuTTY-User-Key-File-[0-9]:"
)
# The body: lines of base64 and headers, with the line breaks of texts, JSON and code.
_PEM_BODY = r"(?:[0-9A-Za-z+/=\s_,:.\"'()-]|\\+[nrtu/\"'0-9a-f])*"
_SCHEME = (
    r"(?i)\b(?:bearer|basic|negotiate|ntlm|dpop|jwt|token|api-?key)"
    r"(?:[ \t]+|%20|\+|[ \t]*[=:][ \t]*)[\"'\\]{0,4}[0-9A-Za-z._~+/%:=@-]{6,}"
)

_key = pattern("|".join(regex(row.format) for row in KEYS))
_hook = pattern("(?i)" + "|".join(regex(row.format) for row in HOOKS))
# Only the secret access key after an access key ID is a secret.
_aws = pattern(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}[^0-9A-Za-z/+]{1,8}[0-9A-Za-z/+]{40}\b")
_hash = pattern(_HASH)
_jose = pattern(_JOSE)
_wrapped = pattern(_WRAPPED)
_break = re.compile(rb"\\?\r?\n[ \t]*")
_pem = pattern(_PEM)
_pem_body = pattern(_PEM_BODY)
_pem_end = pattern(r"-{3,5}\s?END [A-Z0-9 ]*KEY(?: BLOCK)?\s?-{3,5}|Private-MAC: [0-9a-f]+")
_scheme = pattern(_SCHEME)
_scheme_parts = pattern(r"(?i)^([a-z0-9-]+?)(?:[ \t]+|%20|\+|[ \t]*[=:][ \t]*)[\"'\\]{0,4}")
_says_scheme = pattern(
    r"(?i)bearer|basic|negotiate|ntlm|dpop|jwt|token|api-?key|digest|aws4|hawk|oauth|mac |vapid"
    r"|signature "
)
_parameters = pattern(
    r"(?i)\b(?:digest|aws4-hmac-sha256|hawk|oauth|mac|signature|token|vapid)[ \t]+[a-z_]+ ?="
    r"[^\r\n]*"
)
_secret_parameter = pattern(
    r"(?i)\b(?:response|signature|oauth_signature|oauth_token|mac|token|k|t) ?= ?\"?[^\s\"',]{6,}"
)


def find(data: bytes) -> Iterator[Span]:
    """Yield the secrets in a view whose format a vendor, a standard or this project defines."""
    for start, end in spans(_key, data):
        if has_noise(data[start:end].decode()):
            yield start, end, "api-key"
    if b"IA" in data:
        for _, end in spans(_aws, data):
            yield end - 40, end, "api-key"
    if b"/" in data:
        for start, end in spans(_hook, data):
            yield start, end, "webhook-url"
    if b"ey" in data or b"ew" in data:
        for start, end in spans(_jose, data):
            yield start, end, "jwt"
        if b"\n" in data:
            yield from _wrapped_tokens(data)
    if b"$" in data or b"SHA" in data:
        for start, end in spans(_hash, data):
            yield start, end, "password-hash"
    if b"BEGIN" in data or b"PuTTY" in data:
        yield from _private_keys(data)


def _wrapped_tokens(data: bytes) -> Iterator[Span]:
    """Yield the JSON Web Tokens that are broken into lines."""
    for start, stop in spans(_wrapped, data):
        begin, end, dots, before = start, start, 0, 0
        while begin < stop:
            line = _break.search(data, begin, stop)
            line_end = line.start() if line else stop
            length = line_end - begin
            if dots == 2 and before > length:
                break
            dots, before, end = dots + data.count(b".", begin, line_end), length, line_end
            begin = line.end() if line else stop
        token = _break.sub(b"", data[start:end])
        if dots >= 2 and b'"alg"' in (from_base64(token.partition(b".")[0]) or b""):
            yield start, end, "jwt"


def _private_keys(data: bytes) -> Iterator[Span]:
    """Yield the private keys in PEM and similar formats; truncated ones up to their last line."""
    after = 0
    while match := _pem.search(data, after):
        end = match.end()
        closing = _pem_end.search(data, end)
        body = _pem_body.match(data, end)
        until = body.end() if body else end
        # A key with an END line extends up to it, with anything in between.
        if closing and b"-BEGIN" not in data[end : closing.start()]:
            until = max(until if until <= closing.end() else 0, closing.end())
        yield match.start(), until, "private-key"
        after = max(until, end)


def authorizations(data: bytes) -> Iterator[Span]:
    """Yield the credentials after the name of an authorization scheme."""
    if not _says_scheme.search(data):
        return
    for start, end in spans(_parameters, data):
        if _secret_parameter.search(data, start, end):
            yield start + data[start:end].index(b" ") + 1, end, "authorization"
    for start, end in spans(_scheme, data):
        parts = _scheme_parts.search(data[start:end])
        if parts is None:
            continue
        if _is_credential(parts[1].lower(), data[start + parts.end() : end]):
            yield start + parts.end(), end, "authorization"


def _is_credential(scheme: bytes, value: bytes) -> bool:
    """Return whether the word after a scheme is a credential, unlike in "basic plan"."""
    if scheme == b"token":
        return looks_secret(value.decode(), is_asset=True)
    if scheme == b"basic":
        return len(value) >= 24 or b":" in (from_base64(value) or b"")
    return looks_made_up(value) and not value.startswith(b"$")
