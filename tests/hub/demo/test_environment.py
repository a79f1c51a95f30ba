"""The demo's environment file: commands load what was written, and only its owner can read it."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from hub.demo import environment
from tests.demo_process import ROOT
from tests.server import SECRET_KEY

URI = "mongodb://ada:it's%24{HOME}@127.0.0.1:27017/audit logs?directConnection=true"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    environment.write(tmp_path, environment.of_demo(tmp_path, SECRET_KEY, URI))
    return tmp_path


def run(folder: Path, code: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", f"from hub.startup.start import begin; begin(); {code}"],
        cwd=ROOT,
        env={**kept, "DEMO_DIR": str(folder), **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_what_was_written_is_loaded_unchanged(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = environment.of_demo(folder, SECRET_KEY, URI)
    for name in written:
        monkeypatch.setenv(name, "another value")
    # The rates are the caller's own where they are set.
    written |= {"AUDITLOGS_API_RATE": "5/minute", "SIGN_IN_RATE": "6/minute"}
    environment.write(folder, written)
    environment.load(folder)
    assert {name: os.environ[name] for name in written} == written


def test_a_shell_reads_the_same_values(folder: Path) -> None:
    command = f'. {folder / "env"}; printf %s "$MONGODB_URI"'
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout == URI


def test_only_its_owner_can_read_it(folder: Path) -> None:
    assert stat.S_IMODE((folder / "env").stat().st_mode) == 0o600


def test_without_a_file_nothing_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MONGODB_URI")
    environment.load(tmp_path)
    assert "MONGODB_URI" not in os.environ


@pytest.mark.programs
def test_a_program_without_a_secret_key_uses_the_demos_settings(tmp_path: Path) -> None:
    uri = "mongodb://127.0.0.1:1/demo"
    environment.write(tmp_path, environment.of_demo(tmp_path, SECRET_KEY, uri))
    code = (
        "from django.conf import settings as s;"
        "print(s.MONGODB_URI, s.DATABASES['default']['NAME'], s.AUDITLOGS_SPOOL_DIR, s.HTTPS)"
    )
    done = run(tmp_path, code, DATABASE_URL="sqlite:///other.sqlite3", HTTPS="true")
    expected = f"{uri} {tmp_path / 'hub.sqlite3'} {tmp_path / 'spool'} False\n"
    assert (done.stdout, done.stderr) == (expected, "")


@pytest.mark.programs
def test_a_program_with_a_secret_key_uses_nothing_of_the_demo(folder: Path) -> None:
    code = "from django.conf import settings as s; print(s.MONGODB_URI, s.HTTPS)"
    done = run(folder, code, SECRET_KEY=SECRET_KEY[::-1])
    assert (done.stdout, done.stderr) == ("mongodb://127.0.0.1:27017/auditlogs True\n", "")


@pytest.mark.parametrize("content", ["SECRET_KEY='half", "SECRET_KEY\n", "\x00"])
@pytest.mark.programs
def test_a_damaged_file_is_reported_in_one_line_without_its_content(
    tmp_path: Path, content: str
) -> None:
    (tmp_path / "env").write_text(content)
    done = run(tmp_path, "print('started')")
    assert done.returncode != 0
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert "make demo" in line
    assert "half" not in line
