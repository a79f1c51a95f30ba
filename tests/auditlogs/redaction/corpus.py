"""A corpus of secrets and look-alikes from trading and cloud work, made from a seed.

It is written from the documentation of exchanges, chains, clouds and identity providers, not from
the code. Each kind has a name, so that a test can list the kinds it misses. `…` in a template is
the place of the secret.
"""

import base64
import binascii
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

from tests.planted import BASE58, base58, coded, jwt, mnemonic, pem, text, wif

HEX = "0123456789abcdef"
BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
LOWER = string.ascii_lowercase + string.digits
UPPER = string.ascii_uppercase + string.digits
URL = string.ascii_letters + string.digits + "-_"

Make = Callable[[Random], Any]


@dataclass(frozen=True)
class Case:
    """A payload of one kind, and the secrets that may not be left of it."""

    kind: str
    payload: Any
    secrets: tuple[str, ...] = ()


def run(letters: str, length: int) -> Make:
    return lambda random: text(random, length, letters)


def password(random: Random) -> str:
    return text(random, 16)


def hex_key(random: Random) -> str:
    return random.randbytes(32).hex()


def ed25519(random: Random) -> bytes:
    seed = random.randbytes(32)
    return seed + Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def stellar(random: Random) -> str:
    data = b"\x90" + random.randbytes(32)
    check = binascii.crc_hqx(data, 0).to_bytes(2, "little")
    return base64.b32encode(data + check).decode()


def checked58(prefix: bytes, length: int, after: bytes = b"") -> Make:
    """Return a maker of base58 with a checksum, as most chains write their keys."""

    def make(random: Random) -> str:
        data = prefix + random.randbytes(length) + after
        return base58(data + hashlib.sha256(hashlib.sha256(data).digest()).digest()[:4])

    return make


# Names after which anything is a secret, in the languages of those who write them.
STRONG = (
    *(
        "password",
        "db_password",
        "userPassword",
        "PGPASSWORD",
        "MYSQL_ROOT_PASSWORD",
        "newPassword",
    ),
    *("passphrase", "api_passphrase", "KC-API-PASSPHRASE", "OK-ACCESS-PASSPHRASE", "keystorePass"),
    *("client_secret", "clientSecret", "secretKey", "SECRET_KEY_BASE", "aws_secret_access_key"),
    *("api_key", "apiKey", "X-MBX-APIKEY", "CB-ACCESS-KEY", "OK-ACCESS-KEY", "X-BAPI-API-KEY"),
    *("API_KEY_BINANCE", "API_SECRET_KRAKEN", "PRIVATE_KEY_SOLANA", "PASSWORD_BOT2", "apiKeyBybit"),
    *("clientsecretv3", "PASSPHRASE_OKX", "كلمة_المرور"),
    *("apiKeyV2", "api_secret", "binanceApiSecret", "privateKey", "private_key", "signing_secret"),
    *("webhook_secret", "access_token", "refreshToken", "session_token", "id_token", "bearerToken"),
    *("X-Vault-Token", "X-Auth-Token", "X-CSRFToken", "csrfmiddlewaretoken", "auth_token"),
    *("mnemonic", "seed_phrase", "recoveryPhrase", "backup_code", "recovery_codes", "otp", "pin"),
    *("totp_secret", "mfaCode", "security_answer", "code_verifier", "macaroon", "pwd_hash"),
    *("password_digest", "encrypted_password", "ftp_pwd", "userpw", "rpcpassword", "smtp_pass"),
    *("wachtwoord", "senha", "şifre", "parola", "Passwort", "Kennwort", "mot_de_passe", "hasło"),
    *(
        "lösenord",
        "adgangskode",
        "passord",
        "salasana",
        "heslo",
        "jelszó",
        "пароль",
        "密码",
        "密碼",
    ),
    *(
        "パスワード",
        "비밀번호",
        "mật khẩu",
        "รหัสผ่าน",
        "كلمة المرور",
        "סיסמה",
        "κωδικός",
        "kata sandi",
    ),
    *(
        "contraseña",
        "clave_privada",
        "पासवर्ड",
        "parool",
        "dbPasswordOld",
        "password2",
        "passwordConfirm",
    ),
)
# Names after which a secret has to look like one.
WEAK = (
    *(
        "token",
        "root_token",
        "app_token",
        "bot_token",
        "TELEGRAM_TOKEN",
        "deployToken",
        "authToken2",
    ),
    *("key", "tls_key", "licenseKey", "unseal_key", "encryption_key", "hmacKey", "storageKey"),
    *("accountKey", "SharedAccessKey", "auth", "auth_header", "authorization", "pass", "seed"),
    *(
        "sid",
        "clave",
        "cookie",
        "session_cookie",
        "jwt",
        "registration_token",
        "joinToken",
        "bootstrapToken",
    ),
)
KEY_NAMES = (
    *("pk", "WALLET_PK", "DEPLOYER_PK", "sk", "signerKey", "operatorKey", "executor_key", "key"),
    *("trading_key", "keyShare", "private_key_hex", "hexKey", "agentKey", "privKey", "evmKey"),
    *("HYPERLIQUID_AGENT_KEY", "signing_key", "privatekey", "wallet_secret", "secret", "seed"),
)

Named = Callable[[Random, str], Any]
# Texts and objects that hold a name and its value, in the notations of languages and tools.
NOTATIONS: dict[str, Callable[[str, str], Any]] = {
    "JSON in a text": lambda name, value: json.dumps({"user": "bob", name: value, "n": 1}),
    "JSON in a line": lambda name, value: f"sent {json.dumps({name: value, 'n': 1})} to the venue",
    "JSON in JSON": lambda name, value: json.dumps({"body": json.dumps({name: value})}),
    "cut off JSON": lambda name, value: json.dumps({"a": [{"b": 1, name: value}]})[:-4],
    "escaped JSON": lambda name, value: "body: " + json.dumps(json.dumps({name: value, "n": 1})),
    "percent-encoded JSON": lambda name, value: (
        "/rpc?params=" + quote(json.dumps({"id": 1, name: value}))
    ),
    "percent-encoded compact JSON": lambda name, value: (
        "/rpc?q="
        + quote(json.dumps({name: value, "n": 1}, separators=(",", ":")), safe="")
        + "&x=1"
    ),
    "twice percent-encoded JSON": lambda name, value: (
        "/go?to=" + quote(quote(json.dumps({name: value}), safe=""), safe="")
    ),
    "base64 of JSON": lambda name, value: base64.b64encode(
        json.dumps({"n": 1, name: value}).encode()
    ).decode(),
    "Python's repr": lambda name, value: (
        f"KeyError: {{'user': 'bob', {name!r}: {value!r}, 'n': None}}"
    ),
    "Python's pair": lambda name, value: f"headers=[('Accept', '*/*'), ({name!r}, {value!r})]",
    "Python's name and value": lambda name, value: (
        f"ValueError: {{'name': {name!r}, 'value': {value!r}, 'secure': True}}"
    ),
    "pydantic": lambda name, value: (
        "1 validation error for Settings\nurl\n  Field required [type=missing, "
        f"input_value={{{name!r}: {value!r}}}, input_type=dict]"
    ),
    "pydantic's field": lambda name, value: (
        f"1 validation error for Settings\n{name}\n  Input should be a valid integer "
        f"[type=int_parsing, input_value={value!r}, input_type=str]"
    ),
    "Ruby's hash": lambda name, value: f'{{:user=>"bob", "{name}"=>"{value}", :n=>nil}}',
    "Ruby's name and value": lambda name, value: f'{{:name=>"{name}", :value=>"{value}"}}',
    "JavaScript's object": lambda name, value: (
        f"Error: bad config {{ user: 'bob', '{name}': '{value}', n: undefined }}"
    ),
    "JavaScript's name and value": lambda name, value: f"{{ name: '{name}', value: '{value}' }}",
    "YAML": lambda name, value: f"db:\n  user: bob\n  {name}: {value}\n  port: 5432\n",
    "YAML in quotes": lambda name, value: f'db:\n  "{name}": "{value}"\n  port: 5432\n',
    "YAML's list": lambda name, value: f"db:\n  {name}:\n    - {value}\n  port: 5432\n",
    "YAML's name and value": lambda name, value: (
        f"env:\n  - name: A\n    value: b\n  - name: {name}\n    value: {value}\n"
    ),
    "HCL": lambda name, value: f'resource "db" "x" {{\n  user = "bob"\n  {name} = "{value}"\n}}',
    "HCL's variable": lambda name, value: (
        f'variable "{name}" {{\n  type    = string\n  default = "{value}"\n}}'
    ),
    "dotenv": lambda name, value: f"USER=bob\n{name}={value}\nPORT=1\n",
    "INI": lambda name, value: f"[db]\nuser = bob\n{name} = {value}\nport = 1\n",
    "properties": lambda name, value: f"db.user=bob\ndb.{name}={value}\n",
    "XML": lambda name, value: f"<add><user>bob</user><{name}>{value}</{name}></add>",
    "XML's attribute": lambda name, value: f'<add key="{name}" value="{value}"/>',
    "psql's table": lambda name, value: (
        f" id | user | {name} \n----+------+-------\n  1 | bob  | {value}\n(1 row)\n"
    ),
    "MySQL's table": lambda name, value: (
        f"+----+------+\n| id | {name} |\n+----+------+\n|  1 | {value} |\n+----+------+\n"
    ),
    "psql's record": lambda name, value: (
        f"-[ RECORD 1 ]----\nuser     | bob\n{name} | {value}\nid | 1\n"
    ),
    "CSV": lambda name, value: f"id,user,{name}\n1,bob,{value}\n",
    "option": lambda name, value: f"tool --user bob --{name} {value} --verbose",
    "option with a sign": lambda name, value: f"tool --{name}={value} --verbose",
    "header": lambda name, value: f"POST /order HTTP/1.1\r\nHost: x\r\n{name}: {value}\r\n\r\n",
    "curl": lambda name, value: f"curl -X POST -H '{name}: {value}' https://api.example.com/v1",
    "query": lambda name, value: f"GET /api/v3/order?symbol=SOLUSDC&{name}={value}&n=1 401",
    "logfmt": lambda name, value: f"level=error user=bob {name}={value} msg=denied",
    "Go's struct": lambda name, value: f"config: {{User:bob {name}:{value} Port:1}}",
    "Java's toString": lambda name, value: f"Config{{user='bob', {name}='{value}', port=1}}",
    "Rust's Debug": lambda name, value: f'Config {{ user: "bob", {name}: "{value}", port: 1 }}',
    "argv": lambda name, value: ["tool", "--verbose", f"--{name}", value, "--host", "db"],
    "raw headers": lambda name, value: ["Host", "example.com", name, value, "Accept", "*/*"],
    "pairs": lambda name, value: [["Accept", "*/*"], [name, value]],
    "name and value": lambda name, value: {"name": name, "value": value, "secure": True},
    "change": lambda name, value: {"field": name, "oldValue": value, "newValue": value[::-1]},
    "rows": lambda name, value: {"columns": ["id", name], "rows": [[1, value]]},
    "list of values": lambda name, value: {name: [value]},
    "value within": lambda name, value: {name: {"value": value, "updatedAt": "2026-11-26"}},
}
# Notations that cannot write every name.
_LATIN_ONLY = frozenset(
    (
        "XML",
        "Go's struct",
        "query",
        "logfmt",
        "option",
        "option with a sign",
        "dotenv",
        "argv",
        "curl",
    )
) | {"header", "raw headers", "properties", "HCL", "Rust's Debug", "Java's toString"}

# Vendors' formats: (vendor, maker).
VENDORS: tuple[tuple[str, Make], ...] = (
    ("GitHub", lambda r: "ghp_" + text(r, 36)),
    ("GitHub fine-grained", lambda r: f"github_pat_{text(r, 22)}_{text(r, 59)}"),
    ("GitLab", lambda r: "glpat-" + text(r, 20)),
    ("GitLab runner", lambda r: "glrt-" + text(r, 20)),
    ("OpenAI", lambda r: f"sk-proj-{text(r, 58)}T3BlbkFJ{text(r, 58)}"),
    ("Anthropic", lambda r: f"sk-ant-api03-{text(r, 93)}AA"),
    ("OpenRouter", lambda r: "sk-or-v1-" + r.randbytes(32).hex()),
    ("Groq", lambda r: "gsk_" + text(r, 52)),
    ("xAI", lambda r: "xai-" + text(r, 80)),
    ("Perplexity", lambda r: "pplx-" + text(r, 48)),
    ("Hugging Face", lambda r: "hf_" + text(r, 34)),
    ("Replicate", lambda r: "r8_" + text(r, 37)),
    ("Tavily", lambda r: "tvly-dev-" + text(r, 32)),
    ("E2B", lambda r: "e2b_" + r.randbytes(20).hex()),
    ("Pinecone", lambda r: f"pcsk_{text(r, 6)}_{text(r, 63)}"),
    ("LangSmith", lambda r: f"lsv2_pt_{r.randbytes(16).hex()}_{r.randbytes(5).hex()}"),
    ("Langfuse", lambda r: f"sk-lf-{uuid.UUID(int=r.getrandbits(128))}"),
    ("Atlassian", lambda r: "ATATT3xFfGF0" + text(r, 172)),
    ("Bitbucket", lambda r: "ATBB" + text(r, 32)),
    (
        "Slack bot",
        lambda r: f"xoxb-{r.randrange(10**11, 10**12)}-{r.randrange(10**12)}-{text(r, 24)}",
    ),
    (
        "Slack app",
        lambda r: f"xapp-1-A{text(r, 10, UPPER)}-{r.randrange(10**12)}-{r.randbytes(32).hex()}",
    ),
    ("Telegram", lambda r: f"{r.randrange(10**9, 10**10)}:AA{text(r, 33, URL)}"),
    ("Discord", lambda r: f"MT{text(r, 24)}.G{text(r, 5)}.{text(r, 38)}"),
    ("Stripe", lambda r: "sk_live_" + text(r, 99)),
    ("Stripe webhook", lambda r: "whsec_" + text(r, 32)),
    ("SendGrid", lambda r: f"SG.{text(r, 22)}.{text(r, 43)}"),
    ("Twilio", lambda r: "SK" + r.randbytes(16).hex()),
    ("Mailgun", lambda r: "key-" + r.randbytes(16).hex()),
    ("npm", lambda r: "npm_" + text(r, 36)),
    ("PyPI", lambda r: "pypi-AgEIcHlwaS5vcmc" + text(r, 150, URL)),
    ("Docker", lambda r: "dckr_pat_" + text(r, 27)),
    ("DigitalOcean", lambda r: "dop_v1_" + r.randbytes(32).hex()),
    ("Google", lambda r: "AIza" + text(r, 35)),
    ("Google OAuth", lambda r: "ya29." + text(r, 120, URL)),
    ("Google client", lambda r: "GOCSPX-" + text(r, 28)),
    ("Azure AD", lambda r: f"{text(r, 3)}8Q~{text(r, 34)}"),
    ("Azure storage", lambda r: base64.b64encode(r.randbytes(64)).decode()),
    ("Alibaba", lambda r: "LTAI5t" + text(r, 18)),
    ("Vault", lambda r: "hvs.CAESI" + text(r, 90, URL)),
    ("Terraform", lambda r: f"{text(r, 14)}.atlasv1.{text(r, 67)}"),
    ("Databricks", lambda r: "dapi" + r.randbytes(16).hex()),
    ("Doppler", lambda r: "dp.pt." + text(r, 43)),
    ("Grafana", lambda r: f"glsa_{text(r, 32)}_{r.randbytes(4).hex()}"),
    ("New Relic", lambda r: "NRAK-" + text(r, 27, UPPER)),
    ("Sentry", lambda r: "sntryu_" + r.randbytes(32).hex()),
    ("Supabase", lambda r: "sbp_" + r.randbytes(20).hex()),
    ("Shopify", lambda r: "shpat_" + r.randbytes(16).hex()),
    ("Linear", lambda r: "lin_api_" + text(r, 40)),
    ("Notion", lambda r: f"ntn_{r.randrange(10**10, 10**11)}{text(r, 35)}"),
    ("Figma", lambda r: "figd_" + text(r, 40)),
    ("PlanetScale", lambda r: "pscale_tkn_" + text(r, 43)),
    ("Fly.io", lambda r: "fo1_" + text(r, 43, URL)),
    ("Cloudflare", lambda r: f"v1.0-{r.randbytes(12).hex()}-{r.randbytes(73).hex()}"),
    ("Artifactory", lambda r: "AKCp" + text(r, 69)),
    ("SonarQube", lambda r: "sqp_" + r.randbytes(20).hex()),
    ("1Password", lambda r: "ops_eyJ" + text(r, 260)),
    ("OpenShift", lambda r: "sha256~" + text(r, 43)),
    ("Tailscale", lambda r: f"tskey-auth-{text(r, 12)}-{text(r, 32)}"),
    ("Fireworks", lambda r: "fw_" + text(r, 22)),
    ("Helicone", lambda r: f"sk-helicone-{'-'.join(text(r, 7, LOWER) for _ in range(4))}"),
    ("PostHog", lambda r: "phx_" + text(r, 43)),
    ("CircleCI", lambda r: f"CCIPAT_{text(r, 22)}_{r.randbytes(20).hex()}"),
    ("Buildkite", lambda r: "bkua_" + r.randbytes(20).hex()),
    ("Postman", lambda r: f"PMAK-{r.randbytes(12).hex()}-{r.randbytes(17).hex()}"),
)
CHAIN_KEYS: tuple[tuple[str, Make], ...] = (
    ("Sui", lambda r: "suiprivkey1" + text(r, 59, BECH32)),
    ("Stellar", stellar),
    ("Tezos", lambda r: "edsk" + text(r, 50, BASE58)),
    ("age", lambda r: "AGE-SECRET-KEY-1" + text(r, 58, BECH32.upper())),
    ("BIP-38", lambda r: "6P" + checked58(b"\x01\x42", 37)(r)[2:58]),
    ("WIF", wif),
    ("WIF uncompressed", checked58(b"\x80", 32)),
    ("WIF of Litecoin", checked58(b"\xb0", 32, b"\x01")),
    ("WIF of Dogecoin", checked58(b"\x9e", 32, b"\x01")),
    ("WIF of Dash", checked58(b"\xcc", 32, b"\x01")),
    ("extended key", lambda r: "xprv9s21ZrQH143K" + text(r, 95, BASE58)),
    ("extended key of SegWit", lambda r: "zprvAWgYBBk7JR8G" + text(r, 95, BASE58)),
    ("Nostr", lambda r: "nsec1" + text(r, 58, BECH32)),
    ("XRP", lambda r: "sEd" + text(r, 28, BASE58)),
    ("NEAR", lambda r: "ed25519:" + base58(ed25519(r))),
    ("Solana in base58", lambda r: base58(ed25519(r))),
    ("Ed25519 in hex", lambda r: ed25519(r).hex()),
    ("Ed25519 in base64", lambda r: base64.b64encode(ed25519(r)).decode()),
    ("Cardano", lambda r: "ed25519_sk1" + text(r, 58, BECH32)),
)
# Texts with 64 hexadecimal digits that are a key.
PRIVATE_TEXTS = (
    'invalid private key (argument="privateKey", value="0x…", code=INVALID_ARGUMENT, version=6.1)',
    'invalid hexlify value (argument="value", value="…", code=INVALID_ARGUMENT)',
    "private key must be 32 bytes, hex or bigint, not string: …",
    "bad private key 0x…",
    "Unknown key type. Key: ED…",
    "here is my pk: …",
    "PK=… npx hardhat run scripts/deploy.ts",
    "DEPLOYER_PRIVATE_KEY=0x… forge script Deploy",
    'new ethers.Wallet("0x…", provider)',
    "const account = privateKeyToAccount('0x…')",
    "w3.eth.account.from_key('0x…')",
    "cast wallet import bot --private-key 0x…",
    "cast send 0x1f98431c8ad98523631ae4a59f267346ea31f984 --private-key 0x… --value 1",
    "the signing key … was rejected",
    "0x… is not a valid private key",
    "imported wallet with key 0x…",
    "Account.fromPrivateKey(Buffer.from('…', 'hex'))",
    "agent wallet secret 0x… approved on Hyperliquid",
    "Keypair.fromSeed(hexToBytes('…'))",
    "signer key (hex): …",
)
LINES = (
    "sessionid=… in the request",
    "Cookie: theme=dark; connect.sid=…; lang=en",
    "Set-Cookie: __Host-session=…; Path=/; Secure",
    "PHPSESSID=…; path=/",
    "GET /hub with JSESSIONID=… refused",
    "https://app.example.com/reset-password/…",
    "https://app.example.com/users/password/edit?reset_password_token=…",
    "https://app.example.com/invite/…?from=mail",
    "see https://example.com/accounts/reset/MTI/d3sh1c-0f0f…/",
    "https://example.com/magic-link/…",
    "https://example.com/verify-email/…",
    "https://solana-mainnet.core.chainstack.com/…",
    "https://mainnet.infura.io/v3/…",
    "https://eth-mainnet.g.alchemy.com/v2/…",
    "wss://example-node.solana-mainnet.quiknode.pro/…/",
    "https://mainnet.helius-rpc.com/?api-key=…",
    "https://go.getblock.io/…",
    "https://lb.drpc.org/ogrpc?network=ethereum&dkey=…",
    "https://rpc.ankr.com/eth/…",
    "https://bsc-mainnet.nodereal.io/v1/…",
    "https://hooks.slack.com/services/T0123ABCD/B0123ABCD/…",
    "https://discord.com/api/webhooks/112233445566778899/…",
    "db.example.com:5432:trading:bot:…",
    "postgres://bot:…@db.example.com/trading",
    "mongodb+srv://bot:…@cluster0.example.net/?retryWrites=true",
    "amqps://bot:…@mq.example.com:5671/%2f",
    "mysql -h db -u bot -p… trading",
    "sshpass -p … ssh bot@host",
    "redis-cli -h cache -a … ping",
    "docker login -u bot -p … registry.example.com",
    "mongosh --host db -u bot -p … --authenticationDatabase admin",
    "ldapsearch -x -D cn=bot -w … -b dc=example",
    "openssl rsa -in k.pem -passin pass:…",
    "curl -u bot:… https://api.example.com/v1/orders",
    "machine api.example.com login bot password …",
    "//registry.npmjs.org/:_authToken=…",
    "bitcoin-cli walletpassphrase '…' 60",
    "ALTER USER bot WITH PASSWORD '…'",
    "CREATE USER bot IDENTIFIED BY '…'",
    "Authorization: Bearer …",
    "got 401 with Authorization: Token …",
    "DefaultEndpointsProtocol=https;AccountName=bot;AccountKey=…==;EndpointSuffix=core.windows.net",
    "Endpoint=sb://x.servicebus.windows.net/;SharedAccessKeyName=root;SharedAccessKey=…",
    "export BINANCE_API_SECRET=…",
    "vault kv put secret/bot password=…",
    "aws configure set aws_secret_access_key …",
    "kubectl create secret generic bot --from-literal=api-key=…",
    "docker run -e DB_PASSWORD=… bot:latest",
    "the password is …, change it",
    "OTP: 482913, password: …",
)


def _slot(form: str, value: str) -> str:
    return form.replace("…", value)


def _numbers(data: bytes) -> tuple[list[int], str]:
    return list(data), ", ".join(map(str, data[8:16]))


def _jwk(random: Random) -> tuple[Any, str]:
    secret = coded(random.randbytes(32))
    public = {"x": coded(random.randbytes(32)), "kid": "key-1"}
    return random.choice(
        (
            {"kty": "OKP", "crv": "Ed25519", **public, "d": secret},
            {"kty": "EC", "crv": "P-256", **public, "y": public["x"], "d": secret},
            {"kty": "oct", "k": secret, "alg": "HS256"},
            {"keys": [{"kty": "RSA", "n": public["x"], "e": "AQAB", "d": secret}]},
        )
    ), secret


def _pem_lines(random: Random) -> tuple[Any, str]:
    made, canary = pem(random)
    return made.strip().split("\n"), canary


def _words(random: Random) -> tuple[Any, str]:
    words, canaries = mnemonic(random)
    return random.choice((f"seed: {' '.join(words)}", words, {"value": ",".join(words)})), canaries[
        2
    ]


def _key_numbers(random: Random) -> tuple[Any, str]:
    name = random.choice(("secretKey", "privateKey", "seed", "keypair", "private_key_bytes"))
    numbers, canary = _numbers(random.randbytes(32))
    return {name: numbers}, canary


def _pair_numbers(random: Random) -> tuple[Any, str]:
    numbers, canary = _numbers(ed25519(random))
    return random.choice(({"wallet": numbers}, {"file": str(numbers)}, numbers)), canary


def _aws(random: Random) -> tuple[Any, str]:
    secret = text(random, 40, string.ascii_letters + string.digits + "+/")
    key = "AKIA" + text(random, 16, BASE32)
    return random.choice(
        (
            f"{key} {secret}",
            {"accessKey": {"accessKeyId": key, "secretAccessKey": secret}},
            f"[default]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n",
            f"{key}:{secret}",
        )
    ), secret


STRUCTURES: dict[str, Callable[[Random], tuple[Any, str]]] = {
    "JWK": _jwk,
    "PEM as lines": _pem_lines,
    "mnemonic": _words,
    "32 numbers": _key_numbers,
    "64 numbers": _pair_numbers,
    "AWS": _aws,
    "JWT": lambda r: (f"token {(made := jwt(r))[0]} expired", made[1]),
    "argument and value": lambda r: (
        {"reason": "invalid", "argument": "privateKey", "value": "0x" + (made := hex_key(r))},
        made,
    ),
    "reason and value": lambda r: (
        {"message": "invalid private key", "value": (made := hex_key(r)), "n": 1},
        made,
    ),
    "wallet import": lambda r: (["wallet", "import", "0x" + (made := hex_key(r))], made),
    "key share": lambda r: ({"keyShare": (made := r.randbytes(48).hex())}, made),
    "mysql's list": lambda r: (["mysql", "-p" + (made := password(r)), "-h", "db"], made),
    "redis' list": lambda r: (["redis-cli", "-a", made := password(r), "ping"], made),
    "curl's list": lambda r: (["curl", "-u", "bot:" + (made := password(r)), "https://x"], made),
    "sh -c": lambda r: (["sh", "-c", f"export API_KEY={(made := password(r))}; run"], made),
    "environment": lambda r: ({"env": [f"API_SECRET={(made := password(r))}", "A=b"]}, made),
    "Kubernetes' Secret": lambda r: (
        {
            "kind": "Secret",
            "metadata": {"name": "bot"},
            "data": {"password": base64.b64encode((made := password(r)).encode()).decode()},
        },
        base64.b64encode(made.encode()).decode(),
    ),
    "map of secrets": lambda r: ({"secrets": {"BINANCE": (made := password(r))}}, made),
    "Vault's answer": lambda r: (
        {"auth": {"client_token": (made := "hvs." + text(r, 24)), "policies": ["bot"]}},
        made,
    ),
    "AppRole": lambda r: (
        {"role_id": "bot", "secret_id": (made := str(uuid.UUID(int=r.getrandbits(128))))},
        made,
    ),
    "user and pass": lambda r: ({"user": "bob", "pass": (made := password(r))}, made),
    "key and secret": lambda r: ({"key": text(r), "secret": (made := password(r))}, made),
    "Digest": lambda r: (
        {"Authorization": f'Digest username="b", response="{(made := r.randbytes(16).hex())}"'},
        made,
    ),
    "number as a password": lambda r: ({"pin": (made := r.randrange(10**5, 10**6))}, str(made)),
    "number of 80 bits as a secret": lambda r: (
        {"clientSecret": (made := r.randrange(10**23, 10**24))},
        str(made),
    ),
    "weak password": lambda r: (
        {
            "password": (
                made := f"{r.choice(('summer', 'letmein', 'hunter'))}{r.randrange(10, 99)}!"
            )
        },
        made,
    ),
    "password of words": lambda r: (
        {"passphrase": (made := f"{text(r, 5, string.ascii_lowercase)} horse battery staple")},
        made,
    ),
}


def secrets(seed: int = 1, rounds: int = 3) -> Iterator[Case]:
    """Yield every kind of secret, `rounds` times."""
    random = Random(seed)
    for _ in range(rounds):
        for name in STRONG:
            value = password(random) if random.random() < 0.8 else f"hunter{random.randrange(99)}x"
            yield Case(f"name {name}", {name: value}, (value,))
        for name in WEAK:
            value = password(random)
            yield Case(f"name {name}", {name: value}, (value,))
        for name in KEY_NAMES:
            value = hex_key(random)
            prefix = random.choice(("", "0x"))
            yield Case(f"key {name}", {name: prefix + value}, (value,))
            yield Case(f"key in a text {name}", f"{name}={prefix}{value} run", (value,))
        for vendor, make in VENDORS:
            value = make(random)
            form = random.choice(("got … back", "…", "sent '…'.", '{"x": "…"}', "a=…&b=1", "(…)"))
            if vendor == "Azure storage":
                form = "AccountKey=…;EndpointSuffix=core.windows.net"
            yield Case(f"vendor {vendor}", {"note": _slot(form, value)}, (value[8:], value))
        for chain, make in CHAIN_KEYS:
            value = make(random)
            form = random.choice(("got … back", "…", "wallet …", '{"x": "…"}', "restored '…'"))
            yield Case(f"chain {chain}", {"note": _slot(form, value)}, (value[8:40],))
        for form in PRIVATE_TEXTS:
            value = hex_key(random)
            yield Case(f"private {form}", {"error": _slot(form, value)}, (value,))
        for form in LINES:
            value = random.randbytes(16).hex() if "0f0f" in form else text(random, 32)
            yield Case(f"line {form}", {"note": _slot(form, value)}, (value,))
        for kind, build in STRUCTURES.items():
            payload, value = build(random)
            yield Case(kind, payload, (value,))


def in_notations(seed: int = 2, rounds: int = 1) -> Iterator[Case]:
    """Yield names and values in every notation."""
    random = Random(seed)
    for _ in range(rounds):
        for notation, write in NOTATIONS.items():
            names = random.sample(STRONG, 12) + random.sample(WEAK, 3)
            for name in names:
                if notation in _LATIN_ONLY and not (name.isascii() and " " not in name):
                    continue
                if notation == "Go's struct" and not name.replace("_", "").isalnum():
                    continue
                value = password(random)
                yield Case(f"{notation}: {name}", write(name, value), (value,))


def _choice(*values: Any) -> Make:
    return lambda random: random.choice(values)


def _under(names: tuple[str, ...], make: Make) -> Make:
    return lambda random: {random.choice(names): make(random)}


def _address(random: Random) -> str:
    return random.choice(
        (
            lambda: "0x" + random.randbytes(20).hex(),
            lambda: base58(random.randbytes(31)) + "1",
            lambda: base58(random.randbytes(32)),
            lambda: checked58(b"\x41", 20)(random),
            lambda: "0x" + random.randbytes(32).hex(),
            lambda: "bc1q" + text(random, 38, BECH32),
            lambda: "osmo1" + text(random, 38, BECH32),
            lambda: "0x" + random.randbytes(32).hex() + "::usdc::USDC",
            lambda: "ibc/" + random.randbytes(32).hex().upper(),
            lambda: "G" + text(random, 55, BASE32),
        )
    )()


ASSETS = (
    *("SOL", "USDC", "BTC", "stETH", "wstETH", "1000PEPE", "USDC.e", "BTC-PERP", "ETH/USDT", "WIF"),
    *("solana", "usd-coin", "wrapped-bitcoin", "JupSOL", "mSOL", "PURR/USDC", "@107", "native"),
    *(
        "BTC-27JUN25-100000-C",
        "kPEPE",
        "XBTUSD",
        "tBTCUSD",
        "0x1::aptos_coin::AptosCoin",
        "wrap.near",
    ),
)
ASSET_NAMES = (
    *(
        "token",
        "token0",
        "token1",
        "baseToken",
        "quoteToken",
        "inputToken",
        "outputToken",
        "tokenA",
    ),
    *(
        "fromToken",
        "toToken",
        "token_in",
        "tokenOut",
        "feeToken",
        "collateralToken",
        "token_address",
    ),
    *("lpToken", "rewardToken", "tokenMint", "tokenId", "Token", "gasToken", "wrappedToken"),
)
PUBLIC_NAMES = (
    *("txHash", "tx", "hash", "signature", "publicKey", "pubkey", "address", "blockHash", "root"),
    *("transactionHash", "merkleRoot", "messageHash", "signerAddress", "publicKeyHex", "txid"),
    *("keyHash", "sha256", "digest", "checksum", "orderHash", "parentHash", "commitment", "topic"),
    *(
        "orderId",
        "conditionId",
        "questionId",
        "cloid",
        "positionId",
        "poolId",
        "block",
        "stateRoot",
    ),
)
PUBLIC_WORDS = (
    *("tx", "transaction hash", "sent in tx", "block", "order hash", "signature", "root"),
    *("public key",),
)
HARMLESS_NAMES = (
    *("tokenType", "tokenName", "keyName", "apiKeyId", "secretName", "secretId", "secretArn"),
    *("SecretId", "kmsKeyId", "keyArn", "passwordPolicy", "passwordLastChanged", "nextToken"),
    *("pageToken", "continuationToken", "idempotencyKey", "clientOrderId", "partitionKey"),
    *("objectKey", "cacheKey", "routingKey", "primaryKey", "foreignKey", "sortKey", "publicKey"),
    *(
        "sessionId",
        "clientRequestToken",
        "syncToken",
        "sshPublicKey",
        "hostKeyFingerprint",
        "keyVersion",
    ),
    *("API_KEY_ID", "SECRET_NAME", "PASSWORD_FILE", "JWT_SECRET_PATH", "PRIVATE_KEY_VERSION"),
    *("authMethod", "authProvider", "authTime", "seedNodes", "sidecar", "codeName", "passRate"),
)
STATES = (
    *(
        "required",
        "sent",
        "changed",
        "expired",
        "invalid",
        "rotated",
        "reset",
        "revoked",
        "missing",
    ),
    *("ok", "none", "enabled", "disabled", "verified", "pending", "not set", "unknown", "updated"),
)
SENTENCES = (
    *("invalid token: expected USDC", "token: SOL", "auth: ok", "otp: sent", "pin: required"),
    *("--password is required", "passwords: 0 weak, 12 strong", "seed: 42", "key: value pairs"),
    "open /var/run/secrets/kubernetes.io/serviceaccount/token: permission denied",
    "Error: token SOL not found on chain solana",
    "swapped 1.5 of token USDC for token SOL, pass 3 of 4",
    "password: must be at least 12 characters long",
    "Password has been changed by an administrator",
    "API key revoked: key_01JD2MZ7K3V9 by jane",
    "code: INVALID_ARGUMENT, key: maxSlippage",
    "exit code: 137, signal: SIGKILL",
    "cookie: accepted, theme: dark",
    "authorization: denied by policy trading-only",
    "The secret prod/jupiter/api was read by agent_7f3a21",
    "secret: prod/jupiter/api, version: 3",
    "no private key found for signer scout",
    "private key imported for agent scout-7",
    "your mnemonic must have 12 or 24 words",
    "seed round: 2M USD, token: TGE in Q1",
    "self.client = Client(api_key=settings.API_KEY, secret=settings.SECRET)",
    "password=os.environ['DB_PASSWORD']",
    "token = request.headers.get('Authorization')",
    "api_key = var.binance_api_key",
    "password: ${DB_PASSWORD}",
    "PASSWORD=$DB_PASSWORD",
    "Authorization: Bearer $TOKEN",
    "missing required argument: --api-key",
    "usage: tool [--token TOKEN] [--password PASSWORD]",
    "credentials: include",
    "KeyError: 'password'",
    "field 'apiKey' is required",
    "expected token type Bearer, got Basic",
    "pass: 12, fail: 0, skipped: 3",
    "code: 200, message: success",
    "sid: AllowTrade, effect: Allow",
    "key not found in cache: price:SOL:USDC",
    "bearer token missing",
    "otp: sms, pin: not set",
    "Unexpected token < in JSON at position 0",
    "auth: oauth2, strategy: jwt",
    "seed: 1337, epochs: 20",
    "GET /latest?token=SOL&vs=USDC&key=price 200",
    "https://dex.example.com/swap?inputToken=SOL&outputToken=USDC&code=42",
    "https://etherscan.io/token/0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48",
    "https://example.com/reset-password",
    "https://example.com/invite",
    "https://solana-mainnet.example.com/health",
    "/usr/bin/tool -p 8080 -u root -h db",
    "ssh -p 22 bot@host",
    "docker run -p 8080:80 -u 1000 bot:latest",
    "mysql -h db -P 3306 -u bot trading",
    "host:5432:tcp:open:ok",
    "id | token | amount\n---+-------+------\n 1 | SOL   | 1.5\n",
    "{'token': 'SOL', 'amount': 1.5, 'pass': True}",
    '{:token=>"SOL", :key=>"price"}',
    "tokens:\n  - SOL\n  - USDC\n",
    'variable "db_password" {\n  type      = string\n  sensitive = true\n}',
    "secretName: bot-credentials",
    "arn:aws:secretsmanager:us-east-1:111122223333:secret:prod/jupiter-AbCdEf",
    "projects/123456/secrets/binance-key/versions/3",
)
OBJECTS: tuple[Any, ...] = (
    {"asset": {"token": {"symbol": "USDC", "address": "0x" + "1f" * 20, "decimals": 6}}},
    {"balances": [{"token": "SOL", "amount": "1.5"}, {"token": "USDC", "amount": "2"}]},
    {"tokens": ["SOL", "USDC", "JUP"], "keys": ["price", "volume"], "codes": [200, 404]},
    {"changes": [{"field": "token", "from": "SOL", "to": "USDC"}]},
    {
        "tools": ["rotate_api_key", "get_quote_v2"],
        "scopes": ["wallet:read_secret", "orders:create"],
    },
    {"changedFields": ["password", "email_address"], "fields": ["api_key", "max_slippage_bps"]},
    {"Action": ["ecr:GetAuthorizationToken", "ecr:GetDownloadUrlForLayer"]},
    {"permissions": ["secrets.get", "keys.list"], "events": ["token.created", "order_filled"]},
    {"required": ["client_id", "client_secret"], "missing": ["password", "first_name"]},
    {"AllowUsersToChangePassword": False, "ExpirePasswords": True, "leakedPassword": False},
    {"pin": True, "auth": {}, "secrets": [], "password": "", "Sid": "", "seed": 42, "token": None},
    {
        "identity": {
            "authorization": {"action": "roleAssignments/write", "scope": "/subscriptions/1"}
        }
    },
    {"authorization": {"evidence": {"role": "Owner", "roleAssignmentScope": "/"}}},
    {"request": {"auth": {"strategy": "jwt", "user": {"name": "Example"}}}},
    {"actor": {"api_key": {"id": "key-1", "type": "service_account"}}},
    {"accessKey": {"accessKeyId": "EXAMPLE", "status": "Active", "userName": "example-user"}},
    {"api_key": {"id": "key_abc", "name": "bot", "scopes": ["trade"], "created_at": 1764115200}},
    {"secret": {"name": "bot-credentials", "namespace": "trading", "uid": "a-1"}},
    {"credential": {"credentialId": "cred-1", "provider": "binance", "label": "main account"}},
    {"Statement": [{"Sid": "AllowTrade", "Effect": "Allow"}, {"Sid": "Stmt1700000000000"}]},
    {"policy": '{"Statement": [{"Sid": "AllowTrade", "Effect": "Allow"}]}'},
    {"Statement": [{"Sid": "AllowS3Read2024", "Effect": "Allow"}]},
    {"policy": '{"Sid": "AllowKMSDecryptV2", "Effect": "Deny", "Action": "kms:*"}'},
    {"terraform": 'statement { sid = "S3ReadOnlyAccess20" effect = "Allow" }'},
    {"template": "- Effect: Allow\n  Sid: AllowS3Read2024\n  Action: s3:Get*"},
    {"encoded": "%7B%22Statement%22%3A%5B%7B%22Sid%22%3A%22AllowTrade%22%7D%5D%7D"},
    {"sid": "S-1-5-21-1004336348-1177238915-682003330-512"},
    {"secretId": "prod/jupiter/api", "versionStage": "AWSCURRENT"},
    {"password": {"min_length": 12, "require_digit": True}, "otp": {"enabled": True}},
    {"errors": {"password": ["This field is required."], "otp": ["Invalid code."]}},
    {"errors": {"password": "must be at least 12 characters"}},
    {"properties": {"password": {"type": "string", "minLength": 8}, "token": {"type": "string"}}},
    {"type": "token", "value": "SOL"},
    {"name": "token", "value": "SOL"},
    {"key": "price:SOL", "value": "142.1"},
    {"key": "logs/2026/11/26/orders.json.gz", "bucket": "trading-archive"},
    {"password": "HIDDEN_DUE_TO_SECURITY_REASONS", "masterUserPassword": "****"},
    {"password": "***", "secret": "<redacted>", "apiKey": "${API_KEY}"},
    {"token_type": "bearer", "scope": "orders:read", "expires_in": 3600},
    {"max_tokens": 4096, "tokens": 812, "prompt_tokens": 512, "completion_tokens": 300},
    {"tokenAmount": "1500000", "tokenDecimals": 6, "keyCount": 3},
    {"code": "ERR_BAD_REQUEST", "statusCode": 400, "errorCode": "INSUFFICIENT_FUNDS"},
    {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "d": None},
    {"argument": "amount", "value": "0x" + "5b71a88df7275813" * 4},
    {"args": ["tx", "send", "0x" + "5b71a88df7275813" * 4]},
    {"argv": ["ls", "-p", "/tmp", "--token", "SOL"]},
    {"docker": ["run", "-p", "8080:80", "nginx:latest"]},
    {"grant": {"principalOrgId": "o-1", "encryptionKey": {"keyId": "alias/bot"}}},
    {"volume": [round(0.5 * n, 2) for n in range(40)], "seedNodes": ["10.0.0.1", "10.0.0.2"]},
    {"changes": {"passwordPolicy": {"from": "weak", "to": "strong"}}},
    {"mfa": {"otp": "sent", "pin": "not set"}, "auth": "ok", "pass": "3/4"},
)
LOOKALIKES: dict[str, Make] = {
    "asset": _under(ASSET_NAMES, _choice(*ASSETS)),
    "address of an asset": _under(ASSET_NAMES, _address),
    "asset in a query": lambda r: f"https://dex.example.com/q?token={r.choice(ASSETS)}&n=1".replace(
        "@", ""
    ),
    "asset in a text": lambda r: (
        f"{r.choice(('token: ', 'token=', 'invalid token '))}{r.choice(ASSETS[:10])} seen"
    ),
    "public value": lambda r: {
        r.choice(PUBLIC_NAMES): r.choice(("0x", "")) + r.randbytes(32).hex()
    },
    "hash in a text": lambda r: f"{r.choice(PUBLIC_WORDS)} 0x{r.randbytes(32).hex()} confirmed",
    "bare hash": lambda r: {"value": r.choice(("0x", "")) + r.randbytes(32).hex()},
    "signature of Solana": lambda r: {
        "note": r.choice(("filled on-chain (", "see (", "in (")) + f"{base58(r.randbytes(64))})"
    },
    "signature in hex": lambda r: {"sig": "0x" + r.randbytes(65).hex(), "r": r.randbytes(64).hex()},
    "64 bytes in base64": lambda r: {"blob": base64.b64encode(r.randbytes(64)).decode()},
    "numbers": lambda r: {
        r.choice(("volumes", "pubkeyBytes", "data", "hash", "signature")): list(r.randbytes(32))
    },
    "64 numbers": lambda r: {r.choice(("volumes", "bytes", "wallet")): list(r.randbytes(64))},
    "harmless name": lambda r: {r.choice(HARMLESS_NAMES): text(r, r.choice((12, 20, 32)))},
    "id": lambda r: {
        r.choice(("secretId", "tokenId", "keyId", "id")): r.choice(
            (f"sec_{text(r, 4)}", str(uuid.UUID(int=r.getrandbits(128))), str(r.randrange(10**30)))
        )
    },
    "access key id": lambda r: {
        r.choice(("accessKeyId", "key", "access_key", "note")): r.choice(("AKIA", "ASIA"))
        + text(r, 16, BASE32)
    },
    "state": lambda r: {
        r.choice(("password", "otp", "pin", "api_key", "token", "auth", "secret")): r.choice(STATES)
    },
    "flag": lambda r: {
        r.choice(("password", "otp", "pin", "usesApiKey", "token", "hasSecret")): r.choice(
            (True, False)
        )
    },
    "count": lambda r: {r.choice(("tokens", "seed", "keys", "code", "pass")): r.randrange(10**6)},
    "sentence": _choice(*SENTENCES),
    "object": _choice(*OBJECTS),
    "ARN": lambda r: {
        r.choice(("secretArn", "secret", "SecretARN", "resource")): (
            f"arn:aws:secretsmanager:eu-west-1:{r.randrange(10**12):012}:secret:bot-{text(r, 6)}"
        )
    },
    "commit": lambda r: {"code": r.choice(("main", "v1.2.3")), "ref": r.randbytes(20).hex()},
    "UUID": lambda r: {
        r.choice(("orderId", "sid", "key", "id")): str(uuid.UUID(int=r.getrandbits(128)))
    },
    "number of an asset": lambda r: {
        r.choice(("token", "tokenId", "asset")): str(r.randrange(10**70, 10**77))
    },
    "IPFS": lambda r: {"uri": "ipfs://Qm" + text(r, 44, BASE58), "token": "NFT"},
    "CloudTrail": lambda r: {
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": f"AROA{text(r, 17, BASE32)}:bot",
            "accessKeyId": f"ASIA{text(r, 16, BASE32)}",
            "sessionContext": {"sessionIssuer": {"type": "Role", "userName": "bot"}},
        },
        "requestParameters": {"secretId": "prod/bot", "maxResults": 5},
        "eventName": "GetSecretValue",
    },
    "order": lambda r: {
        "symbol": r.choice(ASSETS),
        "clientOrderId": "x-" + text(r, 22),
        "orderListId": -1,
        "transactTime": r.randrange(10**12, 2 * 10**12),
        "fills": [{"price": "1.5", "commissionAsset": "BNB"}],
    },
}


def lookalikes(seed: int = 3, rounds: int = 60) -> Iterator[Case]:
    """Yield payloads that hold no secret: each kind `rounds` times, each fixed text once."""
    random = Random(seed)
    for sentence in SENTENCES:
        yield Case(f"sentence {sentence}", {"note": sentence})
    for found in OBJECTS:
        yield Case(f"object {json.dumps(found)[:60]}", found)
    for _ in range(rounds):
        for kind, make in LOOKALIKES.items():
            yield Case(kind, make(random))
