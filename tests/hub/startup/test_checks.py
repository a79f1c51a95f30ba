"""`check --deploy` names settings that are valid, but unsafe."""

from pathlib import Path

import pytest
from django.core.checks import run_checks
from pytest_django.fixtures import Settings

SAFE = "mongodb://web:secret-word@db.example.com/auditlogs?tls=true"


def found() -> list[str]:
    return [str(each.id) for each in run_checks(include_deployment_checks=True) if own(each.id)]


def own(id: str | None) -> bool:
    return bool(id) and str(id).startswith("hub.")


@pytest.fixture
def safe(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    settings.ALLOWED_HOSTS = ["audit.example.com"]
    settings.MONGODB_URI = SAFE
    folder = tmp_path / "spool"
    folder.mkdir(mode=0o700)
    settings.AUDITLOGS_SPOOL_DIR = str(folder)
    database = tmp_path / "hub.sqlite3"
    database.touch(mode=0o600)
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", str(database))
    return folder


def test_safe_settings_are_not_named(safe: Path) -> None:
    (safe / "spool.sqlite3").touch(mode=0o600)
    assert found() == []


def test_any_host_is_named(safe: Path, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["audit.example.com", "*"]
    assert found() == ["hub.W001"]


@pytest.mark.parametrize(
    "option",
    ["tlsInsecure=true", "tlsAllowInvalidCertificates=true", "TLSALLOWINVALIDHOSTNAMES=true"],
)
def test_a_certificate_that_is_not_verified_is_named_without_the_password(
    safe: Path, settings: Settings, option: str
) -> None:
    settings.MONGODB_URI = f"{SAFE}&{option}"
    assert found() == ["hub.W002"]
    assert "secret-word" not in str(run_checks(include_deployment_checks=True))
    settings.MONGODB_URI = f"{SAFE}&{option.replace('true', 'false')}"
    assert found() == []


@pytest.mark.parametrize("name", [":memory:", "file:hub?mode=memory&cache=shared"])
def test_a_database_in_memory_is_named(
    safe: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", name)
    assert found() == ["hub.W003"]


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o606])
def test_a_file_that_others_can_read_is_named(safe: Path, mode: int) -> None:
    file = safe / "spool.sqlite3"
    file.touch()
    file.chmod(mode)
    assert found() == ["hub.W004"]


def test_a_folder_that_others_can_enter_is_named(safe: Path) -> None:
    safe.chmod(0o755)
    assert found() == ["hub.W004"]
