"""`python -m hub.demo`: starts the database, the Hub, its worker and the fleet, and stops them."""

import argparse
import fcntl
import http.client
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from types import FrameType
from typing import NoReturn

import msgspec

from auditlogs.entry.numbers import to_whole
from hub.demo import child, database, environment
from hub.demo.child import Child, DemoError
from hub.demo.ports import HIGHEST, HOST, is_free
from hub.demo.state import FOLDER, STATE_FILE, State, load_state, new_state, save_state

DEFAULT_PORT = 8000
# Settings of a deployment. Without SECRET_KEY the processes load the demo's environment file.
FOREIGN_SETTINGS = ("SECRET_KEY", "DATABASE_URL", "ALLOWED_HOSTS", "DEBUG", "HTTPS")
END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ANSWER_SECONDS = 30.0
POLL_SECONDS = 0.2
PREPARE_SECONDS = 300.0


def main() -> int:
    """Run the demo until Ctrl-C, or until one of its processes has ended."""
    port = _port()
    for number in END_SIGNALS:
        # nohup ignores SIGHUP, so that the demo survives its terminal.
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _end)
    try:
        with ExitStack() as stack:
            _run(port, stack)
    except DemoError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _port() -> int:
    parser = argparse.ArgumentParser("python -m hub.demo", description=__doc__)
    parser.add_argument("--port", type=_port_number, default=DEFAULT_PORT)
    port: int = parser.parse_args().port
    return port


def _port_number(text: str) -> int:
    number = to_whole(text)
    if number is None or not 0 < number <= HIGHEST:
        raise argparse.ArgumentTypeError(f"expected a number from 1 to {HIGHEST}")
    return number


def _end(number: int, frame: FrameType | None) -> NoReturn:
    """Exit through every `finally`, which stops the children; further signals are ignored."""
    for each in END_SIGNALS:
        # With SIG_IGN, Python warns about a signal that arrived just before.
        signal.signal(each, lambda *_: None)
    sys.exit(0)


def _run(port: int, stack: ExitStack) -> NoReturn:
    for name in FOREIGN_SETTINGS:
        os.environ.pop(name, None)
    state = _own(stack)
    _check_free(port)
    children: dict[str, Child] = {}
    uri = os.environ.get("MONGODB_URI", "")
    if not uri:
        _say("Starting the database, a beta that does not promise to keep your data ...")
        embedded = database.start(FOLDER / "database")
        stack.callback(embedded.stop)
        children["database"] = embedded.process
        uri = embedded.uri
    save_state(FOLDER, state)
    environment.write(FOLDER, environment.of_demo(FOLDER, state.secret_key, uri))
    _say("Preparing the Hub ...")
    _prepare(stack)
    children["Hub"] = hub = _start(stack, "gunicorn", *_gunicorn(port))
    ready = load_state(FOLDER)
    assert ready, "hub.demo.prepare has saved it"
    _wait_for_answer(hub, port, ready.api_key)
    children["worker"] = _start(stack, "manage", "worker")
    children["fleet"] = _start(stack, "hub.demo.fleet")
    sys.stdout.write(
        f"Hub: {_address(port)}\nSign in: demo / demo\n"
        f"API key: {ready.api_key}\nWrite key: {ready.write_key}\n"
    )
    sys.stdout.flush()
    _say("Stop it with Ctrl-C.")
    _watch(children)


def _own(stack: ExitStack) -> State:
    """Lock the folder until the demo ends and return its state. Raises DemoError."""
    FOLDER.mkdir(mode=0o700, exist_ok=True)
    lock = stack.enter_context((FOLDER / "lock").open("w"))
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise DemoError(
            "A demo is already running in this folder. Stop it first, with Ctrl-C."
        ) from error
    try:
        return load_state(FOLDER) or new_state()
    except msgspec.DecodeError as error:
        file = FOLDER / STATE_FILE
        raise DemoError(f"The demo's state is damaged. Delete {file} and start again.") from error


def _check_free(port: int) -> None:
    try:
        if is_free(port):
            return
    except PermissionError as error:
        raise DemoError(
            f"Port {port} needs administrator rights. Use another one: make demo PORT=8001"
        ) from error
    other = next((p for p in range(port + 1, HIGHEST + 1) if is_free(p)), DEFAULT_PORT)
    raise DemoError(
        f"Port {port} is taken by another program. Use another one: make demo PORT={other}"
    )


def _start(stack: ExitStack, module: str, *arguments: str) -> Child:
    """Start a Python module as a process that is stopped with the demo."""
    started = child.start(sys.executable, "-m", module, *arguments)
    stack.callback(started.stop)
    return started


def _prepare(stack: ExitStack) -> None:
    """Run `hub.demo.prepare`, which prints its own progress and errors. Raises DemoError."""
    try:
        code = _start(stack, "hub.demo.prepare").process.wait(PREPARE_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise DemoError(f"The preparation took more than {PREPARE_SECONDS:.0f} s.") from error
    if code:
        sys.exit(1)


def _gunicorn(port: int) -> list[str]:
    return [
        "hub.wsgi:application",
        "--config=python:hub.serving",
        f"--bind={HOST}:{port}",
        "--worker-class=gthread",
        # One process: each counts the rate limits for itself.
        "--threads=16",
        "--graceful-timeout=3",
        "--log-level=warning",
        "--no-control-socket",
    ]


def _wait_for_answer(hub: Child, port: int, key: str) -> None:
    """Wait until the Hub answers a request with the key over HTTP. Raises DemoError."""
    headers = {"Authorization": f"Bearer {key}"}
    deadline = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < deadline:
        if hub.has_ended:
            raise DemoError("The Hub did not start; the reason is above.")
        connection = http.client.HTTPConnection(HOST, port, timeout=POLL_SECONDS * 10)
        try:
            connection.request("GET", "/api/audit-logs?limit=1", headers=headers)
            connection.getresponse()
        except (OSError, http.client.HTTPException):
            time.sleep(POLL_SECONDS)
        else:
            return
        finally:
            connection.close()
    raise DemoError(f"The Hub did not answer within {ANSWER_SECONDS:.0f} s.")


def _watch(children: dict[str, Child]) -> NoReturn:
    """Wait until one of the children has ended by itself. Raises DemoError then."""
    while True:
        for name, each in children.items():
            if each.has_ended:
                raise DemoError(
                    f"The {name} has ended unexpectedly. Start the demo again: make demo"
                )
        time.sleep(POLL_SECONDS)


def _address(port: int) -> str:
    return f"http://{HOST}:{port}/hub/logs"


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
