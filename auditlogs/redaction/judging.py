"""Judging: whether the value under the name of a secret is the secret itself.

Under an unambiguous name it is, unless the value only describes the secret: a state (`required`),
a placeholder (`***`, `${DB_PASSWORD}`), a reference (an ARN, a path) or an error message. Under an
ambiguous name it has to look random, and must not be an address or an id.
"""

import binascii
import re
from base64 import urlsafe_b64decode

from auditlogs.redaction.chains import is_base58_address
from auditlogs.redaction.marks import is_mark
from auditlogs.redaction.names import NAMES, Kind
from auditlogs.redaction.randomness import is_random

# States of a secret, which are not the secret itself.
STATES = frozenset(
    """
    absent accepted active added allow allowed any app applied approved assigned authenticated
    authenticator authorized available basic bearer blocked boolean change changed cleared
    compromised configured confirmed correct created default defined delete deleted denied deny
    detected digest disabled email empty enabled encrypted error exists expired expires external
    failed failure false filtered forbidden forgotten found generated given granted granting hidden
    ignored inactive include incorrect inherited int integer internal invalid issued jwt kerberos
    ldap leaked locked lost malformed managed mandatory masked match matched missing mtls na nil no
    none null number oauth oauth2 off ok oidc omit on open optional pass passed pending present
    private protected provided public pushed read redacted refused rejected removed renewed replaced
    requested required reset restored revoked role rotated rotating rotation same saml same-origin
    sent server set short skipped sms sso store stored str string strong success successful
    succeeded supported temporary text too-short too-weak true type undefined unauthorized unchanged
    unknown unlocked unset unsupported unused unverified updated used user valid verified verifying
    wanted weak wrong yes
    """.split()
)
_NOT_STATES = re.compile(r"(?:(?:not|is|was|been|has|are|never|already|to|be|must|by|n/?a)[ _-]?)*")
_SENTENCE = re.compile(
    r"(?i)\b(?:must|required?|should|cannot|can't|can not|invalid|incorrect|too (?:short|long|weak|"
    r"common|similar)|at least|characters|expired?|has been|have been|was (?:re)?set|was changed|"
    r"this field|may not|does(?:n't| not)|is not|blank|match|failed|missing|wrong|denied|"
    r"please|ensure|provide)\b"
)
_PLACEHOLDER = re.compile(
    # Dots and asterisks, or the line below the heading of a table.
    r"-|[*•●xX.·…_#-]{3,}|[-=+|:]{3,}|[*•]{3,}\w{0,6}|.{0,8}(?:\*{4,}|•{4,}|…|x{6,}).{0,4}"
    r"|\$\{[^{}]*\}?|\$[A-Z][A-Z0-9_]*|\$[0-9]|\$\([^()]*\)(?: .*)?|\$?\{\{.*\}\}"
    r"|\{[A-Za-z_]*\}|%\w*%|%\(?\w*\)?[sd]"
    r"|<[A-Za-z][A-Za-z _.-]*>|\[[A-Za-z][A-Za-z _.-]*\]|\([A-Za-z][A-Za-z _.-]*\)"
    r"|hmac-sha256:[0-9a-f]{64}|!(?:secret|vault|env|ref|include|Ref|GetAtt|Sub|ImportValue)\b.*"
    r"|HIDDEN_DUE_TO_SECURITY_REASONS|(?i:your|my|the|some|example|dummy)[-_ ][A-Za-z_ -]*"
    r"|[A-Z]{2,}(?:_[A-Z]+)*_(?:HERE|PLACEHOLDER|REDACTED)"
)
# References to a secret: its ARN, its path, where it is stored.
_REFERENCE = re.compile(
    r"arn:[a-z-]*:.*|projects/[^/]+/(?:secrets|locations|serviceAccounts)/.*|(?:op|vault|ref\+\w+|"
    r"awssm|gcpsm|azurekv|secretsmanager|ssm|env|file|keyring)://?.*|(?:env|vault|secret|ssm):[\w./#-]+"
    r"|https://[a-z0-9-]+\.vault\.azure\.net/.*|alias/[\w/-]+|@Microsoft\.KeyVault\(.*"
    r"|\{\{?resolve:.*|secret(?:s)?/[\w./-]+|(?:[a-z]+/)+[a-z_-]+"
    # In code: the variable or call that the value comes from.
    r"|(?:self|settings|config|cfg|conf|env|environ|os|process|var|local|args|kwargs|data|module"
    r"|this|request|req|opts|options|params|props|state|input|inputs|vars|ctx|context|app|secrets"
    r"|credentials|creds|account|user|form|cls|client)(?:\.[A-Za-z_]|\[)[\w.\[\]'\"()]*"
    r"|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*\([\w.,'\" ]*\)?|[\[({]|(?:await|yield|new|lambda)(?: .*)?"
    # Type annotations.
    r"|(?:bool|str|bytes|int|float|Optional\[\w+\]|SecretStr|string)(?: \| \w+)*(?: ?= ?\w+)?"
)
_ENV_NAME = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*")
_PUBLIC_KEY = re.compile(
    r"(?:ssh-(?:rsa|ed25519|dss)|ecdsa-sha2-\S+|sk-ssh-\S+) AAAA.*|age1[a-z0-9]{58}"
)
# An access key ID is the public name of a key, and investigations in AWS start from it.
ACCESS_KEY_ID = re.compile(r"(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA|AROA|AIDA)[A-Z0-9]{12,}")
_UUID = re.compile(r"(?i)\{?[0-9a-f]{8}-?(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\}?")
# Ids, addresses and assets: not secrets under an ambiguous name.
_HARMLESS = re.compile(
    r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*[-_:]v?[0-9]+(?:\.[0-9]+)+|[A-Z_]+#[^\s]*|UTC--[0-9T.Z-]+--[0-9a-f]{40}|[0-9][0-9.,:_TZ+-]*|01[0-9A-HJKMNP-TV-Z]{24}|0x[0-9a-fA-F]{1,63}|S-1-[0-9-]+|/[^?]*|[^@\s]+@[\w-]+(?:\.[\w-]+)+"
    r"|(?:https?|wss?|ipfs|ar|s3|gs|file)://.*|ibc/[0-9A-F]{64}|factory/.*|(?:hmac-)?(?:SHA|sha)(?:1|256|512)[:-].*"
    r"|(?:[\w.-]+/)+[\w.-]+\.[a-z0-9]{1,5}(?:\.gz)?"
    r"|0x[0-9a-fA-F]+(?:::\w+)+|(?:AC|AP|CA|CF|CN|DN|HX|IP|MB|MC|MM|NO|PN|QU|RE|SM|UC|US|WF|WK)"
    r"[0-9a-f]{32}|[0-9A-F]{40}\+[A-Z0-9]+|Qm[1-9A-HJ-NP-Za-km-z]{44}|baf[a-z2-7]{56}"
    r"|(?:bc|tb|ltc|cosmos|osmo|inj|sei|celestia|dydx|neutron|terra|addr|stake|kava|juno|akash|thor"
    r"|erd|zil|one|axelar|noble|stars|bnb|dym|init|elys|nil)1[02-9ac-hj-np-z]{38,110}"
    r"|[GCM][A-Z2-7]{55}(?:[A-Z2-7]{13})?|[rX][1-9A-HJ-NP-Za-km-z]{24,34}"
    r"|(?:tok|key|ord|req|usr|user|acc|acct|cus|evt|sub|price|prod|pm|pi|card|agent|bot|org|proj|id"
    r"|cred|ses|sess|txn|tx|inv|pos|run|job|task|msg|call|thread|asst|file|batch|trace|span|sec|ref"
    r"|conn|auth|sid|wh|we|ch|in|po|re|src|seti|si|ba|btok|apikey|ak|kid|arn)[_-][0-9A-Za-z_-]{1,40}"
)
# The words of Monero, Electrum and SLIP-39, which are not those of BIP-39.
_SEED_WORDS = re.compile(r"[a-z]{3,12}(?: [a-z]{3,12}){11,32}")
_WORDS_OF_SENTENCES = frozenset(
    "and are but for from has have not that the this was with you".split()
)
# The bytecode of a contract.
_CODE = re.compile(r"(?:0x)?[0-9a-fA-F]+")
_HEX_KEY = re.compile(r"(?i)(?:0x)?(?:ed|00)?(?:[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})")
_TON = re.compile(r"[EUk0][Qf][0-9A-Za-z_-]{46}")
_WORDS_OF_HEADER = re.compile(r"[^\s,;]+")
_SEVERAL = ("keys", "tokens", "seeds", "cookies")
_SHORTEST_OF_SEVERAL = 16
_HEADERS = ("authorization", "authheader", "auth", "cookie", "cookies", "bearer")


def is_secret(value: str, kind: Kind, plain: str) -> bool:
    """Return whether a text is the secret that its name announces.

    `plain` has the letters and digits of that name, in lower case.
    """
    if not value.strip(" \x01") or is_mark(value):
        return False
    if kind is Kind.SECRET:
        return not describes_secret(value, plain)
    text = value.strip()
    if plain == "code" and _CODE.fullmatch(text):
        return False
    if plain.endswith(("seed", "share")) and _SEED_WORDS.fullmatch(text):
        return _WORDS_OF_SENTENCES.isdisjoint(text.split())
    if plain.endswith(_HEADERS) and (" " in text or "=" in text):
        return _is_credential_header(text)
    if plain.endswith(_SEVERAL) and len(text) < _SHORTEST_OF_SEVERAL:
        return False
    return looks_secret(
        text, is_asset=kind is Kind.TOKEN, is_id=plain.endswith(("key", "sid", "code", "pk", "sk"))
    )


def describes_secret(value: str, plain: str = "") -> bool:
    """Return whether a text under the name of a secret only describes it: a state, a reference."""
    text = value.strip()
    if not text or is_state(text) or _PLACEHOLDER.fullmatch(text) or _REFERENCE.fullmatch(text):
        return True
    if ACCESS_KEY_ID.fullmatch(text) or _PUBLIC_KEY.match(text):
        return True
    if _ENV_NAME.fullmatch(text) and "_" in text and NAMES.is_secret(text):
        return True
    if plain in ("pwd", "oldpwd") and text[0] in "/~":
        return True  # A shell's working directory.
    spaces = text.count(" ")
    if spaces >= 2 and text.endswith(".") and text[:-1].replace(" ", "").isalpha():
        return True
    return spaces + text.endswith(".") >= 2 and bool(_SENTENCE.search(text))


def is_state(text: str) -> bool:
    """Return whether a text is a state: `required`, `not set`, `REVOKED`."""
    if len(text) > 40:
        return False
    word = text.lower().strip(" .!?,;:")
    if word in STATES:
        return True
    rest = word[_prefix_end(word) :]
    return not rest or rest in STATES


def _prefix_end(word: str) -> int:
    match = _NOT_STATES.match(word)
    return match.end() if match else 0


def looks_secret(text: str, *, is_asset: bool = False, is_id: bool = False) -> bool:
    """Return whether a text is as long and random as a secret, and is not an id or an address.

    With `is_asset` the address of an asset is no secret, with `is_id` a UUID is none.
    """
    if len(text) < 12 or " " in text:
        return False
    if _HEX_KEY.fullmatch(text):
        return not (is_asset and text[:2].lower() == "0x")
    if _UUID.fullmatch(text):
        return not is_id
    if _HARMLESS.fullmatch(text) or ACCESS_KEY_ID.fullmatch(text) or is_base58_address(text):
        return False
    if _PUBLIC_KEY.match(text) or _is_ton_address(text) or "::" in text:
        return False
    if is_id and ":" in text:
        return any(looks_secret(part) for part in text.split(":"))
    return is_random(text)


def _is_ton_address(text: str) -> bool:
    if not _TON.fullmatch(text):
        return False
    data = urlsafe_b64decode(text)
    return binascii.crc_hqx(data[:-2], 0) == int.from_bytes(data[-2:])


def _is_credential_header(text: str) -> bool:
    """Return whether the value of an Authorization or Cookie header has a credential."""
    scheme, _, credentials = text.partition(" ")
    if scheme.lower() in _SCHEMES and describes_secret(credentials):
        return False
    words = _WORDS_OF_HEADER.findall(text[:4096])
    if "=" in text:
        return any(not describes_secret(word.partition("=")[2]) for word in words if "=" in word)
    rest = [word for word in words[1:] if not describes_secret(word)]
    return (words[0].lower().rstrip(":") in _SCHEMES and bool(rest)) or any(
        looks_secret(word) for word in words
    )


_SCHEMES = frozenset("basic bearer token digest negotiate ntlm dpop apikey api-key jwt bot".split())
