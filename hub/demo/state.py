"""What a demo keeps between runs: its secrets and its addresses, in a file only its owner reads."""

import os
from pathlib import Path

import msgspec

STATE_FILE = "state.json"


class State(msgspec.Struct, frozen=True, kw_only=True):
    """The demo's state. `api_key` is empty until the demo has made one."""

    secret_key: str
    mongodb_uri: str
    api_key: str = ""


def load_state(folder: Path) -> State | None:
    """Return the state kept in a folder, or None where there is none."""
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
