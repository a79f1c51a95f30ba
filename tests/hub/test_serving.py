"""The Hub as gunicorn serves it, asked over raw sockets: what is said of bodies and connections."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from auditlogs.accounts import keys
from auditlogs.models import Account
from hub.demo.ports import HOST, accepts, free_port
from tests.demo_process import ROOT
from tests.factories import unique

pytestmark = [pytest.mark.slow, pytest.mark.programs]

START_SECONDS = 30.0
ANSWER_SECONDS = 20.0
END = b"\r\n\r\n"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of a Hub without a proxy in front of it, whose databases are those of the tests."""
    from django.conf import settings

    port = free_port()
    command = ["gunicorn", "--config=python:hub.serving", f"--bind={HOST}:{port}", "hub.wsgi"]
    command += ["--no-control-socket", "--worker-class=gthread", "--threads=4"]
    database = settings.DATABASES["default"]["TEST"]["NAME"]
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": f"sqlite:///{database}", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not accepts(port) and time.monotonic() < deadline:
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(START_SECONDS)


@pytest.fixture
def write_key(transactional_db: None) -> str:
    account = Account.objects.create(name=unique("account"))
    return keys.create(account, "writer", ["logs:write"])


def ask(port: int, request: bytes) -> bytes:
    """Send bytes, and return what comes back before the connection closes or is idle."""
    with closing(socket.create_connection((HOST, port), ANSWER_SECONDS)) as connection:
        connection.sendall(request)
        connection.settimeout(ANSWER_SECONDS)
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
            if b"Connection: close" not in answer and END in answer and not piece.endswith(END):
                break
        return answer


def post(key: str, *headers: str) -> bytes:
    lines = [
        "POST /api/audit-logs HTTP/1.1",
        f"Host: {HOST}",
        f"Authorization: Bearer {key}",
        "Content-Type: application/json",
        *headers,
    ]
    return "\r\n".join(lines).encode() + END


@pytest.mark.parametrize(
    "body",
    [
        b"zz\r\n[]\r\n0\r\n\r\n",
        b"5\r\n[]\r\n0\r\n\r\n",
        b"2\r\n[]XX0\r\n\r\n",
        b"-2\r\n[]\r\n0\r\n\r\n",
        b"2;\x00\r\n[]\r\n0\r\n\r\n",
        b"\r\n[]\r\n0\r\n\r\n",
        b"ffffffffffffffffffffff\r\n[]\r\n",
    ],
)
def test_malformed_chunks_are_a_bad_request_and_end_the_connection(
    port: int, write_key: str, body: bytes
) -> None:
    with closing(socket.create_connection((HOST, port), ANSWER_SECONDS)) as connection:
        connection.sendall(post(write_key, "Transfer-Encoding: chunked") + body)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 400 "), answer
    assert b"Connection: close" in answer
    assert answer.count(b"HTTP/1.1 ") == 1


def test_a_whole_body_keeps_the_connection_open(port: int, write_key: str) -> None:
    request = post(write_key, "Transfer-Encoding: chunked") + b"2\r\n[]\r\n0\r\n\r\n"
    answer = ask(port, request)
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    assert b"Connection: keep-alive" in answer


@pytest.mark.parametrize(
    ("key", "headers", "status"),
    [
        ("nonsense", ["Content-Length: 1000"], 401),
        (None, ["Content-Length: 9000000"], 413),
        ("nonsense", ["Transfer-Encoding: chunked"], 401),
    ],
)
def test_an_answer_before_the_body_was_read_closes_the_connection_and_says_so(
    port: int, write_key: str, key: str | None, headers: list[str], status: int
) -> None:
    smuggled = b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    answer = ask(port, post(key or write_key, *headers) + smuggled)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode()), answer
    assert b"Connection: close" in answer
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("name", ["SCRIPT_NAME", "SCRIPT-NAME", "PATH_INFO", "PATH-INFO"])
def test_no_header_of_a_client_moves_the_paths_of_the_hub(port: int, name: str) -> None:
    request = f"GET /hub/logs HTTP/1.1\r\nHost: {HOST}\r\n{name}: /hub\r\n".encode() + b"\r\n"
    answer = ask(port, request)
    assert answer.startswith(b"HTTP/1.1 302 "), answer
    assert b"Location: /hub/sign-in?next=/hub/logs\r\n" in answer
