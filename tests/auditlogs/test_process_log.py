"""The process's own log: one line of JSON for each record, and no secret in any."""

import io
import json
import logging
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Never

import pytest
from hypothesis import given, strategies as st

from auditlogs.intake import context
from auditlogs.process_log import MAX_READ, MAX_SHOWN, JsonLines
from hub.demo.ports import accepts, free_port

ROOT = Path(__file__).resolve().parents[2]
# A token, made of its three parts so that nobody's scanner takes this file for a leak.
TOKEN = ["eyJhbGciOiJIUzI1NiJ9", "eyJzdWIiOiJhZGEifQ", "c2lnbmF0dXJlLW9mLWFkYQ"]
SECRET = ".".join(TOKEN)
START_SECONDS = 30


class Log:
    """A logger of its own and what it has written."""

    def __init__(self, formatter: JsonLines) -> None:
        self.stream = io.StringIO()
        # Outside the tree of loggers, so that nobody else hears of what it is told.
        self.logger = logging.Logger("tests.log")  # noqa: LOG001
        handler = logging.StreamHandler(self.stream)
        handler.setFormatter(formatter)
        self.logger.addHandler(handler)

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    def line(self) -> dict[str, Any]:
        """Return the one line that was written."""
        assert self.text.endswith("\n")
        assert self.text.count("\n") == 1
        line: dict[str, Any] = json.loads(self.text)
        return line


FORMATTER = JsonLines()


@pytest.fixture
def log() -> Log:
    return Log(FORMATTER)


def fail(reason: str) -> Never:
    raise RuntimeError(reason)


def test_a_line_says_when_how_bad_where_and_what(log: Log) -> None:
    before = datetime.now(UTC)
    log.logger.warning("%d of %s", 3, "many")
    line = log.line()
    at = datetime.fromisoformat(line.pop("timestamp"))
    assert at.tzinfo is UTC
    assert abs(at - before).total_seconds() < 1
    assert line == {"level": "warning", "logger": "tests.log", "message": "3 of many"}


def test_an_exception_is_told_in_the_same_line_with_its_cause(log: Log) -> None:
    try:
        try:
            fail("the first")
        except RuntimeError as error:
            raise ValueError("the second") from error
    except ValueError:
        log.logger.exception("It went wrong")
    line = log.line()
    assert (line["level"], line["message"]) == ("error", "It went wrong")
    for words in ("Traceback", "RuntimeError: the first", "direct cause", "ValueError: the second"):
        assert words in line["exception"]


def test_a_line_names_its_request(log: Log) -> None:
    with context.bind(request_id="req_1", correlation_id="4bf92f35-77b3-4da6-a3ce-929d0e0e4736"):
        log.logger.warning("within")
    line = log.line()
    assert line["requestId"] == "req_1"
    assert line["correlationId"] == "4bf92f35-77b3-4da6-a3ce-929d0e0e4736"


@given(st.text(), st.text())
def test_no_text_can_end_a_line_or_command_a_terminal(message: str, reason: str) -> None:
    log = Log(FORMATTER)
    try:
        fail(reason)
    except RuntimeError:
        log.logger.exception(message)
    log.line()
    assert log.text[:-1].isascii()
    assert log.text[:-1].isprintable()


@pytest.mark.parametrize(
    "text",
    ["a\r\nCRITICAL forged", '"}\n{"level": "critical"}', "\x1b[2J\x9b2J\x7f\0", "\u2028\u202e"],
)
def test_what_would_forge_a_line_comes_back_as_it_was(log: Log, text: str) -> None:
    log.logger.error("%s", text)
    assert log.line()["message"] == text


def test_a_text_that_is_no_unicode_is_written_too(log: Log) -> None:
    log.logger.error("half \ud83d of it")
    assert log.line()["message"] == "half \ud83d of it"


HEADER = f"Authorization: Bearer {SECRET}"


def fail_because(reason: str) -> Never:
    try:
        fail(reason)
    except RuntimeError as error:
        raise ValueError("no") from error


def fail_with_note(note: str) -> Never:
    error = RuntimeError("no")
    error.add_note(note)
    raise error


@pytest.mark.parametrize("failing", [fail, fail_because, fail_with_note])
def test_a_secret_in_an_exception_is_told_by_its_shape(
    log: Log, failing: Callable[[str], Never]
) -> None:
    try:
        failing(HEADER)
    except (RuntimeError, ValueError):
        log.logger.exception("It went wrong")
    assert "[REDACTED:" in log.line()["exception"]
    assert SECRET not in log.text


@pytest.mark.parametrize("details", [(HEADER,), ("%s", HEADER), ("%s", {"header": HEADER})])
def test_a_secret_in_a_message_is_told_by_its_shape(log: Log, details: tuple[Any, ...]) -> None:
    log.logger.error(*details)
    assert "[REDACTED:" in log.line()["message"]
    assert SECRET not in log.text


def test_an_operators_patterns_hold_here_too() -> None:
    log = Log(JsonLines(patterns={"badge": r"\bbadge-[0-9]{4}\b"}))
    log.logger.error("shown badge-1234")
    assert log.line()["message"] == "shown [REDACTED:badge]"


class Unspeakable:
    def __str__(self) -> str:
        raise ValueError(SECRET)


@pytest.mark.parametrize("details", [(SECRET, SECRET), (Unspeakable(),)])
def test_what_cannot_be_written_is_said_without_a_word_of_it(
    log: Log, details: tuple[object, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    log.logger.error("%s %d" if len(details) == 2 else "%s", *details)
    line = log.line()
    assert line["level"] == "error"
    assert line["message"].startswith("A line could not be written: ")
    assert "test_process_log" in line["message"]
    assert SECRET not in log.text
    assert capsys.readouterr().err == ""


def test_a_long_text_is_cut_in_the_middle_and_says_so(log: Log) -> None:
    log.logger.error("first %s last", "zzz. " * MAX_SHOWN)
    message = log.line()["message"]
    assert message.startswith("first ")
    assert f" … (cut; {5 * MAX_SHOWN + 11:,} characters in all) … " in message
    assert message.endswith(" last")
    assert len(message) < MAX_SHOWN + 100


@pytest.mark.parametrize("filling", ["zzz. ", "abandon "])
def test_of_a_text_too_long_to_be_read_no_half_secret_is_shown(log: Log, filling: str) -> None:
    # The second filling is itself a secret, so that little is left of it.
    start = (filling * MAX_READ)[: MAX_READ - 40]
    log.logger.error("first, %s %s and so on", start, HEADER)
    message = log.line()["message"]
    assert message.endswith(f" … (cut; {len(start + HEADER) + 18:,} characters in all) … ")
    assert len(message) < MAX_SHOWN + 100
    assert TOKEN[0][:2] not in message


def lines_of(script: str) -> list[dict[str, Any]]:
    """Return the lines that a script leaves when it is run as a command of the program."""
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", script],
        cwd=ROOT,
        env={**os.environ, "PLANTED": SECRET},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == ""
    assert SECRET not in done.stderr
    return [json.loads(line) for line in done.stderr.splitlines()]


@pytest.mark.programs
def test_every_logger_writes_such_lines_and_none_writes_twice() -> None:
    lines = lines_of("""
import logging, warnings
for name in ("django.request", "django.server", "django.security.csrf", "gunicorn.error", "x.y"):
    logging.getLogger(name).error("from %s", name)
logging.getLogger("x.y").info("too little")
warnings.warn("from py.warnings")
""")
    assert len(lines) == 6
    assert all(f"from {line['logger']}" in line["message"] for line in lines)


@pytest.mark.programs
def test_what_ends_a_thread_and_then_the_process_is_told_in_a_line_each() -> None:
    lines = lines_of("""
import os, sys, threading
def fail(): raise RuntimeError("Authorization: Bearer " + os.environ["PLANTED"])
for end in (sys.exit, fail):
    thread = threading.Thread(target=end, name="drainer")
    thread.start()
    thread.join()
fail()
""")
    assert [line["message"] for line in lines] == [
        "drainer ended by an exception",
        "MainThread ended by an exception",
    ]
    assert all("RuntimeError: Authorization: " in line["exception"] for line in lines)


@pytest.fixture(scope="module")
def server_output(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a server writes that is asked for two pages that fail, and then ended."""
    port, output = free_port(), tmp_path_factory.mktemp("server") / "output.txt"
    command = ["gunicorn", "--config=python:hub.serving", f"--bind=127.0.0.1:{port}"]
    command += ["--no-control-socket", "tests.auditlogs.failing_site:application"]
    with output.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PLANTED": SECRET},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not accepts(port) and time.monotonic() < deadline:
            time.sleep(0.05)
        for path in ("fails", "fails-outside"):
            request = urllib.request.Request(f"http://127.0.0.1:{port}/{path}")
            request.add_header("X-Request-ID", "req-of-the-test")
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(request, timeout=START_SECONDS)
            assert refused.value.code == 500
            assert b"Traceback" not in refused.value.read()
    finally:
        process.terminate()
        process.wait(START_SECONDS)
    return output.read_text()


@pytest.mark.programs
def test_a_page_that_fails_leaves_one_line_without_the_secret(server_output: str) -> None:
    lines = [json.loads(line) for line in server_output.splitlines()]
    failed = [line for line in lines if line["logger"] == "django.request"]
    assert [line["message"] for line in failed] == ["Internal Server Error: /fails"]
    assert "RuntimeError: " in failed[0]["exception"]
    assert "refused" in failed[0]["exception"]
    assert SECRET not in server_output
    assert "[REDACTED:" in failed[0]["exception"]
    (told,) = [line for line in lines if line["logger"] == "site"]
    assert told["requestId"] == failed[0]["requestId"] == "req-of-the-test"
    assert told["correlationId"] == failed[0]["correlationId"]


@pytest.mark.programs
def test_the_servers_own_lines_are_of_the_same_kind(server_output: str) -> None:
    lines = [json.loads(line) for line in server_output.splitlines()]
    own = [line for line in lines if line["logger"] == "gunicorn.error"]
    assert any("Listening at" in line["message"] for line in own)
    failed = [line for line in own if "exception" in line]
    assert [line["message"] for line in failed] == ["Error handling request GET /fails-outside"]
    assert "RuntimeError: " in failed[0]["exception"]
