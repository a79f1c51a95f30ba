"""What the import contracts in pyproject.toml cannot say of the packages, and how they load."""

import subprocess
import sys
from pathlib import Path

import grimp

from tests.server import SECRET_KEY

ROOT = Path(__file__).resolve().parents[1]
# The third-party libraries of the log. Contracts say which of its modules may use the rarer ones.
LIBRARIES = {
    *(
        "anyio",
        "backports",
        "bson",
        "cachetools",
        "cryptography",
        "django",
        "django_filters",
        "limits",
        "mcp",
    ),
    *("mnemonic", "msgspec", "opentelemetry", "prometheus_client", "pydantic", "pymongo", "re2"),
    *("rfc8785", "structlog"),
    "urllib3",
}


def test_the_log_stands_on_few_libraries() -> None:
    graph = grimp.build_graph("auditlogs", include_external_packages=True)
    imported = {
        name.partition(".")[0]
        for module in graph.modules
        if module.partition(".")[0] == "auditlogs"
        for name in graph.find_modules_directly_imported_by(module)
    }
    assert len(graph.modules) > 50
    assert imported - set(sys.stdlib_module_names) == {"auditlogs", *LIBRARIES}


def test_the_settings_load_from_a_secret_key_alone(tmp_path: Path) -> None:
    script = "import django; django.setup(); from django.urls import get_resolver as r; r().check()"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=ROOT,
        env={
            "DJANGO_SETTINGS_MODULE": "hub.settings",
            "SECRET_KEY": SECRET_KEY,
            "HOME": str(tmp_path),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_every_migration_is_written(db: None) -> None:
    from django.core.management import call_command

    call_command("makemigrations", "--check", "--dry-run", verbosity=0)
