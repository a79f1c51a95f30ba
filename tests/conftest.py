"""The suite's surroundings: a database process of its own, settings, people, and a browser."""

import gc
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pymongo
import pytest
from hypothesis import HealthCheck, settings as hypothesis_settings

from tests.server import SECRET_KEY, Server, with_database
from tests.watching import watcher

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client
    from pytest_django.fixtures import Settings

    from auditlogs.models import Account

OWN_SERVER = pytest.StashKey[Server]()
FOLDER = pytest.StashKey[Path]()
DEMO_SCOPES = Path(__file__).resolve().parents[1] / "hub" / "demo" / "tool_scopes.json"

# "default" is what `make test` needs to find a slip. "quick" gives an answer while somebody works,
# "deep" searches for a night.
hypothesis_settings.register_profile(
    "default", deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.register_profile(
    "deep", hypothesis_settings.get_profile("default"), max_examples=2_000
)
hypothesis_settings.register_profile(
    "quick", hypothesis_settings.get_profile("default"), max_examples=5
)
hypothesis_settings.load_profile("default")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--cases` is for an answer while somebody works; see `make quick`."""
    parser.addoption("--cases", type=int, help="run so many cases of each parametrized test")


def pytest_configure(config: pytest.Config) -> None:
    """Point the settings at a database of this process's own, then load them.

    Whatever a running demo or the shell says, no test may meet anybody's data.
    """
    if _only_hands_out_work(config):
        return
    folder = Path(tempfile.mkdtemp(prefix="auditlogs-tests-"))
    config.stash[FOLDER] = folder
    uri = os.environ.get("MONGODB_URI", "")
    if not uri:
        # Nothing outlives it, so that no write has to wait for the disk.
        config.stash[OWN_SERVER] = server = Server(is_durable=False)
        uri = server.uri
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "hub.settings",
        "SECRET_KEY": SECRET_KEY,
        # The tests' servers and browsers speak HTTP, and sign in more often than anybody does.
        "HTTPS": "false",
        "SIGN_IN_RATE": "10000/minute",
        "MONGODB_URI": with_database(uri, f"auditlogs_test_{uuid.uuid4().hex[:12]}"),
        "DATABASE_URL": f"sqlite:///{folder / 'hub.sqlite3'}",
        "AUDITLOGS_SPOOL_DIR": str(folder / "spool"),
        "AUDITLOGS_TOOL_SCOPES": str(DEMO_SCOPES),
        # Playwright's event loop runs in the thread of the tests.
        "DJANGO_ALLOW_ASYNC_UNSAFE": "true",
    }
    for name in [name for name in os.environ if name.startswith(("AUDITLOGS_", "OIDC_"))]:
        if name not in {"AUDITLOGS_SPOOL_DIR", "AUDITLOGS_TOOL_SCOPES"}:
            del os.environ[name]
    for name in ("DEBUG", "ALLOWED_HOSTS", "PROXY_HOPS", "SESSION_IDLE_MINUTES"):
        os.environ.pop(name, None)

    from django.conf import settings

    # Where the demo's tests collect static files, others would find some that are being replaced.
    settings.STATIC_ROOT = folder / "staticfiles"
    # They are served as they lie there, without being collected first.
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": plain}
    # People are made in a moment: the strength of their passwords guards nothing here.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # In a file, so that the thread of a live server sees the same rows.
    settings.DATABASES["default"]["TEST"] = {"NAME": str(folder / "test.sqlite3")}
    pymongo.monitoring.register(watcher)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the database process, whatever happened."""
    if server := config.stash.get(OWN_SERVER, None):
        server.stop()
    if folder := config.stash.get(FOLDER, None):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the slow files, so that none is left for one worker at the end."""
    if cases := config.getoption("cases"):
        _keep_cases(config, items, cases)
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Let the garbage collector not look at thousands of tests and modules again and again, neither
    while they are collected nor afterwards."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def _keep_cases(config: pytest.Config, items: list[pytest.Item], cases: int) -> None:
    """Keep so many cases of each test, spread evenly over all of them: the same in each worker."""
    of_test: dict[str, list[pytest.Item]] = {}
    for item in items:
        of_test.setdefault(item.nodeid.partition("[")[0], []).append(item)
    kept = {
        each[place * len(each) // min(cases, len(each))]
        for each in of_test.values()
        for place in range(min(cases, len(each)))
    }
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = [item for item in items if item in kept]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what the tests have counted, whether they passed or not."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            lines = [line for name, line in report.user_properties if name == "counts"]
            if lines and report.when == "call":
                terminalreporter.section(report.nodeid, sep="-")
                terminalreporter.write_line("\n".join(map(str, lines)))


def _only_hands_out_work(config: pytest.Config) -> bool:
    """Tell whether this process leaves the tests to others."""
    return bool(getattr(config.option, "tx", None)) and not hasattr(config, "workerinput")


@pytest.fixture(scope="session", autouse=True)
def log_database(pytestconfig: pytest.Config) -> Iterator[None]:
    """Make the log's indexes once; drop the database at the end, unless its server goes anyway."""
    from auditlogs.storage import mongo
    from auditlogs.storage.indexes import ensure_indexes

    ensure_indexes()
    # Asked of the server once in a process, and so not within the commands that a test counts.
    mongo.is_secantus()
    yield
    if OWN_SERVER not in pytestconfig.stash:
        with pymongo.timeout(60):
            mongo.client().drop_database(mongo.database().name)
    mongo.client().close()


@pytest.fixture(scope="module", autouse=True)
def _nothing_is_counted(log_database: None) -> None:
    """Begin each file without the counters of another: what that said to be counted until then has
    none of what is recorded now with an earlier timestamp."""
    from tests.counting import forget

    forget()


@pytest.fixture(scope="session", autouse=True)
def _no_permissions() -> None:
    """Let Django not make its permissions and types of content again after each test that commits:
    the Hub has roles of its own."""
    from django.contrib.contenttypes.management import create_contenttypes
    from django.db.models.signals import post_migrate

    assert post_migrate.disconnect(create_contenttypes)
    assert post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")


@pytest.fixture
def own_database(settings: "Settings", tmp_path: Path, log_database: None) -> Iterator[None]:
    """A log of the test's own, with the indexes, for what goes through all that a log holds."""
    from auditlogs.storage import mongo
    from auditlogs.storage.indexes import ensure_indexes
    from tests.away import connected_to

    uri = with_database(settings.MONGODB_URI, f"auditlogs_test_{uuid.uuid4().hex[:12]}")
    with connected_to(uri, settings, tmp_path / "spool"):
        ensure_indexes()
        yield
        with pymongo.timeout(60):
            mongo.client().drop_database(mongo.database().name)


@pytest.fixture(scope="session", autouse=True)
def _time_to_read() -> Iterator[None]:
    """Let no page be cut short because the machine is busy."""
    from auditlogs.query import slices

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slices, "BUDGET_SECONDS", 60.0)
        patch.setattr(slices, "COUNT_SECONDS", 10.0)
        yield


@pytest.fixture(autouse=True)
def _fresh_counters() -> None:
    """Let nobody have used up their share: the tests' keys have each other's numbers, and all of
    them call from one address."""
    from auditlogs.accounts import rate_limit, self_audit
    from auditlogs.write import names

    rate_limit._limiter.cache_clear()
    names._limiter.cache_clear()
    self_audit._sampler.cache_clear()


@pytest.fixture
def account(db: None) -> "Account":
    from auditlogs.models import Account
    from tests.factories import unique

    return Account.objects.create(name=unique("account"))


@pytest.fixture
def api_key(account: "Account") -> str:
    """The text of a key that may read the account's entries."""
    from auditlogs.accounts import keys

    return keys.create(account, "reader", ["logs:read"])


@pytest.fixture
def write_key(account: "Account") -> str:
    """The text of a key that may write entries of the account."""
    from auditlogs.accounts import keys

    return keys.create(account, "writer", ["logs:write"])


@pytest.fixture
def user(account: "Account") -> "User":
    """A person who belongs to the account, and reads."""
    from tests.people import member

    return member(account)


@pytest.fixture
def admin(account: "Account") -> "User":
    """A person who administers the account."""
    from tests.people import member

    return member(account, "admin")


@pytest.fixture
def staff(db: None) -> "User":
    """One of the platform's own people, who belongs to no account."""
    from tests.people import staff

    return staff()


@pytest.fixture
def staff_client(staff: "User") -> "Client":
    """A browser of staff, who alone are told the figures of `/readyz`."""
    from tests.people import signed_in

    return signed_in(staff)


@pytest.fixture
def signed_in_client(client: "Client", user: "User") -> "Client":
    client.force_login(user)
    return client


@pytest.fixture(scope="session")
def base_url() -> None:
    """Stand in for the plugin's own, which pytest warns of; addresses are written out."""


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Drive the browser that is there, with what it needs where there is no sandbox to have."""
    from tests.chromium import SWITCHES, executable

    path = executable()
    if path is None:
        missing = "no Chromium was found"
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    return {**browser_type_launch_args, "executable_path": path, "args": SWITCHES}
