"""Inputs that were once redacted wrongly, with the right result."""

import json
from random import Random
from typing import Any

import pytest

from auditlogs.redaction import Redactor, mark
from tests.planted import base58, jwt, text

REDACTOR = Redactor()
MARK = mark("key-name")
DIGITS = "5b71a88df7275813d065ebf04eae0914b5643f9e0407937eb432af1b68d9c020"


def redact(payload: Any) -> Any:
    return REDACTOR.entry({"payload": {"it": payload}})[0]["payload"]["it"]


@pytest.mark.parametrize(
    "payload",
    [
        # A token is an asset.
        {"token": "SOL", "vs": "USDC"},
        {"token0": f"0x{'1f' * 20}", "token1": f"0x{'1f' * 20}"},
        {"token": {"symbol": "USDC", "mint": "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"}},
        {"balances": [{"token": "SOL", "amount": "1.5"}]},
        {"url": "https://dex.example.com/latest?token=SOL&chain=solana"},
        {"changes": [{"field": "token", "from": "SOL", "to": "USDC"}]},
        {"error": "invalid token: expected USDC"},
        # A list of names is no list of names and values.
        {"tools": ["rotate_api_key", "get_quote_v2"]},
        {"scopes": ["wallet:read_secret", "orders:create"]},
        {"changedFields": ["password", "email_address"], "fields": ["api_key", "max_slippage_bps"]},
        {"Action": ["ecr:GetAuthorizationToken", "ecr:GetDownloadUrlForLayer"]},
        # Which secret, not what it is.
        {"secretId": "prod/jupiter/api"},
        {"secretArn": "arn:aws:secretsmanager:us-east-1:111122223333:secret:prod/jupiter-AbCdEf"},
        {"secretId": "sec_0193"},
        # True, false and nothing.
        {"AllowUsersToChangePassword": False, "ExpirePasswords": True},
        {"forceOverwriteReplicaSecret": False, "leakedPassword": False, "granular_bot_token": True},
        {"pin": True, "auth": {}, "secrets": [], "password": "", "Sid": "", "seed": 42},
        # Objects are walked into.
        {"authorization": {"action": "roleAssignments/write", "evidence": {"role": "Owner"}}},
        {"auth": {"strategy": "jwt", "user": {"name": "Example"}}},
        {"api_key": {"id": "key-1", "type": "service_account"}},
        {"accessKey": {"accessKeyId": "EXAMPLE", "status": "Active", "userName": "example-user"}},
        # Of a policy, and of Windows.
        {"Statement": [{"Sid": "AllowTrade", "Effect": "Allow"}]},
        {"policy": '{"Statement": [{"Sid": "AllowTrade", "Effect": "Allow"}]}'},
        {"encoded": "%7B%22Statement%22%3A%5B%7B%22Sid%22%3A%22AllowTrade%22%7D%5D%7D"},
        {"sid": "S-1-5-21-1004336348-1177238915-682003330-512"},
        # The handle of an investigation.
        {"userIdentity": {"accessKeyId": "AKIAIOSFODNN7EXAMPLE"}},
        # Sentences and numbers.
        *("token: SOL", "auth: ok", "otp: sent", "--password is required"),
        "passwords: 0 weak, 12 strong",
        "open /var/run/secrets/kubernetes.io/serviceaccount/token: permission denied",
        {"volumes": list(Random(1).randbytes(32))},
        {"pubkeyBytes": list(Random(2).randbytes(32))},
        f"Order filled on-chain ({base58(Random(3).randbytes(64))})",
        f"Transaction simulation failed for {base58(Random(4).randbytes(64))}",
        # Of MCP, Uniswap, DynamoDB and FIX.
        {"progressToken": "e2488ae0-c4ef-4298-aaa3-380b0e292135"},
        {"poolKey": f"0x{DIGITS}"},
        {"pk": "ACCOUNT#56d04864-e3ad-4deb-9bc3-fefab6cf1b02"},
        "8=FIX.4.4|35=D|11=Xk29sLqz7Qa|38=100|44=10.55|58=554 shares|96=Xk29sLqz",
        {"554": "shares", "volume": 12},
        # Counts.
        "Your mnemonic is 12 or 24 words; write them down on paper.",
        "das Passwort ist 12 Zeichen lang, der Token ist USDC",
        "the API key is 256 bits long",
        "密码是12位",
        "set the password to 12 characters, the token to USDC and the key to price",
        *("send the password (by mail) to bob", "the passphrase -> see Vault", "**token**: USDC"),
        *("this.secret->getValue()", "password <required>", "the API key (rotated) works"),
        # Commands without a secret, and lines after a token.
        *("echo $TOKEN | docker login --password-stdin", "AUTH failed for user bot"),
        *("ConvertTo-SecureString $env:PW -AsPlainText", "curl -E client.pem https://x"),
        "eyJpZCI6MX0aaaaaaaa\nfile.name.txt",
        # Standard input, and the name of a wallet's key file.
        "cat x | vault kv put secret/okx secret=-",
        {"keystore": f"UTC--2026-11-26T10-00-00.0Z--{'15a2' * 10}", "clientToken": DIGITS[:20]},
        # Placeholders, files with a digest in their names, versions of packages.
        *('curl -u "$1:$2" https://x', 'curl -u "${{env.USER}}:${{env.PASSWORD}}" https://x'),
        "Authorization: Bearer $(gcloud auth print-access-token)",
        *("Authorization: Bearer <your API token>", "Authorization: Bearer XXXXXXXXXXXX"),
        *("API_KEY = $(cat /run/secrets/key) && run", "io.jsonwebtoken:jjwt-jackson-0.11.2"),
        f"GET /assets/main-{DIGITS[:32]}.js",
        # Two ids, the time and an id, fingerprints of certificates.
        "2979696f-dee0-058d-6851-69d2979696:0ead745a-2371-9c82-f361-62b8091bba7f",
        "1764144000:0ead745a-2371-9c82-f361-62b8091bba7f",
        *(Random(seed).randbytes(32).hex(":").upper() for seed in range(1, 40, 3)),
        # Words that are no seed.
        {"seed": "we want to buy low and sell high with the bot on the way up"},
    ],
)
def test_what_is_no_secret_stays(payload: Any) -> None:
    assert redact(payload) == payload


@pytest.mark.parametrize(
    "value",
    [
        {"reason": "invalid private key", "argument": "privateKey", "value": f"0x{DIGITS}"},
        f'invalid private key (argument="privateKey", value="0x{DIGITS}", code=INVALID_ARGUMENT)',
        f'invalid hexlify value (argument="value", value="{DIGITS}", code=INVALID_ARGUMENT)',
        f"private key must be 32 bytes, hex or bigint, not string: {DIGITS}",
        f"bad private key 0x{DIGITS}",
        f"Unknown key type. Key: ED{DIGITS.upper()}",
        {"pk": f"0x{DIGITS}"},
        f"DEPLOYER_PK=0x{DIGITS} npx hardhat run",
        f"PK={DIGITS}",
        {"signerKey": DIGITS},
        {"keyShare": DIGITS + DIGITS[:32]},
        f"here is my pk: {DIGITS}",
        {"args": ["wallet", "import", f"0x{DIGITS}"]},
        f'new ethers.Wallet("0x{DIGITS}")',
        {"method": "personal_importRawKey", "params": [f"0x{DIGITS}"]},
    ],
)
def test_64_digits_are_a_key_where_something_close_says_so(value: Any) -> None:
    clean = json.dumps(redact(value)).lower()
    assert DIGITS not in clean
    assert "[redacted:" in clean


@pytest.mark.parametrize(
    "value",
    [
        {"txHash": f"0x{DIGITS}"},
        {"argument": "amount", "value": f"0x{DIGITS}"},
        {"publicKey": DIGITS, "address": f"0x{DIGITS}", "orderHash": DIGITS},
        f"sent in tx 0x{DIGITS}",
        f"private key exported by bob, see tx 0x{DIGITS}",
        f"public key 0x{DIGITS} registered for the agent key",
        f"the hash of the private key file is {DIGITS}",
        {"args": ["tx", "send", f"0x{DIGITS}"]},
    ],
)
def test_64_digits_are_no_key_where_something_closer_says_so(value: Any) -> None:
    assert redact(value) == value


NAMES = (
    *("apiKeyV2", "pass", "pwd_hash", "password_digest", "ftp_pwd", "userpw", "tls_key"),
    *("licenseKey", "unseal_key", "root_token", "app_token", "auth_header", "code_verifier"),
    *(
        "csrfmiddlewaretoken",
        "security_answer",
        "macaroon",
        "senha",
        "wachtwoord",
        "şifre",
        "clave",
    ),
)


@pytest.mark.parametrize("name", NAMES)
def test_a_secret_is_told_by_these_names_too(name: str) -> None:
    for seed in range(20):
        assert redact({name: text(Random(seed), 16)}) == {name: MARK}


@pytest.mark.parametrize(
    ("jwk", "private"),
    [
        ({"kty": "OKP", "crv": "Ed25519", "x": "public", "d": "cHJpdmF0ZQ"}, {"d"}),
        ({"kty": "oct", "k": "cHJpdmF0ZQ"}, {"k"}),
        ({"kty": "RSA", "n": "public", "e": "AQAB", "d": "1", "p": "2", "q": "3"}, {"d", "p", "q"}),
        ({"kty": "EC", "crv": "P-256", "x": "public", "y": "public"}, set()),
    ],
)
def test_of_a_jwk_the_private_members_go(jwk: dict[str, str], private: set[str]) -> None:
    expected = {name: MARK if name in private else value for name, value in jwk.items()}
    assert redact(jwk) == expected


PRIVATE = mark("private-key")
BYTES = ", ".join(f"0x{byte:02x}" for byte in Random(5).randbytes(32))
HEX_BYTES = Random(5).randbytes(32).hex(" ")
WRAPPED = jwt(Random(6))[0]
KEYS = ("private_key_pem_b64", "clientKey")
SECRET = "37yAAvLptVX0Z0UZlCTZqpGe576B1h"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            f"/rpc?params=%7B%22apiKey%22%3A%20%22{SECRET}%22%7D",
            f"/rpc?params=%7B%22apiKey%22%3A%22{MARK}%22%7D",
        ),
        (
            f"{{'name': 'X-Auth-Token', 'value': '{SECRET}'}}",
            f"{{'name': 'X-Auth-Token', 'value': '{MARK}'}}",
        ),
        (
            f'bad {{:name=>"X-Auth-Token", :value=>"{SECRET}"}}',
            f'bad {{:name=>"X-Auth-Token", :value=>"{MARK}"}}',
        ),
        (f"{{'Private Key': '0x{DIGITS}'}}", f"{{'Private Key': '{MARK}'}}"),
        (f"sessionid={SECRET}", f"sessionid={MARK}"),
        (
            f"https://solana-mainnet.core.chainstack.com/{DIGITS[:32]}",
            "https://solana-mainnet.core.chainstack.com/[REDACTED:url-secret]",
        ),
        (
            f"https://app.example.com/reset-password/{SECRET}",
            "https://app.example.com/reset-password/[REDACTED:url-secret]",
        ),
        (
            [
                "-----BEGIN RSA PRIVATE KEY-----",
                "QIva154lemOC6iCR7fQw",
                "-----END RSA PRIVATE KEY-----",
            ],
            ["[REDACTED:private-key]"],
        ),
        (["mysql", f"-p{SECRET}", "-h", "db"], ["mysql", f"-p{MARK}", "-h", "db"]),
        # FIX: with its separator, and as logs show it.
        ("35=A\x01553=bot\x01554=hunter2\x0198=0", f"35=A\x01553=bot\x01554={MARK}\x0198=0"),
        ("8=FIX.4.4|35=A|554=hunter2|925=x1|", f"8=FIX.4.4|35=A|554={MARK}|925={MARK}|"),
        ("8=FIX.4.4^A35=A^A96=hunter2^A98=0", f"8=FIX.4.4^A35=A^A96={MARK}^A98=0"),
        ({"35": "A", "554": "hunter2"}, {"35": "A", "554": MARK}),
        # Commands.
        ("AUTH hunter2x", f"AUTH {MARK}"),
        ('curl -u ":hunter2" https://x', f'curl -u ":{MARK}" https://x'),
        ("curl -u bot:'hunter2' https://x", f"curl -u bot:'{MARK}' https://x"),
        (f"curl -u {SECRET}: https://x", f"curl -u {MARK}: https://x"),
        (["AUTH", "default", "hunter2x"], ["AUTH", "default", MARK]),
        (["SET", "okx:secret", SECRET], ["SET", "okx:secret", MARK]),
        ("openssl enc -aes-256-cbc -k hunter2 -in f", f"openssl enc -aes-256-cbc -k {MARK} -in f"),
        (["ssh-keygen", "-N", "hunter2"], ["ssh-keygen", "-N", MARK]),
        ("http -a bot:hunter2 https://x", f"http -a bot:{MARK} https://x"),
        ("curl -E c.pem:hunter2 https://x", f"curl -E c.pem:{MARK} https://x"),
        (f"echo '{SECRET}' | gcloud secrets create a", f"echo '{MARK}' | gcloud secrets create a"),
        ('ConvertTo-SecureString "hunter2" -Force', f'ConvertTo-SecureString "{MARK}" -Force'),
        ("get(url, auth=('bot', 'hunter2'))", f"get(url, auth=('bot', '{MARK}'))"),
        (
            ["aws", "ssm", "put-parameter", "--value", "x1", "--type", "SecureString"],
            ["aws", "ssm", "put-parameter", "--value", MARK, "--type", "SecureString"],
        ),
        ("Server=db;Password={a;b9};Encrypt=yes", f"Server=db;Password={MARK};Encrypt=yes"),
        (f"x.io\tTRUE\t/\tTRUE\t18\tsid\t{SECRET}", f"x.io\tTRUE\t/\tTRUE\t18\tsid\t{MARK}"),
        # Sentences.
        ("mein Passwort lautet hunter2, ja", f"mein Passwort lautet {MARK}, ja"),
        ("mi contraseña es hunter2", f"mi contraseña es {MARK}"),
        ("我的密码是hunter2", f"我的密码是{MARK}"),
        ("비밀번호는 hunter2", f"비밀번호는 {MARK}"),
        ("パスワード「hunter2」", f"パスワード「{MARK}」"),
        ("set the password to hunter2 now", f"set the password to {MARK} now"),
        (f"api_secret ({SECRET}) rejected", f"api_secret ({MARK}) rejected"),
        (f"passphrase <{SECRET}> -> ok", f"passphrase <{MARK}> -> ok"),
        (f"private_key -> {SECRET}", f"private_key -> {MARK}"),
        (f"config set apiSecret {DIGITS[:40]}", f"config set apiSecret {MARK}"),
        (f"**passphrase**: {SECRET}", f"**passphrase**: {MARK}"),
        ("**Password:** hunter2", f"**Password:** {MARK}"),
        ("รหัสผ่านคือ hunter2", f"รหัสผ่านคือ {MARK}"),
        ("password “hunter2”", f"password “{MARK}”"),
        (
            f"token: {SECRET} expired\nuser: bot",
            "token: [REDACTED:authorization] expired\nuser: bot",
        ),
        (f"key: {SECRET} # of the desk", f"key: {MARK} # of the desk"),
        ({"private_key_pem_b64": SECRET, "clientKey": SECRET}, dict.fromkeys(KEYS, MARK)),
        (
            f"https://gateway.thegraph.com/api/{DIGITS[:32]}/subgraphs/id/5zv",
            "https://gateway.thegraph.com/api/[REDACTED:url-secret]/subgraphs/id/5zv",
        ),
        # Keys of wallets.
        (
            {"crypto": {"ciphertext": DIGITS, "kdf": "a"}},
            {"crypto": {"ciphertext": MARK, "kdf": "a"}},
        ),
        ("{'kty': 'OKP', 'd': 'cHJpdmF0ZQ'}", f"{{'kty': 'OKP', 'd': '{MARK}'}}"),
        (["gaiad", "keys", "import-hex", DIGITS], ["gaiad", "keys", "import-hex", PRIVATE]),
        (f"priv := []byte{{{BYTES}}}", f"priv := []byte{{{PRIVATE}}}"),
        (f"seed <Buffer {HEX_BYTES}>", f"seed <Buffer {PRIVATE}>"),
        ({"monero_seed": " ".join(["tuesday", "beer"] * 12)}, {"monero_seed": MARK}),
        (f"{WRAPPED[:60]}\n{WRAPPED[60:]}\ndone", "[REDACTED:jwt]\ndone"),
        (f"db:5432:trading:bot:{SECRET}", f"db:5432:trading:bot:{MARK}"),
        (r"db:5432:trading:bot:hunt\:er2", f"db:5432:trading:bot:{MARK}"),
        (
            f"1 validation error\napi_key\n  Bad [type=x, input_value='{SECRET}', input_type=str]",
            f"1 validation error\napi_key\n  Bad [type=x, input_value='{MARK}', input_type=str]",
        ),
        (
            f" id | password\n----+---------\n  1 | {SECRET}\n(1 row)\n",
            f" id | password\n----+---------\n  1 | {MARK}\n(1 row)\n",
        ),
        (
            f"passwords:\n  - {SECRET}\n  - hunter2\nport: 1",
            f"passwords:\n  - {MARK}\n  - {MARK}\nport: 1",
        ),
    ],
)
def test_a_secret_is_replaced_where_it_stands_in_any_notation(before: Any, after: Any) -> None:
    assert redact(before) == after
    assert redact(after) == after


def test_two_mnemonics_leave_the_target_an_object() -> None:
    words = " ".join(["abandon"] * 11 + ["about"])
    target = {"type": "wallet", "id": words, "name": words}
    clean, redactions = REDACTOR.entry({"target": target, "actor": dict(target)})
    redacted = {"type": "wallet", "id": "[REDACTED:mnemonic]", "name": "[REDACTED:mnemonic]"}
    assert clean == {"target": redacted, "actor": redacted}
    assert len(redactions) == 4
