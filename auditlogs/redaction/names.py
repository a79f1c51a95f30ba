"""Names: which keys say that their value is a secret."""

import string
from collections.abc import Iterable
from functools import lru_cache

import re2

from auditlogs.redaction.folding import fold

# Names that are secrets as a whole only: words that also stand for harmless things.
_WHOLE = frozenset(
    """
    auth authorization bearer cookie cookies cred creds csrf cvc cvv cvv2 jwt jws jwe nsec otp pin
    psk pw pwd seed seeds sid token totp wif xprv xsrf xauth entropyhex
    """.split()
)
# Names that are secrets too where other words come before them: `hub_session_key`.
_LAST_WORDS = frozenset(
    """
    accesscode accountkey aeskey appkey applicationkey authcode authkey authorizationcode backupcode
    backupcodes bottoken cardnumber cipherkey clientkey consumerkey creditcardnumber cvv
    decryptionkey deploykey deploytoken devicetoken discordtoken enckey extendedkey
    githubtoken gitlabtoken hmackey hftoken identitytoken idtoken invitetoken jsessionid jwttoken
    keypair logintoken mfacode mfatoken npmtoken oauthtoken onetimecode otpcode otptoken
    personaltoken phpsessid privkey prvkey proxyauthorization pushtoken recoverycode
    recoverycodes registrytoken resettoken rootkey rsakey seckey secretid securitycode
    servicetoken sessioncookie sessionkey setcookie sharedkey sharedaccesssignature signintoken
    slacktoken smscode spendkey sshkey sshprivkey statetoken telegramtoken totpcode twofactorcode
    usertoken vaulttoken verificationcode verificationtoken viewkey webhooktoken xsrftoken
    adminpass authpass dbpass ftppass loginpass mailpass mysqlpass pgpass proxypass redispass
    rootpass rpcpass smtppass sshpass userpass walletpass adminpwd dbpwd userpwd rootpwd
    samlresponse clientassertion walletseed masterseed seedhex seedwords mnemonicwords
    """.split()
)
# Endings that mean a secret even where no word begins: `dbpassword`, `botApiKey`.
_ENDINGS = (
    *("accesskey", "accesstoken", "apikey", "apitoken", "authtoken", "authenticationtoken"),
    *("authorizationtoken", "bearertoken", "credential", "csrftoken", "encryptionkey"),
    *("hmackey", "kennwort", "keysecret", "masterkey", "mnemonic", "motdepasse", "passcode"),
    *("passphrase", "passwd", "password", "passwort", "presharedkey", "privatekey", "backupphrase"),
    *("recoveryphrase", "recoveryseed", "refreshtoken", "secret", "secretkey", "secretphrase"),
    *("secrettoken", "securitytoken", "seedphrase", "sessionsecret", "sessiontoken", "signingkey"),
    *("walletkey", "withdrawalkey", "contrasena", "mnemonicphrase", "extendedprivatekey"),
)
# Words after such a name that leave the secret in the value: `passwordConfirmation`.
_CARRYING = frozenset(
    """
    again backup base64 b64 binary bytes clear cleartext confirm confirmation copy current decrypted
    dev enc encoded encrypted hash hashed hex json live main md5 new next old original pem phrase
    plain plaintext prev previous primary prod production raw repeat repeated retype salt secondary
    sha256 staging str string temp test text tmp val value verify words
    """.split()
)
# Words before a name that make it a question about the secret.
_ASKING = frozenset("has is requires require required needs needed missing without".split())
_SIGNATURES = frozenset(
    """
    signature sig tx txn txid txids txhash transaction transactionid transactionhash hash proof
    blockhash txsignature transactionsignature
    """.split()
)
_NO_SIGNS = dict.fromkeys(map(ord, string.punctuation + string.whitespace + "\x7f"))
_SEPARATED = str.maketrans(dict.fromkeys(string.punctuation + string.whitespace, " "))
# Beside the spelling in Latin letters, which folding would garble.
_FOREIGN = ("пароль", "密码", "密碼", "パスワード", "비밀번호", "секрет", "токен")


# Every name of a secret holds one of these, so that few names have to be looked at.
CORES = (
    "pass|pw|secret|token|key|auth|cookie|cred|bearer|mnemonic|seed|jw[tse]|otp|cv[vc]|pin|phrase"
    "|psk|wif|prv|sess|sid|code|csrf|xsrf|kennwort|contrasen|motdepasse|number|words|nsec"
    "|signature|entropy|assertion|samlresponse"
)
_cores = re2.compile(CORES)
_signature_cores = re2.compile("sig|tx|hash|proof|transaction")
# Longer names than this hardly ever come again, and might be secrets themselves.
REMEMBERED = 40


class Names:
    """The names of secrets: the known ones, and an operator's own."""

    def __init__(self, extra: Iterable[str] = ()) -> None:
        self.extra = frozenset(filter(None, ("".join(_words(name)) for name in extra)))
        self._last_words = _LAST_WORDS | self.extra
        self._remembered = lru_cache(maxsize=16_384)(self._is_secret)

    def is_secret(self, name: str) -> bool:
        """Tell whether a name says that what it names is a secret."""
        return self._remembered(name) if len(name) <= REMEMBERED else self._is_secret(name)

    def _is_secret(self, name: str) -> bool:
        name = name[-1000:]
        if not name.isascii() and any(word in name.casefold() for word in _FOREIGN):
            return True
        plain = plain_name(name)
        if not _cores.search(plain) and not any(extra in plain for extra in self.extra):
            return False
        words = _words(name)
        if len(words) > 1 and words[0] in _ASKING:
            return False
        if self._names_secret(plain.rstrip(string.digits), words):
            return True
        # Plurals, then words that leave the secret in the value: one more is taken off each time.
        while words and (words[-1] in _CARRYING or words[-1].isdigit()):
            words = words[:-1]
            plain = "".join(words).rstrip(string.digits)
            if plain.endswith(_ENDINGS) or self._ends_with_name(words):
                return True
        return _ends_with_carried(plain)

    def _names_secret(self, plain: str, words: list[str]) -> bool:
        return (
            plain in _WHOLE
            or plain.endswith(_ENDINGS)
            or (plain.endswith("s") and plain[:-1].endswith(_ENDINGS))
            or self._ends_with_name(words)
        )

    def _ends_with_name(self, words: list[str]) -> bool:
        """Tell whether the last words of a name are that of a secret, joined."""
        joined = ""
        for word in reversed(words[-8:]):
            joined = (word if joined else word.rstrip(string.digits)) + joined
            if joined in self._last_words:
                return True
        return "".join(words).rstrip(string.digits) in self._last_words


def _ends_with_carried(plain: str) -> bool:
    """Tell the same of a name without visible words: `passwordconfirmation`."""
    for word in _CARRYING:
        if plain.endswith(word) and plain.removesuffix(word).endswith(_ENDINGS):
            return True
    return False


NAMES = Names()
is_secret_name = NAMES.is_secret


def is_signature_name(name: str) -> bool:
    """Tell whether a name says that what it names is a public signature or hash."""
    if not _signature_cores.search(fold(name).lower()):
        return False
    words = _words(name[-200:])
    last = words[-1].rstrip(string.digits)
    return not _SIGNATURES.isdisjoint(
        (last, last.removesuffix("s"), last.removesuffix("es"), "".join(words))
    )


def plain_name(name: str) -> str:
    """Return the letters and digits of a name, in lower case."""
    return fold(name).translate(_NO_SIGNS).lower()


def _words(name: str) -> list[str]:
    """Return the words of a name in lower case: `userAPIKey_2` is user, api, key, 2."""
    folded = fold(name).translate(_SEPARATED)
    if folded.islower():
        return folded.split()
    spaced = []
    before = " "
    for i, char in enumerate(folded):
        if char.isupper() and (
            before.islower()
            or before.isdigit()
            or (before.isupper() and folded[i + 1 : i + 2].islower())
        ):
            spaced.append(" ")
        spaced.append(char)
        before = char
    return "".join(spaced).lower().split()
