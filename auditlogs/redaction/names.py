"""Names: what the name of a value means for redaction.

Unambiguous names (`password`, `client_secret`) always have a secret as their value. Ambiguous ones
name harmless things too: a token may be an asset, a key an index, a code an error. A value under an
ambiguous name has to look like a secret.
"""

import enum
import re
import string
from collections.abc import Iterable
from functools import lru_cache

from auditlogs.redaction.folding import MEANING, fold
from auditlogs.redaction.forks import redactions
from auditlogs.redaction.patterns import pattern
from auditlogs.redaction.randomness import is_random


class Kind(enum.IntEnum):
    """What a name means for its value."""

    PLAIN = 0
    # A hash, a signature, an address, a public key: 64 hexadecimal digits are no private key.
    PUBLIC = 1
    # A secret, or the symbol or address of an asset.
    TOKEN = 2
    # A secret, or a word.
    DOUBTFUL = 3
    SECRET = 4


# Names of secrets only if they are the whole name: as a part of one they may be harmless.
_WHOLE = frozenset(
    """
    cred creds csrf cvc cvv cvv2 jwk jwks nsec otp pin psk totp xprv xsrf xauth entropyhex
    """.split()
)
# Names of secrets also if other words precede them: `app_session_key`.
_LAST_WORDS = frozenset(
    """
    accesscode aeskey authcode authorizationcode backupcode backupcodes bottoken cardnumber
    cipherkey creditcardnumber cvv decryptionkey deploykey deploytoken devicetoken discordtoken
    enckey extendedkey githubtoken gitlabtoken hmackey hftoken identitytoken idtoken invitetoken
    jsessionid jwttoken keypair logintoken mfacode mfatoken npmtoken oauthtoken onetimecode otpcode
    otptoken personaltoken phpsessid privkey prvkey proxyauthorization pushtoken recoverycode
    recoverycodes registrytoken resettoken seckey securitycode servicetoken sessioncookie sessionkey
    setcookie sharedkey sharedaccesssignature signintoken slacktoken smscode spendkey sshprivkey
    statetoken telegramtoken totpcode twofactorcode usertoken vaulttoken verificationcode
    verificationtoken webhooktoken xsrftoken adminpass authpass dbpass ftppass loginpass mailpass
    mysqlpass pgpass proxypass redispass rootpass rpcpass smtppass sshpass userpass walletpass
    keystorepass keypass storepass truststorepass certpass adminpwd dbpwd userpwd rootpwd userpw
    dbpw adminpw rootpw mypw samlresponse clientassertion walletseed masterseed seedhex seedwords
    mnemonicwords macaroon codeverifier securityanswer secretanswer csrfmiddlewaretoken otp psk
    facode 2facode userpin cardpin atmpin walletpin securitypin otpauth otpseed totpseed totpuri
    onetimepassword pw pwd mdp clientcredentials keymaterial privatekeymaterial plaintextkey
    clavesecreta claveprivada claveapi cleprivee clesecrete cleapi chaveprivada chavesecreta
    privatschluessel geheimschluessel apischluessel secretkeybase parola parool sandi heslo haslo
    geslo sifre senha senhas passord salasana jelszo kodeord lozinka zaporka loesenord losenord
    slaptazodis pasahitza lykilord fjalekalim contrasenya matkhau katasandi katalaluan codigosecreto
    geheimnis apihash devicecode stringsession sessionstring tradingpin accountpin transactionpin
    loginpin accesspin mpin invitecode invitationcode losenordet passordet
    adgangskoden
    """.split()
)
# Endings that mean a secret even in the middle of a word: `dbpassword`, `botApiKey`.
_ENDINGS = (
    *("accesskey", "accesstoken", "apikey", "apitoken", "authtoken", "authenticationtoken"),
    *("authorizationtoken", "bearertoken", "credential", "csrftoken", "encryptionkey"),
    *("hmackey", "kennwort", "keysecret", "masterkey", "mnemonic", "motdepasse", "passcode"),
    *("passphrase", "passwd", "password", "passwort", "presharedkey", "privatekey", "backupphrase"),
    *("recoveryphrase", "recoveryseed", "refreshtoken", "secret", "secretkey", "secretphrase"),
    *("secrettoken", "securitytoken", "seedphrase", "sessionsecret", "sessiontoken", "signingkey"),
    *("walletkey", "withdrawalkey", "contrasena", "mnemonicphrase", "extendedprivatekey"),
    *("userpwd", "ftppwd", "dbpwd", "wachtwoord", "adgangskode", "losenord", "clientsecret"),
)
# Ambiguous endings, after any other letters.
_DOUBTFUL_ENDINGS = ("key", "keys", "pass", "auth", "cookie", "cookies", "seed", "seeds")
# Ambiguous last words, but not endings of words: a risk is no `sk`, a barcode no `code`.
_DOUBTFUL_WORDS = frozenset(
    """
    authorization bearer clave code entropy keyshare keystore jwe jws jwt parol parole pat pk seed
    share sid
    signer sk sessioncookie wif
    """.split()
)
_ALONE = frozenset(
    "token auth authorization bearer cookie cookies jwe jws jwt seed seeds sid".split()
)
# Words before a key or a token that make it harmless: `primary key`, `page token`.
_HARMLESS = frozenset(
    """
    base bind bucket cache clientrequest column composite config configuration continuation
    cursor data dedup deduplication entity entry event feature field flag foreign group hash hot
    idempotency index issue item job label lock lookup map message metric natural next nextpage
    market object order page pagination parent part partition pool position prev previous price
    primary progress project property query range redis resource resume route routing row s3 search
    setting shard shortcut sort storageslot surrogate sync tag task template translation unique
    verify verifying verification walk watermark
    """.split()
)
# Words before a token that make it an asset, or harmless: `base token`, AWS's `clientToken`.
_ASSETS = frozenset(
    """
    a ask b base bid borrow buy client collateral debt dest destination fee from gas governance in
    input lp native out output paid pay payment pool quote receive reward sell settlement source
    stake supply swap to underlying want wrapped yield
    """.split()
)
# Words after a name whose value is still the secret: `passwordConfirmation`.
_STILL_SECRET = frozenset(
    """
    neu neue neues alt nuevo nueva novo nova uzytkownika utilisateur utente usuario again backup
    base64 b64 binary bytes clear cleartext confirm confirmation copy current decrypted dev digest
    enc encoded encrypted hash hashed header hex json live main md5 new next old original pem phrase
    plain plaintext prev previous primary prod production raw repeat repeated retype salt secondary
    sha256 sha512 bcrypt argon2 staging str string temp test text tmp val value verify words
    """.split()
) | frozenset(
    # Whom or what it is for, last in the names of environment variables: `API_KEY_BINANCE`.
    """
    alpaca aster backpack binance bitfinex bitget bitmex bitstamp bybit coinbase cryptocom deribit
    dydx gate gateio gemini htx huobi hyperliquid ibkr kraken kucoin mexc oanda okx paradex phemex
    polymarket uniswap jupiter raydium arbitrum avalanche avax bitcoin bnb bsc btc eth ethereum
    optimism polygon sei sol solana sui ton tron mainnet testnet devnet sepolia sandbox paper uat
    mongo mongodb mysql postgres postgresql redis rabbitmq kafka smtp telegram discord slack openai
    anthropic github gitlab aws azure gcp stripe twilio sendgrid bot trader trading deployer
    """.split()
)
# Words after a name whose value only describes the secret: `SECRET_FILE`.
_DESCRIBED = frozenset(
    """
    account action age alg algorithm arn at by count created date description dir disabled email
    enabled env expiration expires expiry file files fingerprint for format group host id ids index
    issuer kid label last4 length limit link location manager max min mode name names namespace on
    owner path period policy port prefix provider ref reference region required role rotated
    rotation scope scopes service size source state status store suffix time ttl type uid uri url
    user username users var version
    """.split()
)
# Words before a name whose value only describes the secret: `has_password`.
_DESCRIBING = frozenset(
    """
    has is requires require required needs needed missing without uses use supports allow allows
    expire expires force show hide no non min max num count enable enabled disable disabled
    """.split()
)
_STILL_SECRET_ENDINGS = tuple(_STILL_SECRET)
_PUBLIC = frozenset("public pub pubkey pubkeys publickey address addr addresses addrs".split())
_SIGNATURES = frozenset(
    """
    signature sig tx txn txid txids txhash transaction transactionid transactionhash hash proof
    blockhash txsignature transactionsignature digest checksum root
    """.split()
)
_NO_SIGNS = dict.fromkeys(map(ord, string.punctuation + string.whitespace + "\x7f"))
_SEPARATED = str.maketrans(dict.fromkeys(string.punctuation + string.whitespace, " "))

# Every name of a secret contains one of these, so that most names need no further check.
CORES = (
    "pass|pw|secret|token|key|auth|cookie|cred|bearer|mnemonic|seed|jw[tsek]|otp|cv[vc]|pin|phrase"
    "|psk|wif|prv|sess|sid|code|csrf|xsrf|kennwort|contrasen|motdepasse|number|words|nsec|signer"
    "|signature|entropy|assertion|samlresponse|macaroon|verifier|answer|share|keymaterial|mdp"
    "|wachtwoord|senha|sifre|clave|parol|haslo|heslo|geslo|losenord|loesenord|kode|salasana"
    "|jelszo|lozinka|zaporka|slaptazod|pasahitza|lykilord|fjalekalim|khau|sandi|laluan|geheim"
    "|schluessel|parool|chave|cle(?:privee|secrete|api)"
    r"|(?:_|\b)(?:[ps]k|pat)\b|api_?hash"
)
_CORES = CORES.replace(r"(?:_|\b)(?:[ps]k|pat)\b", "(?:[ps]k|pat)$")
_cores = pattern(_CORES)
_SIGNATURE_CORES = "sig|tx|hash|proof|transaction|digest|checksum|root|pub|addr"
_signature_cores = pattern(_SIGNATURE_CORES)
_any_cores = pattern(_CORES + "|" + _SIGNATURE_CORES)
_version = re.compile("v?[0-9]+")
_last_version = re.compile("v?[0-9]+$")
# Addresses in base58 are keys of balances, and some end in letters that would name a secret.
_address = re.compile("[1-9A-HJ-NP-Za-km-z]{32,44}")
# A capital that begins a word: after a small letter or a digit, or as the last of several.
_capital = re.compile("(?<=[a-z0-9])[A-Z]|(?<=[A-Z])[A-Z](?=[a-z])")
# Longer names hardly ever recur, and may be secrets themselves, so they are not cached.
REMEMBERED = 40


class Names:
    """The built-in names of secrets, and an operator's own."""

    def __init__(self, extra: Iterable[str] = ()) -> None:
        self.extra = frozenset(filter(None, ("".join(_words(name)) for name in extra)))
        self._last_words = _LAST_WORDS | self.extra
        self._remembered = lru_cache(maxsize=16_384)(self._kind)

    def kind(self, name: str) -> Kind:
        """Return what a name means for its value."""
        return self._remembered(name) if len(name) <= REMEMBERED else self._kind(name)

    def is_secret(self, name: str) -> bool:
        """Return whether the value of a name is, or may be, a secret."""
        return self.kind(name) >= Kind.TOKEN

    def _kind(self, name: str) -> Kind:
        name = name[-1000:]
        plain = plain_name(name)
        data = plain.encode()
        has_extra = bool(self.extra) and any(extra in plain for extra in self.extra)
        # Most names contain neither, and splitting a name into words is the costliest step.
        if not has_extra and not _any_cores.search(data):
            return Kind.PLAIN
        if _address.fullmatch(name) and is_random(name):
            return Kind.PLAIN
        may_be_secret = has_extra or _cores.search(data)
        words = _words(name)
        if may_be_secret:
            if not words or (len(words) > 1 and words[0] in _DESCRIBING):
                return Kind.PLAIN
            if MEANING in plain and not name.isascii():
                return Kind.SECRET
            if not _PUBLIC.isdisjoint(words) or plain.startswith("pubkey"):
                return Kind.PUBLIC
            if self._is_secret(plain, words) or plain_name(name.rpartition(".")[2]) in _WHOLE:
                return Kind.SECRET
            if kind := _doubtful(words):
                return kind
            if name.isupper() and self._names_secret_of(words):
                return Kind.DOUBTFUL
        return Kind.PUBLIC if _is_public(plain, words) else Kind.PLAIN

    def _is_secret(self, plain: str, words: list[str]) -> bool:
        if self._names_secret(_last_version.sub("", plain), words):
            return True
        # Words such as "confirmation" and versions are removed from the end one by one.
        while words and _adds_nothing(words[-1]):
            words = words[:-1]
            plain = "".join(words).rstrip(string.digits)
            if plain.endswith(_ENDINGS) or self._ends_with_name(words) or plain in _WHOLE:
                return True
        return _ends_with_secret(plain)

    def _names_secret(self, plain: str, words: list[str]) -> bool:
        return (
            plain in _WHOLE
            or plain.endswith(_ENDINGS)
            or (plain.endswith("s") and plain[:-1].endswith(_ENDINGS))
            or self._ends_with_name(words)
        )

    def _names_secret_of(self, words: list[str]) -> bool:
        """Return whether an environment variable names a secret and then whose: `API_KEY_DESK`."""
        return any(
            self._names_secret("".join(words[:end]), words[:end])
            for end in range(max(1, len(words) - 2), len(words))
            if _DESCRIBED.isdisjoint(words[end:])
        )

    def _ends_with_name(self, words: list[str]) -> bool:
        """Return whether the last words of a name, joined, are the name of a secret."""
        joined = ""
        for word in reversed(words[-8:]):
            joined = (word if joined else word.rstrip(string.digits)) + joined
            if joined in self._last_words:
                return True
        return "".join(words).rstrip(string.digits) in self._last_words


def _adds_nothing(word: str) -> bool:
    """Return whether the value of a name is still the secret when this word follows it."""
    return (
        word in _STILL_SECRET
        or word.rstrip(string.digits) in _STILL_SECRET
        or _version.fullmatch(word) is not None
    )


def _doubtful(words: list[str]) -> Kind | None:
    if words[-1] in ("hash", "hashed", "digest") or words[0] in ("hashed", "masked", "hmac"):
        return None
    while len(words) > 1 and _adds_nothing(words[-1]):
        words = words[:-1]
    last = words[-1].rstrip(string.digits)
    before = words[-2] if len(words) > 1 else ""
    if before in _HARMLESS or "".join(words[-3:-1]) in _HARMLESS:
        return None
    if last.endswith(("token", "tokens")):
        return None if before in _ASSETS else Kind.TOKEN
    if last in _DOUBTFUL_WORDS and (last != "code" or len(words) == 1):
        return Kind.DOUBTFUL
    return Kind.DOUBTFUL if last.endswith(_DOUBTFUL_ENDINGS) else None


def _ends_with_secret(plain: str) -> bool:
    """Return the same for a name without separators: `passwordconfirmation`."""
    if not plain.endswith(_STILL_SECRET_ENDINGS):
        return False
    return any(
        plain.endswith(word) and plain.removesuffix(word).endswith(_ENDINGS)
        for word in _STILL_SECRET
    )


NAMES = Names()


def is_secret_name(name: str) -> bool:
    """Return whether a name is that of a secret, or a word used for one: `token`, `auth`."""
    with redactions:
        kind = NAMES.kind(name)
    alone = plain_name(name).rstrip(string.digits) in _ALONE
    return kind is Kind.SECRET or (kind >= Kind.TOKEN and alone)


def _is_public(plain: str, words: list[str]) -> bool:
    if not words or not _signature_cores.search(plain.encode()):
        return False
    last = words[-1].rstrip(string.digits)
    return (
        not _PUBLIC.isdisjoint(words)
        or not _SIGNATURES.isdisjoint(
            (last, last.removesuffix("s"), last.removesuffix("es"), plain)
        )
        or last.endswith(("hash", "signature", "address"))
    )


def plain_name(name: str) -> str:
    """Return the letters and digits of a name, in lower case."""
    return fold(name).translate(_NO_SIGNS).lower()


def _words(name: str) -> list[str]:
    """Return the words of a name in lower case: `userAPIKey_2` is user, api, key, 2."""
    folded = fold(name).translate(_SEPARATED)
    return (folded if folded.islower() else _capital.sub(r" \g<0>", folded)).lower().split()
