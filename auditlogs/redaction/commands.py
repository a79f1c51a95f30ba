"""Commands: secrets in the options of command lines, as texts and as lists of words."""

from collections.abc import Iterator, Sequence
from itertools import accumulate, chain, pairwise

from auditlogs.redaction.judging import STATES, describes_secret, is_secret, looks_secret
from auditlogs.redaction.marks import is_mark
from auditlogs.redaction.names import Kind, Names, plain_name
from auditlogs.redaction.patterns import Span, pattern, spans
from auditlogs.redaction.randomness import looks_made_up
from auditlogs.redaction.values import Place, skip, value

RULE = "key-name"
# Options that carry a secret in a few programs only: the program, and the text before the value.
_PROGRAMS = (
    (r"(?:mysql|mariadb)\w*", r"-p"),
    (r"sshpass", r"-p[ =]?"),
    (r"(?:docker|podman|buildah|skopeo|helm|oras|az|cf|oc|crane)\s(?:[^|;&]*\s)?login", r"-p[ =]"),
    (r"mongo(?:sh|dump|restore|export|import|stat)?", r"-p[ =]?"),
    (r"(?:redis|valkey|keydb)-cli", r"-a[ =]"),
    (r"ldap(?:search|add|modify|delete|passwd|whoami)", r"-[wy][ =]"),
    (r"(?:sqlcmd|bcp|cqlsh|snowsql)", r"-[Pp][ =]?"),
    (r"(?:plink|pscp|psftp|putty)", r"-pw[ =]"),
    (r"(?:7z\w*|rar|unrar)", r"-p"),
    (r"(?:zip|unzip|zipcloak)", r"-P[ =]"),
    (r"openssl", r"-(?:passin|passout|pass)[ =]pass:"),
    (r"openssl\s+enc", r"-[kK][ =]"),
    (r"https?|xh", r"(?:-a|--auth)[ =][\w.@-]+:"),
    (r"curl", r"(?:-E|--cert)[ =][\w./~-]+:"),
    (r"ssh-keygen", r"-[NP][ =]"),
    (r"xfreerdp", r"/p(?:ass)?:"),
    (r"(?:ipmitool|snmp\w+)", r"-[PAX][ =]"),
    (r"\w+-cli\s(?:[^|;&]*\s)?(?:walletpassphrase|encryptwallet|importprivkey)", r""),
    (r"vault\s+(?:login|operator\s+unseal)", r""),
    (r"rabbitmqctl\s+(?:add_user|change_password)\s+\S+", r""),
    (r"gh\s+secret\s+set\s+\S+", r"(?:--body|-b)[ =]"),
    (r"net\s+user\s+\S+", r""),
    (r"htpasswd\s+-\w*b\w*\s+\S+\s+\S+", r""),
)
_start = r"(?:^|[\s/|;&(\"'])"
_program = pattern(_start + "(?:" + "|".join(f"(?:{name})" for name, _ in _PROGRAMS) + r")\s")
_uses = [
    pattern(_start + f"(?:{name})" + (r"(?:\s[^\r\n|;&]*?)?\s+" + option if option else r"\s+"))
    for name, option in _PROGRAMS
]
_user_option = pattern(
    r"(?:^|\s)(?:-u|--user|--proxy-user|-U)[= ]+[\"']?[^\s:\"'/]*:[\"']?[^\s\"']+"
)
# The key is the user, and there is no password, as Stripe has it.
_key_as_user = pattern(r"(?:^|\s)(?:-u|--user)[= ]+[\"']?[^\s:\"'/]{12,}:(?:[\"'\s]|$)")
_pgpass = pattern(
    r"(?m)^[\w.*-]+:(?:[0-9]{2,5}|\*):(?:\*|[A-Za-z_][\w.-]*):[^\s:]+:(?:[^\s:\\]|\\.){4,}$"
)
_samba = pattern(r"\b(?:smbclient|rpcclient|winexe)\s(?:[^\r\n]*\s)?-U[= ]?[^\s%]+%\S+")
_sqlplus = pattern(r"\bsqlplus\s+(?:-\w+\s+)*[^\s/]+/[^\s@/]+@")
_piped = pattern(
    r"(?:echo|printf)\s+(?:-n\s+)?(?:'[^']+'|\"[^\"]+\"|[^\s|;&'\"]+)\s*\|\s*[^|;&\r\n]*"
    r"(?:--password-stdin|\bsecrets?\s+(?:create|versions|set|put)|passwd|\bvault\s|\bsudo\s+-S)"
)
_of_echo = pattern(r"^\w+\s+(?:-n\s+)?")
# Of Redis, on a line of its own or after its prompt.
_auth = pattern(r"(?m)(?:^|> )AUTH[ \t]+(?:[\w-]+[ \t]+)?[^\s\"']{6,}$")
_SECURE_STRING = ("ssm", "put-parameter", "SecureString")
_netrc = pattern(r"\b(?:login|user)\s+[^\s|]\S*\s+password\s+[^\s|]\S*")
# One of these is in every use of the programs above.
_words_of_programs = pattern(r" -|/p|walletpass|privkey|encryptwallet|vault|rabbitmqctl|net ")
_USER_OPTIONS = ("-u", "--user", "--proxy-user", "-U")
_MAX_WORDS = 200


class Commands:
    """Finds secrets in commands. `name` is the pattern of the names of secrets."""

    def __init__(self, names: Names, name: str) -> None:
        self._names = names
        self._option = pattern(rf"(?i)(?:^|[\s\"'\[,(])--?{name}[\"']?[,\s]\s*[\"']?")

    def find(self, data: bytes) -> Iterator[Span]:
        """Yield the secrets in the command lines of a view."""
        if b" " not in data and b":" not in data:
            return
        if b"-" in data:
            yield from self._options(data)
        for start, end in chain(_places(data), _given(data)):
            if not describes_secret(data[start:end].decode()):
                yield start, end, RULE

    def in_words(self, words: Sequence[str]) -> dict[int, int]:
        """Return the words with secrets: their index, and where in the word the secret starts."""
        found: dict[int, int] = {}
        for i, (word, following) in enumerate(pairwise(words), 1):
            if word[:1] != "-" or "=" in word or len(word) > 100 or "[REDACTED:" in following:
                continue
            kind = self._names.kind(word)
            if word in _USER_OPTIONS:
                if ":" in following and not following.rpartition(":")[2].isdigit():
                    found[i] = 0
            elif (
                kind >= Kind.TOKEN
                and following[:2] != "--"
                and is_secret(following, kind, plain_name(word))
            ):
                found[i] = 0
        if len(words) <= _MAX_WORDS:
            found |= self._in_program(words)
        if words[0] == "AUTH" and len(words) in (2, 3):
            found[len(words) - 1] = 0
        if "--value" in words[:-1] and all(word in words for word in _SECURE_STRING):
            found[words.index("--value") + 1] = 0
        return {
            i: start
            for i, start in found.items()
            if not is_mark(words[i]) and not describes_secret(words[i])
        }

    def _in_program(self, words: Sequence[str]) -> dict[int, int]:
        # A word that contains white space is still one word.
        plain = [word.replace(" ", "_").encode(errors="replace") for word in words]
        line = b" ".join(plain)
        if not _program.search(line):
            return {}
        starts = list(accumulate((len(word) + 1 for word in plain), initial=0))
        found = {}
        for begin in _after_programs(line):
            i = max(n for n, start in enumerate(starts) if start <= begin)
            if i < len(words) and "[REDACTED:" not in words[i] and not describes_secret(words[i]):
                found[i] = len(plain[i][: begin - starts[i]].decode(errors="ignore"))
        return found

    def _options(self, data: bytes) -> Iterator[Span]:
        after = 0
        for start, end in spans(self._option, data):
            if start < after:
                continue
            name = data[start:end].strip(b"\"', \t\r\n[(").decode()
            kind = self._names.kind(name)
            if name[:1] != "-" or kind < Kind.TOKEN:
                continue
            place = value(data, end - 1 if data[end - 1] in b"\"'" else end)
            if place is None or data[place[0] : place[0] + 1] == b"-":
                continue
            found = data[slice(*place)].decode()
            plain = plain_name(name)
            # The usage `[--token TOKEN]` has no secret, nor has "--password required".
            first = found.partition(" ")[0].strip("]")
            is_usage = first.isupper() and plain.endswith(plain_name(first))
            if is_usage or found.lower().strip("]") in STATES:
                continue
            if is_secret(found, kind, plain):
                after = place[1]
                yield *place, RULE


def _places(data: bytes) -> Iterator[Place]:
    """Yield passwords that only their position in a line identifies."""
    if b":" in data and (b"-u" in data or b"-U" in data or b"user" in data):
        yield from _user_passwords(data)
    if _words_of_programs.search(data) and _program.search(data):
        places = (value(data, begin) for begin in _after_programs(data))
        yield from (place for place in places if place and data[place[0]] not in b"-/")
    if b"-U" in data and b"%" in data:
        for start, end in spans(_samba, data):
            yield data.index(b"%", start) + 1, end
    for start, end in spans(_sqlplus, data) if b"sqlplus" in data else ():
        yield data.rindex(b"/", start, end) + 1, end - 1
    if data.count(b":") >= 4:
        for start, end in spans(_pgpass, data):
            yield end - len(data[start:end].split(b":", 4)[4]), end
    if b"password" in data and (b"login" in data or b"user" in data):
        for start, end in spans(_netrc, data):
            yield end - len(data[start:end].split()[-1]), end


def _user_passwords(data: bytes) -> Iterator[Place]:
    """Yield the passwords after the option of a user, or the user if that is a key."""
    for start, end in spans(_user_option, data):
        begin = skip(data, data.index(b":", start) + 1, b"\"'")
        if not data[begin:end].isdigit():  # The ids of a user and a group.
            yield begin, end
    for start, end in spans(_key_as_user, data):
        user = data[start:end].rpartition(b":")[0].split()[-1].rpartition(b"=")[2].strip(b"\"'")
        if looks_secret(user.decode()):
            begin = data.index(user, start)
            yield begin, begin + len(user)


def _given(data: bytes) -> Iterator[Place]:
    """Yield the passwords that are piped to a program, and those of Redis."""
    for start, end in spans(_piped, data) if b"|" in data else ():
        echo = _of_echo.search(data[start:end])
        if echo and (place := value(data, start + echo.end())):
            yield place
    for start, end in spans(_auth, data) if b"AUTH" in data else ():
        word = data[start:end].split()[-1]
        if looks_made_up(word):
            yield end - len(word), end


def _after_programs(data: bytes) -> Iterator[int]:
    """Yield where the values of the options of programs start."""
    for use, (_, option) in zip(_uses, _PROGRAMS, strict=True):
        for _, end in spans(use, data):
            # `mysql -p` prompts for the password, and the next word is a database.
            if end < len(data) and not (option == "-p" and data[end] in b" \t\r\n"):
                yield end
