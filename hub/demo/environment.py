"""The environment file of the demo: its settings as shell assignments, readable by its owner alone.

The demo writes it before it starts its processes; `hub.startup.start` loads it, so that the Hub,
the worker and every `manage.py` command in this checkout work on the demo's data.
"""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from hub.demo.state import FOLDER, write_private

FILE = "env"
TOOL_SCOPES = Path(__file__).resolve().with_name("tool_scopes.json")


class DamagedFile(Exception):
    """The environment file cannot be read; the message says what to do."""


def of_demo(folder: Path, secret_key: str, mongodb_uri: str) -> dict[str, str]:
    """Return the settings of a demo that keeps its data in a folder."""
    return {
        "SECRET_KEY": secret_key,
        "MONGODB_URI": mongodb_uri,
        "DATABASE_URL": f"sqlite:///{folder.absolute() / 'hub.sqlite3'}",
        "AUDITLOGS_SPOOL_DIR": str(folder.absolute() / "spool"),
        "AUDITLOGS_TOOL_SCOPES": str(TOOL_SCOPES),
        "DEBUG": "false",
        "HTTPS": "false",
        # Above the defaults, so that trying the demo out, or testing it, does not run into limits.
        "AUDITLOGS_API_RATE": os.environ.get("AUDITLOGS_API_RATE", "12000/minute;2000/10 second"),
        "SIGN_IN_RATE": os.environ.get("SIGN_IN_RATE", "300/minute"),
        # The demo has no trace explorer of its own.
        "AUDITLOGS_TRACE_URL": os.environ.get("AUDITLOGS_TRACE_URL", ""),
    }


def write(folder: Path, settings: Mapping[str, str]) -> None:
    """Write the settings to the folder's environment file, with mode 0600."""
    lines = [f"{name}={shlex.quote(value)}\n" for name, value in settings.items()]
    write_private(folder / FILE, "".join(lines).encode())


def load(folder: Path = FOLDER) -> None:
    """Set the variables of the folder's environment file; do nothing where there is none.

    Raises DamagedFile.
    """
    path = folder / FILE
    try:
        os.environ.update(_assignments(path.read_text()))
    except (FileNotFoundError, NotADirectoryError):
        return
    except (OSError, ValueError) as error:
        raise DamagedFile(
            f"The demo's settings in {path} cannot be read ({type(error).__name__}). "
            "Start the demo again (make demo), or set SECRET_KEY to use settings of your own."
        ) from error


def _assignments(text: str) -> dict[str, str]:
    """Return the variables of shell assignments. Raises ValueError for anything else."""
    variables = {}
    for word in shlex.split(text):
        name, is_assignment, value = word.partition("=")
        if not is_assignment:
            raise ValueError("not an assignment")
        variables[name] = value
    return variables
