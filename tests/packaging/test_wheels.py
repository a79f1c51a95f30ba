"""Both distributions, built and installed: the Hub runs from its wheel, the client needs little."""

import json
import os
import site
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from auditlogs.models import Account
from auditlogs.query.entries import Entries
from tests.demo_process import ROOT
from tests.server import SECRET_KEY

pytestmark = [pytest.mark.slow, pytest.mark.programs]

# All that comes with the client: nothing of Django, no server, no driver.
BROUGHT = {
    *("auditlogs-client", "cryptography", "google-re2", "mnemonic", "msgspec", "rfc8785"),
    "urllib3",
    # What cryptography needs.
    *("cffi", "pycparser"),
}
SERVICE = """
import os
from auditlogs import bind
from auditlogs.client import Client
from auditlogs.redaction import Redactor

with Client(os.environ["HUB_URL"], os.environ["HUB_KEY"], redactor=Redactor(["deskCode"])) as log:
    with bind(actor={"type": "agent", "id": "agent_7f3a21"}):
        log.record("order.created", result="success", payload={"pair": "SOL/USDC", "deskCode": "x"})
    assert log.flush() and log.lost == 0
"""
# One process for all of it, as each start of Django takes a second.
HUB = """
import re, sys
import django
from django.core.management import call_command
from django.test import Client

import auditlogs, hub
from hub.wsgi import application

assert all(module.__file__.startswith(sys.prefix) for module in (auditlogs, hub))
call_command("check", fail_level="WARNING")
call_command("migrate", verbosity=0)
call_command("collectstatic", interactive=False, verbosity=0)
page = Client().get("/hub/sign-in", headers={"host": "localhost"}).content.decode()
assert 'name="password"' in page
for address in re.findall(r'"(/static/[^"]+)"', page):
    answer = Client().get(address, headers={"host": "localhost"})
    assert answer.status_code == 200 and b"".join(answer), address
    print(address)
"""


def pip(*arguments: str) -> str:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("wheels")
    trees = (os.fspath(ROOT), os.fspath(ROOT / "packaging" / "client"))
    # The build backend is one of the tests' own requirements.
    pip("wheel", "-q", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), *trees)
    return {path.name.partition("-")[0]: path for path in folder.glob("*.whl")}


def environment(folder: Path) -> Path:
    """Make an empty environment and return its interpreter."""
    venv.create(folder, with_pip=False)
    return folder / "bin" / "python"


def run(python: Path, script: str, folder: Path, **variables: str) -> str:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    env = kept | {"no_proxy": "*"} | variables
    done = subprocess.run(
        [python, "-c", script],
        cwd=folder,
        env=env,
        check=False,
        timeout=120,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_both_distributions_have_the_same_version(wheels: dict[str, Path]) -> None:
    assert wheels.keys() == {"auditlogs", "auditlogs_client"}
    assert len({path.name.split("-")[1] for path in wheels.values()}) == 1


def test_a_service_that_only_records_installs_few_packages(
    wheels: dict[str, Path],
    tmp_path: Path,
    live_server: LiveServer,
    account: Account,
    write_key: str,
) -> None:
    python = environment(tmp_path / "venv")
    pip("--python", str(python), "install", "-q", str(wheels["auditlogs_client"]))
    listed = json.loads(pip("--python", str(python), "list", "--format", "json"))
    assert {each["name"] for each in listed} == BROUGHT
    run(python, SERVICE, tmp_path, HUB_URL=live_server.url, HUB_KEY=write_key)
    (entry,) = Entries.of(account.id).page(10, payloads=True).entries
    assert entry.actor.id == "agent_7f3a21"
    assert entry.payload is not None
    assert entry.payload["pair"] == "SOL/USDC"
    assert entry.payload["deskCode"].startswith("[REDACTED:")


def test_the_hub_runs_from_its_wheel(
    wheels: dict[str, Path], tmp_path: Path, settings: Settings
) -> None:
    python = environment(tmp_path / "venv")
    pip("--python", str(python), "install", "-q", "--no-deps", str(wheels["auditlogs"]))
    # The libraries are those of the tests; the checkout, on their path by a .pth file, is not seen.
    packages = next((tmp_path / "venv").glob("lib/python*/site-packages"))
    (packages / "libraries.pth").write_text("\n".join(site.getsitepackages()))
    folder = tmp_path / "work"
    folder.mkdir()
    output = run(
        python,
        HUB,
        folder,
        DJANGO_SETTINGS_MODULE="hub.settings",
        SECRET_KEY=SECRET_KEY,
        HTTPS="false",
        MONGODB_URI=settings.MONGODB_URI,
    )
    assert {".css", ".js"} <= {Path(line).suffix for line in output.splitlines()}
    assert (folder / "hub.sqlite3").exists()
