"""What a demo keeps between runs: its secrets and its addresses, in a file only its owner reads."""

import os
import secrets
from pathlib import Path

import msgspec

STATE_FILE = "state.json"
# Where a demo keeps everything: beside the project's code, or where it must not meet that one.
FOLDER = Path(os.environ.get("DEMO_DIR") or Path(__file__).resolve().parents[2] / ".demo")


class State(msgspec.Struct, frozen=True, kw_only=True):
    """The demo's state: the id of its account and its keys are empty until they were made."""

    secret_key: str
    mongodb_uri: str
    port: int = 0
    account: str = ""
    api_key: str = ""
    write_key: str = ""


def new_state() -> State:
    """Return the state of a demo that has never run."""
    return State(secret_key=secrets.token_urlsafe(48), mongodb_uri="")


def load_state(folder: Path) -> State | None:
    """Return the state kept in a folder, or None where there is none.

    Raises msgspec.DecodeError for a file that is not a state.
    """
    try:
        return msgspec.json.decode((folder / STATE_FILE).read_bytes(), type=State)
    except FileNotFoundError:
        return None


def save_state(folder: Path, state: State) -> None:
    """Write the state whole or not at all, readable by its owner alone."""
    folder.mkdir(mode=0o700, exist_ok=True)
    new = folder / f"{STATE_FILE}.new"
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(state)))
    new.replace(folder / STATE_FILE)
