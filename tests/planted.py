"""Planted secrets, to look for where none may be, and look-alikes, which have to stay.

A planted secret is random and looks like the real one. Its canaries are pieces of it, long enough
that none of them turns up by chance: a byte search for `needles(canary)` finds the secret.
"""

import base64
import hashlib
import json
import string
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from mnemonic import Mnemonic

LETTERS = string.ascii_letters + string.digits
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
WORDS = Mnemonic("english").wordlist

Fields = dict[str, Any]


@dataclass(frozen=True)
class Planted:
    """A secret in the fields of an entry, under their API names. `canaries` are pieces of it."""

    shape: str
    fields: Fields
    canaries: tuple[str, ...]


def needles(canary: str) -> list[bytes]:
    """Return what a canary may look like in a file: as it is, escaped and encoded."""
    raw = canary.encode()
    found = [raw, raw.hex().encode(), raw.hex().upper().encode(), quote(canary, safe="").encode()]
    found += [json.dumps(canary)[1:-1].encode(), canary.encode("utf-16-le")]
    for shift in range(3):
        # The letters of base64 that depend on the canary alone, wherever in a triple it begins.
        coded = base64.b64encode(b"\0" * shift + raw)
        inner = coded[(0, 2, 3)[shift] : len(coded) // 4 * 4 - 4]
        found += [inner, inner.translate(bytes.maketrans(b"+/", b"-_"))]
    return sorted(set(found))


def leaks(data: bytes, planted: Planted) -> bool:
    """Tell whether a planted secret, or a piece of it, is in some bytes."""
    return any(needle in data for canary in planted.canaries for needle in needles(canary))


def plant(count: int, seed: int = 1) -> Iterator[Planted]:
    """Yield planted secrets, in all shapes in turn."""
    random = Random(seed)
    shapes = list(SHAPES.items())
    for number in range(count):
        name, make = shapes[number % len(shapes)]
        fields, *canaries = make(random)
        yield Planted(name, fields, tuple(canaries))


def lookalikes(count: int, seed: int = 1) -> Iterator[tuple[str, Fields]]:
    """Yield (kind, fields) of texts that look like secrets and are none, of all kinds in turn."""
    random = Random(seed)
    kinds = list(LOOKALIKES.items())
    for number in range(count):
        kind, make = kinds[number % len(kinds)]
        key = random.choice(("value", "id", "ref", "note", "item", "result", "detail"))
        value = make(random)
        yield kind, {"payload": value if isinstance(value, dict) else {key: value}}


def text(random: Random, length: int = 20, letters: str = LETTERS) -> str:
    """Return a random text with a capital, a small letter and a digit, if the letters have them."""
    while True:
        made = "".join(random.choices(letters, k=length))
        if letters != LETTERS or not (made.isalpha() or made.lower() == made):
            return made


def coded(data: bytes | str, *, padded: bool = False) -> str:
    """Return URL-safe base64."""
    raw = data.encode() if isinstance(data, str) else data
    made = base64.urlsafe_b64encode(raw).decode()
    return made if padded else made.rstrip("=")


def base58(data: bytes) -> str:
    number, made = int.from_bytes(data), ""
    while number:
        number, digit = divmod(number, 58)
        made = BASE58[digit] + made
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + made


def wif(random: Random) -> str:
    data = b"\x80" + random.randbytes(32) + b"\x01"
    return base58(data + hashlib.sha256(hashlib.sha256(data).digest()).digest()[:4])


def jwt(random: Random, algorithm: str = "HS256") -> tuple[str, str]:
    subject = text(random, 24)
    header = coded(json.dumps({"alg": algorithm, "typ": "JWT"}))
    signature = "" if algorithm == "none" else coded(random.randbytes(32))
    claims = coded(json.dumps({"sub": subject, "iat": random.randrange(10**9)}))
    return f"{header}.{claims}.{signature}", claims[8:40]


def mnemonic(random: Random) -> tuple[list[str], tuple[str, ...]]:
    words = random.choices(WORDS, k=random.choice((12, 15, 18, 21, 24)))
    some = words[4:8]
    return words, (" ".join(some), '","'.join(some), '", "'.join(some))


def _numbered(random: Random) -> tuple[str, str]:
    lines = [f"{number}. {word}" for number, word in enumerate(mnemonic(random)[0], 1)]
    return "\n".join(lines), "\n".join(lines[4:8])


def key_pair(random: Random) -> bytes:
    """Return an Ed25519 seed and its public key, as Solana keeps them."""
    seed = random.randbytes(32)
    return seed + Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def key_bytes(random: Random) -> tuple[list[int], tuple[str, ...]]:
    data = list(key_pair(random))
    some = [str(number) for number in data[8:16]]
    return data, (",".join(some), ", ".join(some))


def pem(random: Random) -> tuple[str, str]:
    body = base64.b64encode(random.randbytes(96)).decode()
    kind = random.choice(("", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "))
    lines = "\n".join((body[:64], body[64:]))
    ending = f"\n-----END {kind}PRIVATE KEY-----\n" if random.random() < 0.7 else ""
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{lines}{ending}", body[20:44]


def vendor_key(random: Random) -> tuple[str, str]:
    """Return a key of some vendor, put together here so that none stands in this file."""
    core = text(random, 36)
    digits = text(random, 10, string.digits)
    forms = (
        f"gh{random.choice('pousr')}_{core}",
        f"github_pat_{text(random, 22)}_{core}{text(random, 23)}",
        f"glpat-{core[:20]}",
        f"xox{random.choice('bp')}-{digits}-{digits}-{core[:24]}",
        f"sk_live_{core[:24]}",
        f"sk-{core}{text(random, 12)}",
        f"sk-proj-{core}{text(random, 12)}",
        f"sk-ant-api03-{core}{text(random, 50)}-{core[:6]}AA",
        f"AIza{core[:35]}",
        f"npm_{core}",
        f"pypi-AgEIcHlwaS5vcmc{core}{text(random, 40)}",
        f"SG.{core[:22]}.{text(random, 43)}",
        f"SK{random.randbytes(16).hex()}",
        f"hf_{core[:34]}",
        f"{digits}:AA{core[:33]}",
        f"M{text(random, 23)}.{text(random, 6)}.{core[:27]}",
        f"shpat_{random.randbytes(16).hex()}",
        f"dop_v1_{random.randbytes(32).hex()}",
        f"hvs.{core[:24]}",
    )
    made = random.choice(forms)
    return made, core[:20] if core[:20] in made else made[6:30]


def _secret(make: Callable[[Random, str], Any]) -> Callable[[Random], tuple[Any, ...]]:
    """Return the shape whose secret is its canary, in a payload."""

    def shape(random: Random) -> tuple[Any, ...]:
        canary = text(random)
        return {"payload": make(random, canary)}, canary

    return shape


def _line(form: str) -> Callable[[Random], tuple[Any, ...]]:
    """Return the shape of a text with a canary in it."""
    return _secret(lambda _, canary: {"message": form.replace("…", canary)})


def _made(
    make: Callable[[Random], tuple[Any, Any]], form: Callable[[Any], Any]
) -> Callable[[Random], tuple[Any, ...]]:
    """Return the shape of a secret that tells its own canaries."""

    def shape(random: Random) -> tuple[Any, ...]:
        secret, canaries = make(random)
        payload = {"payload": form(secret)}
        return (payload, canaries) if isinstance(canaries, str) else (payload, *canaries)

    return shape


def _deep(random: Random, canary: str) -> Any:
    inner: Any = {"apiKey": canary}
    for level in range(20):
        inner = [inner] if level % 3 else {"inner": inner}
    return {"deep": inner}


def _disguised(random: Random, canary: str) -> Any:
    return {
        random.choice(
            (
                "pаssword",
                "PASS-WORD",
                "p.a.s.s.w.o.r.d",
                "ｐａｓｓｗｏｒｄ",
                "pass\u200bword",
                "tоkеn",
                "аpiKey",
            )
        ): canary
    }


def _nested_json(random: Random, canary: str) -> Any:
    inner = json.dumps({"user": "bob", "password": canary})
    for _ in range(random.randrange(1, 4)):
        inner = json.dumps({"body": inner, "status": 200})
    return {"response": inner}


def _names(random: Random) -> tuple[Any, ...]:
    made, canary = vendor_key(random)
    return (
        {
            "actor": {"type": "agent", "id": "agent-7", "name": f"Scout {made}"},
            "target": {"type": "order", "id": made},
            "requestId": made,
        },
        canary,
    )


def _aws(random: Random) -> tuple[str, tuple[str, str]]:
    # The id of the key stays: it is the handle of an investigation.
    key_id = "AKIA" + text(random, 16, string.ascii_uppercase + "234567")
    secret = text(random, 40)
    return f"{key_id} {secret}", (secret[4:24], secret[20:40])


def _own(random: Random) -> tuple[str, str]:
    made = f"aud_{text(random, 36)}"
    return made, made[6:30]


def _jwe(random: Random) -> tuple[str, str]:
    header = coded(json.dumps({"alg": "dir", "enc": "A256GCM"}))
    parts = [coded(random.randbytes(length)) for length in (12, 48, 16)]
    return f"{header}..{'.'.join(parts)}", parts[1][8:32]


def _pair(random: Random) -> tuple[str, str]:
    made = base58(key_pair(random))
    return made, made[20:44]


def _extended(random: Random) -> tuple[str, str]:
    made = random.choice(("xprv", "tprv")) + "".join(random.choices(BASE58, k=107))
    return made, made[20:44]


def _basic(random: Random) -> tuple[str, tuple[str, str]]:
    password = text(random)
    return base64.b64encode(f"bob:{password}".encode()).decode(), (password, password[2:18])


SHAPES: dict[str, Callable[[Random], tuple[Any, ...]]] = {
    "secret name": _secret(lambda _, canary: {"arguments": {"password": canary}}),
    "secret name twenty levels down": _secret(_deep),
    "disguised name": _secret(_disguised),
    "longer name": _secret(
        lambda _, canary: {"old_password_hash": canary, "userApiKey2": [canary]}
    ),
    "change of a secret": _secret(
        lambda _, canary: {"changes": [{"field": "apiKey", "from": canary, "to": canary[::-1]}]}
    ),
    "named value": _secret(lambda _, canary: {"env": [{"name": "DB_PASSWORD", "value": canary}]}),
    "header": _secret(lambda _, canary: {"headers": {"Authorization": f"Bearer {canary}"}}),
    "list of headers": _secret(
        lambda _, canary: {"headers": [["Accept", "*/*"], ["X-Api-Key", canary]]}
    ),
    "raw headers": _secret(
        lambda _, canary: {"rawHeaders": ["Host", "example.com", "Cookie", f"a={canary}"]}
    ),
    "header in a text": _line(
        "GET / HTTP/1.1\r\nHost: example.com\r\nAuthorization: Token …\r\n\r\n"
    ),
    "cookie in a text": _line("request had Cookie: theme=dark; sid=…; x=1"),
    "set-cookie in a text": _line("Set-Cookie: session=…; Path=/; HttpOnly"),
    "bearer in an exception": _line("HTTPError: 401 for request with Bearer …7: denied"),
    "basic credentials": _made(_basic, lambda made: {"sent": f"Basic {made}"}),
    "base64 of credentials": _made(_basic, lambda made: {"blob": made}),
    "JWT": _made(jwt, lambda made: {"message": f"bad token {made}, refused"}),
    "unsigned JWT": _made(lambda random: jwt(random, "none"), lambda made: {"assertion": [made]}),
    "JWE": _made(_jwe, lambda made: {"blob": made}),
    "key of AWS": _made(_aws, lambda made: {"note": made}),
    "key of a vendor": _made(vendor_key, lambda made: {"note": f"used {made}."}),
    "key of a vendor as a key": _made(vendor_key, lambda made: {"uses": {made: 3}}),
    "key of a vendor in names": _names,
    "key of this project": _made(_own, lambda made: {"output": f"Read key: {made}"}),
    "log line": _line("login of bob failed: password=… from 10.0.0.1"),
    "YAML": _line("database:\n  user: bob\n  password: … and more\n  port: 5432\n"),
    "XML": _line("<user><name>bob</name><password>…</password></user>"),
    "connection string": _line("Server=db;User Id=bob;Password=…;Encrypt=yes"),
    "command": _line("mysql --user=bob --password … --host db"),
    "arguments of a command": _secret(
        lambda _, canary: {"argv": ["tool", "--api-key", canary, f"--token={canary}"]}
    ),
    "Python's repr": _line("KeyError: {'user': 'bob', 'client_secret': '… x', 'n': 1}"),
    "stack trace": _line(
        'Traceback (most recent call last):\n  File "a.py", line 3, in f\n'
        "    login(password=\"…\")\nValueError: bad api_key '…'\n"
    ),
    "SQL": _line("ALTER USER bob IDENTIFIED BY '…'; UPDATE users SET password = '…' WHERE id = 1"),
    "form": _line("grant_type=password&username=bob&password=…&scope=read"),
    "credentials of a URL": _line("cannot connect to postgres://bob:…@db.example.com:5432/hub"),
    "query of a URL": _line("https://example.com/cb?state=1&access_token=…&X-Amz-Signature=…#x"),
    "encoded URL": _line("/go?to=https%3A%2F%2Fexample.com%2F%3Fapi_key%3D…%26page%3D1"),
    "hook": _line("posted to https://hooks.slack.com/services/T0123456/B0123456/…"),
    "mnemonic": _made(mnemonic, lambda made: {"note": f"Write down: {' '.join(made)}. Thanks"}),
    "words of a mnemonic": _made(mnemonic, lambda made: {"words": made}),
    "numbered mnemonic": _made(_numbered, lambda made: {"note": made}),
    "PEM": _made(pem, lambda made: {"file": made}),
    "PEM in JSON": _made(pem, lambda made: {"file": json.dumps({"pem": made})}),
    "WIF": _made(lambda random: ((made := wif(random)), made[8:32]), lambda made: {"note": made}),
    "extended key": _made(_extended, lambda made: {"note": f"from {made}"}),
    "key pair in base58": _made(_pair, lambda made: {"wallet": made}),
    "key in bytes": _made(key_bytes, lambda made: {"wallet": made}),
    "key in bytes in a text": _made(key_bytes, lambda made: {"file": f"id.json: {made}"}),
    "JSON in a text": _secret(_nested_json),
    "JSON in base64": _secret(
        lambda _, canary: {"cursor": coded(json.dumps({"n": 1, "apiKey": canary}))}
    ),
    "buffer": _made(key_bytes, lambda made: {"key": {"type": "Buffer", "data": made}}),
}


def _sentence(random: Random) -> str:
    return random.choice(
        (
            "token expired",
            "password must be changed",
            "the secret to success",
            "Authorization failed",
            "bearer of news",
            "max_tokens=100",
            "tokens: 120",
            "keyName: main",
            "key not found",
            "The API key was revoked by its owner",
            "invalid token: expired",
            "Password is required",
            "missing bearer token",
            "Basic plan, billed monthly",
            "cookie policy accepted",
            "Unexpected token '}' at line 3",
            "stop at 138, take profit at 150",
            "token SOL transferred to wallet main",
            "signature verified: true",
            "if (tokens.length === 0) return null;",
            "SELECT id, name FROM orders WHERE pair = 'SOL/USDC' LIMIT 10",
            "rate limit reached: 100 requests per 60 s",
            "Author: Ada Lovelace",
            "tokenMint: So11111111111111111111111111111111111111112",
        )
    )


def _hex(length: int) -> Callable[[Random], str]:
    return lambda random: random.randbytes(length).hex()


def _address(random: Random) -> str:
    return base58(random.randbytes(32))


def _bitcoin(random: Random) -> str:
    if random.random() < 0.5:
        return "bc1q" + text(random, 38, "023456789acdefghjklmnpqrstuvwxyz")
    return random.choice("13") + text(random, 33, BASE58)


def _url(random: Random) -> str:
    return random.choice(
        (
            f"https://api.example.com/v1/orders/{uuid.UUID(int=random.getrandbits(128))}",
            f"https://example.com/search?q=sol+usdc&page={random.randrange(9)}&sort=price",
            f"wss://stream.example.com:9443/ws/solusdc@depth{random.randrange(20)}",
            f"https://github.com/example/bot/commit/{random.randbytes(20).hex()}",
            f"https://etherscan.io/tx/0x{random.randbytes(32).hex()}",
            "http://localhost:8000/hub/logs?dateRange=7d&actionType=trade",
        )
    )


def _signature(random: Random) -> dict[str, str]:
    made = base58(random.randbytes(64)).rjust(87, "2")
    return random.choice(
        (
            {"signature": made},
            {"txHash": made},
            {"note": f"sent as transaction {made}"},
            {"link": f"https://solscan.io/tx/{made}"},
        )
    )


LOOKALIKES: dict[str, Callable[[Random], Any]] = {
    "UUID": lambda random: str(uuid.UUID(int=random.getrandbits(128))),
    "UUID without hyphens": _hex(16),
    "ULID": lambda random: "01J" + text(random, 23, "0123456789ABCDEFGHJKMNPQRSTVWXYZ"),
    "id with a prefix": lambda random: (
        random.choice(("ord_", "req_", "sess_", "acc_", "key_", "usr_", "agent-", "pos_"))
        + text(random, random.choice((8, 13, 16, 24)))
    ),
    "order id": lambda random: "ord_01JD" + text(random, 8, "0123456789ABCDEFGHJKMNPQRSTVWXYZ"),
    "Ethereum transaction": lambda random: "0x" + random.randbytes(32).hex(),
    "hash": _hex(32),
    "signature of a transaction": _signature,
    "Ethereum address": lambda random: "0x" + random.randbytes(20).hex(),
    "Solana address": _address,
    "Bitcoin address": _bitcoin,
    "commit": _hex(20),
    "CID": lambda random: (
        "Qm" + text(random, 44, BASE58)
        if random.random() < 0.5
        else "bafy" + text(random, 55, "abcdefghijklmnopqrstuvwxyz234567")
    ),
    "traceparent": lambda random: f"00-{random.randbytes(16).hex()}-{random.randbytes(8).hex()}-01",
    "time": lambda random: f"2026-0{random.randrange(1, 9)}-1{random.randrange(9)}T10:11:12.345Z",
    "price": lambda random: f"{random.random() * 1000:.{random.randrange(2, 9)}f}",
    "mail address": lambda random: f"{text(random, 8).lower()}@example.com",
    "URL": _url,
    "version": lambda random: f"v{random.randrange(9)}.{random.randrange(20)}.3-rc.1+build.5114f85",
    "user agent": lambda random: (
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like "
        f"Gecko) Chrome/{random.randrange(90, 140)}.0.0.0 Safari/537.36"
    ),
    "sentence": _sentence,
    "numbers": lambda random: [random.randrange(1000) for _ in range(random.choice((10, 32, 64)))],
    "words": lambda random: random.choices(WORDS, k=random.randrange(2, 11)),
    "data in base64": lambda random: base64.b64encode(random.randbytes(48)).decode(),
    "cursor": lambda random: coded(json.dumps({"after": random.getrandbits(60), "limit": 50})),
    "harmless name": lambda random: {
        random.choice(
            (
                *("apiKeyId", "keyName", "tokenMint", "tokenAmount", "tokens", "keyScopes"),
                *("passwordChangedAt", "secretary", "author", "publicKey", "maxTokens", "pinned"),
                *("bidToken", "quoteToken", "cookieConsent", "hasPassword", "seedRound", "nonce"),
            )
        ): text(random, 12)
    },
    "JSON": lambda random: json.dumps({"pair": "SOL/USDC", "amount": random.random(), "ok": True}),
}
