"""What the environment may not say: the program does not start, and tells why in one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from environs import EnvError, ValidationError

from hub.demo.ports import free_port
from hub.startup import validators
from hub.startup.environment import read
from hub.startup.start import describe
from hub.startup.validators import MONGODB_URI_IS, SECRET_KEY_IS
from tests.demo_process import ROOT
from tests.server import SECRET_KEY

pytestmark = pytest.mark.slow

STARTS = {
    "manage": [sys.executable, "manage.py", "check"],
    "wsgi": [sys.executable, "-c", "import hub.wsgi"],
    "gunicorn": ["gunicorn", "-c", "python:hub.serving", "hub.wsgi"],
    "worker": [sys.executable, "manage.py", "worker"],
}
# Beside what the program says, gunicorn tells here that its workers ended.
BARE_GUNICORN = ["gunicorn", "hub.wsgi", "--workers=2"]
LOOKS_STRONG = "k3Jx9-" * 10
WEAK = ["", "x", "k3Jx9-" * 8, "aaab" * 20, f"django-insecure-{LOOKS_STRONG}"]
IMPOSSIBLE_URIS = [
    *(
        "",
        "localhost:27017",
        "http://x",
        "mongodb://",
        "mongodb://h:port/log",
        "mongodb://h/bad db",
    ),
    *("mongodb://ada:p@ss@h/log", "mongodb://ada:100%@h/log", "mongodb://h/log?tls=perhaps"),
    *("mongodb://h/log?nonsense=1", "mongodb://h/log?tls=true&tlsCAFile=/no/such/file"),
    *("mongodb+srv://a.example.org:27017/log", "mongodb+srv://a.example.org,b.example.org"),
]


def start(command: list[str], **surroundings: str) -> "subprocess.CompletedProcess[str]":
    """Start a program in an environment that says just this."""
    if command[0] == "gunicorn":
        program = str(Path(sys.executable).with_name("gunicorn"))
        command = [program, *command[1:], f"--bind=127.0.0.1:{free_port()}", "--no-control-socket"]
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    # A demo that runs beside the code must not lend its settings.
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**kept, "DEMO_DIR": "no-such-folder", "SECRET_KEY": SECRET_KEY, **surroundings},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def refusal(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the message with which this value of the setting is refused."""
    monkeypatch.setenv(name, value)
    with pytest.raises(EnvError) as refused:
        read(name)
    line = describe(refused.value)
    assert line.startswith(f'Environment variable "{name}" invalid: ')
    return line


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("AUDITLOGS_REDACT_PATTERNS", '{"x": "(?=a)"}', "x: RE2 refuses the pattern"),
        ("AUDITLOGS_REDACT_PATTERNS", '{"A b": "a"}', "a rule's name is"),
        ("AUDITLOGS_REDACT_PATTERNS", '["a"]', "expected a JSON object of rule names"),
        ("AUDITLOGS_REDACT_PATTERNS", '{"x": 1}', "expected a JSON object of rule names"),
        ("AUDITLOGS_API_RATE", "often", "expected rates such as 1200/minute;200/10 second"),
        ("AUDITLOGS_API_RATE", "9/minute;often", "expected rates such as 1200/minute"),
        ("AUDITLOGS_API_RATE", "9/minute;0/10 second", "none of them 0"),
        ("SIGN_IN_RATE", "0/minute", "none of them 0"),
        ("OIDC_ISSUER", "http://id.example.org", "expected an https:// address"),
        ("OIDC_ISSUER", "id.example.org", "expected an https:// address"),
        ("OIDC_ISSUER", "https://[", "expected an https:// address"),
        ("OIDC_ISSUER", "https://id.example.org/?a=b", "none of them ? # @"),
        ("AUDITLOGS_SPOOL_MAX_BYTES", "4096", "expected at least 65536 bytes"),
        ("AUDITLOGS_TRACE_URL", "https://g.example/explore", "{trace_id} behind its host"),
        ("AUDITLOGS_TRACE_URL", "javascript:alert({trace_id})", "expected an http(s) address"),
        ("AUDITLOGS_TRACE_URL", "https://{trace_id}.example/", "{trace_id} behind its host"),
        ("AUDITLOGS_TRACE_RETENTION_HOURS", "0", "expected a number from 1 to 87600"),
        ("AUDITLOGS_RETENTION_DAYS", "a month", "Not a valid integer"),
        ("AUDITLOGS_RETENTION_DAYS", "0", "expected a number from 1 to 24855"),
        ("AUDITLOGS_RETENTION_DAYS", "-1", "expected a number from 1 to 24855"),
        ("AUDITLOGS_RETENTION_DAYS", "24856", "expected a number from 1 to 24855"),
        ("DATABASE_URL", "nonsense://x", "Not a valid database URL"),
        ("SIGN_IN_RATE", "often", "expected rates such as 1200/minute"),
        ("SESSION_IDLE_MINUTES", "0", "expected a number from 1 to 10080"),
        ("SESSION_IDLE_MINUTES", "10081", "expected a number from 1 to 10080"),
        ("PROXY_HOPS", "-1", "expected a number from 0 to 10"),
        ("HTTPS", "perhaps", "Not a valid boolean"),
        ("DEBUG", "true", "expected false"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_in_one_line(
    name: str, value: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = refusal(name, value, monkeypatch)
    assert reason in line
    assert "\n" not in line


@pytest.mark.parametrize("key", WEAK)
def test_a_weak_secret_key_is_refused_and_not_printed(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = refusal("SECRET_KEY", key, monkeypatch)
    assert line.endswith(SECRET_KEY_IS)
    assert len(key) < 2 or key not in line


@pytest.mark.parametrize("keys", [*WEAK[1:], f"{LOOKS_STRONG},x", f"{LOOKS_STRONG},"])
def test_a_weak_fallback_is_refused_like_a_weak_key_and_not_printed(
    keys: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert refusal("SECRET_KEY_FALLBACKS", keys, monkeypatch).endswith(SECRET_KEY_IS)


def test_fallbacks_that_are_strong_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY_FALLBACKS", f"{LOOKS_STRONG},{LOOKS_STRONG}more")
    assert read("SECRET_KEY_FALLBACKS") == [LOOKS_STRONG, f"{LOOKS_STRONG}more"]


@pytest.mark.parametrize("uri", IMPOSSIBLE_URIS)
def test_what_is_no_uri_of_mongodb_is_refused(uri: str) -> None:
    with pytest.raises(ValidationError) as refused:
        validators.mongodb_uri(uri)
    assert str(refused.value) == MONGODB_URI_IS


@pytest.mark.parametrize("uri", ["http://ada:hunter2@x", "mongodb://ada:hun?ter2=word@x/db"])
def test_a_uri_that_is_refused_is_not_printed(uri: str) -> None:
    done = start(STARTS["manage"], MONGODB_URI=uri)
    assert done.returncode != 0
    assert done.stderr == f'Environment variable "MONGODB_URI" invalid: {MONGODB_URI_IS}\n'
    assert done.stdout == ""


@pytest.mark.parametrize(
    "uri",
    [
        "mongodb://127.0.0.1:27017/auditlogs",
        "mongodb://web:pass%40word@a,b:27018/log?replicaSet=rs0&w=majority",
        "mongodb://[::1]",
        "mongodb+srv://web:word@cluster.example.invalid/log?srvMaxHosts=2&appName=log",
    ],
)
def test_a_uri_of_mongodb_is_taken_without_asking_anyone(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("socket.socket.connect", ask)
    monkeypatch.setattr("socket.socket.sendto", ask)
    validators.mongodb_uri(uri)


@pytest.mark.parametrize(
    ("way", "surroundings"),
    [
        *((way, {"SECRET_KEY": "hunter2 hunter2"}) for way in STARTS),
        ("manage", {"DEBUG": "true"}),
        ("manage", {"PROXY_HOPS": "many"}),
    ],
)
@pytest.mark.programs
def test_every_way_of_starting_refuses_alike(way: str, surroundings: dict[str, str]) -> None:
    done = start(STARTS[way], **surroundings)
    assert done.returncode != 0
    (line,) = done.stderr.splitlines()
    (name,) = surroundings
    assert line.startswith(f'Environment variable "{name}" invalid: ')
    assert "Traceback" not in done.stdout + done.stderr
    assert "hunter2" not in done.stdout + done.stderr


@pytest.mark.programs
def test_gunicorn_without_the_hubs_options_gives_up_instead_of_trying_on() -> None:
    done = start(BARE_GUNICORN, SECRET_KEY="hunter2 hunter2")
    assert done.returncode != 0
    assert f'Environment variable "SECRET_KEY" invalid: {SECRET_KEY_IS}\n' in done.stderr
    assert "hunter2" not in done.stderr


@pytest.mark.programs
def test_without_a_secret_key_nothing_starts() -> None:
    surroundings = {**os.environ, "DEMO_DIR": "no-such-folder"}
    del surroundings["SECRET_KEY"]
    done = subprocess.run(
        STARTS["manage"],
        cwd=ROOT,
        env=surroundings,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode != 0
    assert done.stderr == f'Environment variable "SECRET_KEY" not set: {SECRET_KEY_IS}\n'


@pytest.mark.programs
def test_djangos_own_check_of_a_deployment_finds_nothing() -> None:
    done = start([sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "System check identified no issues (2 silenced).\n"


@pytest.mark.parametrize(
    ("https", "cookies"),
    [
        ("true", "__Host-sessionid __Host-csrftoken True True"),
        ("false", "sessionid csrftoken False False"),
    ],
)
@pytest.mark.programs
def test_cookies_are_bound_to_the_host_where_there_is_https(https: str, cookies: str) -> None:
    code = (
        "from hub import settings as s; print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME,"
        " s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE)"
    )
    assert start([sys.executable, "-c", code], HTTPS=https).stdout == f"{cookies}\n"


@pytest.mark.programs
def test_a_cookie_over_https_is_as_its_name_demands() -> None:
    code = """
import django
from django.conf import settings
from django.test import Client
# Nobody has collected the static files.
plain = "django.contrib.staticfiles.storage.StaticFilesStorage"
settings.STORAGES["staticfiles"]["BACKEND"] = plain
django.setup()
answer = Client().get("/hub/sign-in", secure=True, headers={"Host": "localhost"})
print(answer.cookies["__Host-csrftoken"].OutputString())
print(answer["Strict-Transport-Security"])
"""
    done = start([sys.executable, "-c", code], DJANGO_SETTINGS_MODULE="hub.settings")
    cookie, hsts = done.stdout.splitlines()
    told = {part.strip().partition("=")[0].casefold() for part in cookie.split(";")}
    assert {"secure", "httponly", "path", "samesite"} <= told
    assert "domain" not in told
    assert "Path=/;" in f"{cookie};"
    assert "SameSite=Lax" in cookie
    assert hsts == "max-age=31536000; includeSubDomains"


@pytest.mark.parametrize(
    ("secret", "before", "reason"),
    [
        (
            "",
            "",
            "OIDC_ISSUER, OIDC_CLIENT_ID and OIDC_CLIENT_SECRET belong together: one is missing",
        ),
        (
            "a secret",
            "import sys; sys.modules['authlib'] = None; ",
            "OIDC_ISSUER is set, but its extra is not installed: auditlogs[sso]",
        ),
    ],
    ids=["a setting is missing", "the extra is missing"],
)
@pytest.mark.programs
def test_single_sign_on_that_cannot_be_is_refused_at_start(
    secret: str, before: str, reason: str
) -> None:
    said = {
        "OIDC_ISSUER": "https://id.example.org",
        "OIDC_CLIENT_ID": "hub",
        "OIDC_CLIENT_SECRET": secret,
    }
    done = subprocess.run(
        [sys.executable, "-c", f"{before}import hub.settings"],
        cwd=ROOT,
        env={**os.environ, **said},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith(reason)
