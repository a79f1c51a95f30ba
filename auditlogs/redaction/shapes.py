"""Shapes: secrets that are known by how they look, whatever stands around them."""

from collections.abc import Iterator

from auditlogs.redaction.encodings import from_base64
from auditlogs.redaction.patterns import Span, pattern, spans

# Each kind by its prefix. A digit or letter before it would make it a part of something else.
_KEYS = {
    # Keys, and the links by which somebody's password is set.
    "own": (
        r"auds?_[0-9A-Za-z]{36}"
        r"|/set-password/[0-9A-Za-z_-]{1,64}/[0-9a-z]{1,13}-[0-9a-f]{32,64}"
    ),
    "age": r"AGE-SECRET-KEY-1[0-9A-Z]{50,}",
    "airtable": r"\bpat[0-9A-Za-z]{14}\.[0-9a-f]{64}",
    "anthropic, openai, openrouter, deepseek, stripe": (
        r"\b(?:sk|pk|rk|ek|dapi|whsec|sess)-(?:[A-Za-z0-9]+-)*[A-Za-z0-9_-]{20,}"
        r"|\b(?:sk|rk)_(?:live|test|prod)_[0-9A-Za-z]{10,}|\bwhsec_[0-9A-Za-z+/=]{16,}"
    ),
    "aws": (
        r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"
        r"(?:[^0-9A-Za-z/+]{1,8}[0-9A-Za-z/+]{40}\b)?"
    ),
    "cloudinary": r"cloudinary://[0-9]+:[0-9A-Za-z_-]+",
    "databricks": r"\bdapi[0-9a-f]{32}",
    "digitalocean": r"\bdo[opr]_v1_[0-9a-f]{64}",
    "discord": (
        r"\b[MNO][0-9A-Za-z_-]{23,27}\.[0-9A-Za-z_-]{6}\.[0-9A-Za-z_-]{27,40}|\bmfa\.[\w-]{84}"
    ),
    "docker": r"\bdckr_(?:pat|oat)_[0-9A-Za-z_-]{20,}",
    "doppler": r"\bdp\.(?:pt|st|ct|sa|scim|audit)\.[0-9A-Za-z.]{40,}",
    "dynatrace": r"\bdt0c01\.[0-9A-Z]{24}\.[0-9A-Z]{64}",
    "facebook": r"\bEAA[0-9A-Za-z]{60,}",
    "github": r"(?:gh[pousr]_[0-9A-Za-z]{30,}|github_pat_[0-9A-Za-z_]{40,})",
    "gitlab": r"\bgl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas|soat|ffct)-[0-9A-Za-z_.-]{20,}",
    "google": (
        r"\bAIza[0-9A-Za-z_-]{35}|\bGOCSPX-[0-9A-Za-z_-]{28}|\bya29\.[0-9A-Za-z_.-]{20,}"
        r"|\b1//0[0-9A-Za-z_-]{30,}"
    ),
    "grafana": r"\bgl(?:sa|c)_[0-9A-Za-z_+/=]{30,}",
    "groq, perplexity, xai, nvidia, replicate": (
        r"\bgsk_[0-9A-Za-z]{40,}|\bpplx-[0-9A-Za-z]{40,}|\bxai-[0-9A-Za-z]{40,}"
        r"|\bnvapi-[0-9A-Za-z_-]{40,}|\br8_[0-9A-Za-z]{30,}"
    ),
    "hugging face": r"\b(?:hf|api_org)_[0-9A-Za-z]{30,}",
    "linear, notion, figma, postman, planetscale, pulumi, shopify, square, rubygems": (
        r"\blin_(?:api|oauth)_[0-9A-Za-z]{32,}|\b(?:secret|ntn)_[0-9A-Za-z]{40,}"
        r"|\bfig[dou]_[0-9A-Za-z_-]{30,}|\bPMAK-[0-9a-f]{24}-[0-9a-f]{34}"
        r"|\bpscale_(?:tkn|pw|oauth)_[0-9A-Za-z_.=-]{30,}|\bpul-[0-9a-f]{40}"
        r"|\bshp(?:at|ca|pa|ss)_[0-9A-Fa-f]{32}|\bsq0[a-z]{3}-[0-9A-Za-z_-]{22,}"
        r"|\bEAAA[0-9A-Za-z_-]{60}|\brubygems_[0-9a-f]{48}"
    ),
    "mailchimp, mailgun, sendgrid, sendinblue, resend": (
        r"\b[0-9a-f]{32}-us[0-9]{1,2}\b|\bkey-[0-9a-f]{32}\b"
        r"|\bSG\.[0-9A-Za-z_-]{16,}\.[0-9A-Za-z_-]{16,}|\bxkeysib-[0-9a-f]{64}-[0-9A-Za-z]{16}"
        r"|\bre_[0-9A-Za-z]{8}_[0-9A-Za-z]{20,}"
    ),
    "newrelic, sentry, datadog": (
        r"\bNR(?:AK|JS|II|BR)-[0-9A-Za-z]{18,}|\bsntry[su]_[0-9A-Za-z+/=_-]{40,}"
    ),
    "nostr": r"\bnsec1[02-9ac-hj-np-z]{58}",
    "npm": r"\bnpm_[0-9A-Za-z]{36}|\bnpms?_[0-9A-Za-z]{36}",
    "pypi": r"\bpypi-[0-9A-Za-z_-]{50,}",
    "slack": r"\b(?:xoxe\.)?xox[a-z]-[0-9A-Za-z-]{10,}|\bxapp-[0-9]-[0-9A-Za-z-]{10,}",
    "supabase": r"\bsb(?:p|_secret)_[0-9A-Za-z_]{20,}",
    "telegram": r"\b(?:bot)?[0-9]{7,11}:[0-9A-Za-z_-]{34,36}\b",
    "terraform": r"\b[0-9A-Za-z]{14}\.atlasv1\.[0-9A-Za-z_=-]{60,}",
    "twilio": r"\bSK[0-9a-f]{32}\b",
    "vault": r"\bhv[sbr]\.[0-9A-Za-z_-]{20,}|\bs\.[0-9A-Za-z]{24}\b",
}
_HOOKS = (
    r"hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/[0-9A-Za-z/_+-]+",
    r"discord(?:app)?\.com/api/(?:v[0-9]+/)?webhooks/[0-9]+/[0-9A-Za-z_-]+",
    r"[a-z0-9.-]*\.?webhook\.office\.com/[^\s\"'<>\\]+",
    r"hooks\.zapier\.com/hooks/catch/[0-9A-Za-z/]+",
    r"maker\.ifttt\.com/[^\s\"'<>\\]+/with/key/[0-9A-Za-z_-]+",
    r"chat\.googleapis\.com/v1/spaces/[^\s\"'<>\\]+",
    # The last part of the path of a node's address is the key to it.
    r"\.infura\.io/(?:ws/)?v3/[0-9a-f]{32}",
    r"\.alchemy(?:api)?\.(?:com|io)/v[0-9]/[0-9A-Za-z_-]{16,}",
    r"\.quiknode\.pro/[0-9a-f]{20,}",
    r"rpc\.ankr\.com/[a-z_]+/[0-9a-f]{32,}",
)
_HASH = (
    r"\$(?:apr1|1|2[abxy]?|5|6|7|y|gy|argon2(?:id?|d)|scrypt|pbkdf2[a-z0-9-]*|bcrypt-sha256)"
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
_PEM = (
    r"-{3,5}\s?BEGIN [A-Z0-9 ]*(?:PRIVATE|SECRET) KEY(?: BLOCK)?\s?-{0,5}"
    r"|---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----|PuTTY-User-Key-File-[0-9]:"
)
# What may follow: lines of base64 and headers, ended as they are in texts, JSON and code.
_PEM_BODY = r"(?:[0-9A-Za-z+/=\s_,:.\"'()-]|\\+[nrtu/\"'0-9a-f])*"
_SCHEME = (
    r"(?i)\b(?:bearer|basic|negotiate|ntlm|dpop|jwt|token|api-?key)"
    r"(?:[ \t]+|%20|\+|[ \t]*[=:][ \t]*)[\"'\\]{0,4}[0-9A-Za-z._~+/%:=@-]{6,}"
)

_key = pattern("|".join(_KEYS.values()))
_hook = pattern("(?i)" + "|".join(_HOOKS))
_hash = pattern(_HASH)
_jose = pattern(_JOSE)
_pem = pattern(_PEM)
_pem_body = pattern(_PEM_BODY)
_pem_end = pattern(r"-{3,5}\s?END [A-Z0-9 ]*KEY(?: BLOCK)?\s?-{3,5}|Private-MAC: [0-9a-f]+")
_scheme = pattern(_SCHEME)
_scheme_parts = pattern(r"(?i)^([a-z0-9-]+?)(?:[ \t]+|%20|\+|[ \t]*[=:][ \t]*)[\"'\\]{0,4}")
_parameters = pattern(
    r"(?i)\b(?:digest|aws4-hmac-sha256|hawk|oauth|mac|signature|token|vapid)[ \t]+[a-z_]+ ?="
    r"[^\r\n]*"
)
_secret_parameter = pattern(
    r"(?i)\b(?:response|signature|oauth_signature|oauth_token|mac|token|k|t) ?= ?\"?[^\s\"',]{6,}"
)
_hex_token = pattern(r"^[0-9a-f]{40}$")


def find(data: bytes) -> Iterator[Span]:
    """Yield the secrets in a view that a vendor, a standard or this project gave a shape."""
    for start, end in spans(_key, data):
        yield start, end, "api-key"
    for start, end in spans(_hook, data):
        yield start, end, "webhook-url"
    for start, end in spans(_jose, data):
        yield start, end, "jwt"
    if b"$" in data or b"SHA" in data:
        for start, end in spans(_hash, data):
            yield start, end, "password-hash"
    if b"BEGIN" in data or b"PuTTY" in data:
        yield from _private_keys(data)


def _private_keys(data: bytes) -> Iterator[Span]:
    """Yield the private keys in PEM and its likes, cut off ones to where their text ends."""
    after = 0
    while match := _pem.search(data, after):
        end = match.end()
        closing = _pem_end.search(data, end)
        body = _pem_body.match(data, end)
        until = body.end() if body else end
        # Whatever stands between the lines, a key that has an end goes until there.
        if closing and b"-BEGIN" not in data[end : closing.start()]:
            until = max(until if until <= closing.end() else 0, closing.end())
        yield match.start(), until, "private-key"
        after = max(until, end)


def authorizations(data: bytes) -> Iterator[Span]:
    """Yield what follows the name of an authorization scheme, if it is no word of a sentence."""
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
    """Tell whether what follows a scheme is no word of a sentence: "token SOL", "basic plan"."""
    if scheme == b"token":
        return bool(_hex_token.match(value))
    if scheme == b"basic":
        return len(value) >= 24 or b":" in (from_base64(value) or b"")
    return looks_random(value)


def looks_random(value: bytes) -> bool:
    """Tell whether a word looks made by a machine: digits, or capitals in it, or very long."""
    if b" " in value:
        return any(map(looks_random, value.split()))
    word = value.rstrip(b".:=,")
    if not word.strip(b"\x01"):
        return False
    if any(48 <= char <= 57 for char in word):
        return True
    letters = word.replace(b"-", b"").replace(b"_", b"").replace(b".", b"")
    if len(letters) >= 24 and b"-" not in word and b"." not in word:
        return True
    inner = letters[1:]
    return not letters.isupper() and not inner.islower() and sum(map(_is_upper, inner)) >= 2


def _is_upper(char: int) -> bool:
    return 65 <= char <= 90
