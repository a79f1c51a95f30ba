"""What a demo keeps between runs: its secrets, in a file that its owner alone can read."""

import os
import secrets
from pathlib import Path

import msgspec

STATE_FILE = "state.json"
# DEMO_DIR lets a second demo, such as that of the tests, run beside the one in the checkout.
FOLDER = Path(os.environ.get("DEMO_DIR") or Path(__file__).resolve().parents[2] / ".demo")


class State(msgspec.Struct, frozen=True, kw_only=True):
    """The demo's state. The account's ID and its keys are empty until `hub.demo.prepare` ran."""

    secret_key: str
    account: str = ""
    api_key: str = ""
    write_key: str = ""


def new_state() -> State:
    """Return the state of a demo that has never run."""
    return State(secret_key=secrets.token_urlsafe(48))


def load_state(folder: Path) -> State | None:
    """Return the state kept in a folder, or None where there is none.

    Raises msgspec.DecodeError for a file that is not a state.
    """
    try:
        return msgspec.json.decode((folder / STATE_FILE).read_bytes(), type=State)
    except FileNotFoundError:
        return None


def save_state(folder: Path, state: State) -> None:
    """Write the state to its folder."""
    write_private(folder / STATE_FILE, msgspec.json.format(msgspec.json.encode(state)))


def write_private(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, with mode 0600 from its first byte on."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    new.replace(path)
