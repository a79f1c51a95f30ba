"""Delivery: entries go to `POST /api/audit-logs` until it is said what became of each of them."""

import itertools
import logging
import random
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar

import msgspec
import urllib3
from msgspec import Struct
from urllib3.exceptions import HTTPError, InvalidHeader

from auditlogs.redaction import Redactor

STORED = {HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED}
# A proxy may bear less than the log does and say 413, or 400 where the log would say 422.
REFUSED = {
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
}
SETTLED = {"created", "duplicate", "spooled", "conflict"}

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
LONGEST_RETRY_AFTER_SECONDS = 120
GIVE_UP_SECONDS = 900.0
TIMEOUT = urllib3.Timeout(connect=5.0, read=30.0)
MAX_ANSWER_BYTES = 4 << 20
DETAIL_LENGTH = 300

T = TypeVar("T")
# Waits so many seconds and tells whether there is time for another try.
Pause = Callable[[float], bool]

logger = logging.getLogger("auditlogs.client")


@dataclass(frozen=True, slots=True)
class Pending:
    """An entry on its way: its JSON, and what the process's own log may say of it."""

    id: str
    action: str
    body: bytes


class Outcome(Struct):
    """What became of the entry at this place of the array."""

    index: int
    status: str


class Fault(Struct):
    """What is wrong with the entry at this place of the array."""

    index: int
    path: str = ""
    detail: str = ""


class Problem(Struct):
    """Of a problem document, what it says of the entries."""

    detail: str = ""
    errors: list[Fault] = []
    entries: list[Outcome] = []


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of some entries: why which were refused, and what has to be sent once more."""

    refused: Mapping[int, str]
    unsent: Sequence[Sequence[Pending]] = ()


class TryAgain(Exception):
    """Nobody knows what became of the entries; sending them again can do no harm."""

    def __init__(self, reason: str, seconds: float | None = None) -> None:
        super().__init__(reason)
        self.seconds = seconds


class Delivery:
    """The way to one Hub, with one API key of the scope `logs:write`."""

    def __init__(self, url: str, key: str, redactor: Redactor) -> None:
        if not re.fullmatch(r"https?://[^\s?#]+", url):
            raise ValueError("url has to be the Hub's own, like https://hub.example.com")
        if not re.fullmatch(r"[\x21-\x7e]+", key):
            raise ValueError("key has to be the text of an API key")
        self._url = f"{url.rstrip('/')}/api/audit-logs"
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._redactor = redactor
        self._pool = urllib3.PoolManager(maxsize=1, timeout=TIMEOUT, retries=False)

    def send(self, batch: Sequence[Pending], pause: Pause) -> int:
        """Send entries until each is stored, refused or given up; return how many are lost."""
        lost = 0
        parts = [batch]
        while parts:
            part = parts.pop()
            try:
                verdict = self._insist(part, pause)
            except TryAgain as reason:
                logger.error("%d entries are lost, given up: %s", len(part), reason)  # noqa: TRY400
                lost += len(part)
                continue
            for index, why in verdict.refused.items():
                entry = part[index]
                said = self._redactor.text(f"{entry.id} ({entry.action}): {why}")
                logger.error("an entry is lost, refused: %s", said)
            lost += len(verdict.refused)
            parts += verdict.unsent
        return lost

    def _insist(self, part: Sequence[Pending], pause: Pause) -> Verdict:
        """Ask until there is a verdict. Raises the last TryAgain when it is time to give up."""
        until = time.monotonic() + GIVE_UP_SECONDS
        for attempt in itertools.count():
            try:
                return self._ask(part)
            except TryAgain as reason:
                seconds = reason.seconds or _backoff(attempt)
                if time.monotonic() + seconds > until:
                    raise
                logger.warning(
                    "%d entries wait %.1f s to be sent again: %s", len(part), seconds, reason
                )
                if not pause(seconds):
                    raise
        raise AssertionError("it was counted to the end")

    def _ask(self, part: Sequence[Pending]) -> Verdict:
        """Send entries once. Raises TryAgain when it is not certain what became of them."""
        try:
            response = self._pool.request(
                "POST",
                self._url,
                body=b"[%b]" % b",".join(entry.body for entry in part),
                headers=self._headers,
                redirect=False,
                preload_content=False,
            )
            status, text = response.status, response.read(MAX_ANSWER_BYTES)
            response.close()
        except HTTPError as error:
            raise TryAgain(self._redactor.text(str(error))) from error
        if status in STORED and _settles(_decoded(text, list[Outcome], []), len(part)):
            return Verdict({})
        problem = _decoded(text, Problem, Problem())
        if status == HTTPStatus.CONFLICT and _settles(problem.entries, len(part)):
            conflicts = [each.index for each in problem.entries if each.status == "conflict"]
            return Verdict(dict.fromkeys(conflicts, "its id is stored with other content"))
        if status in REFUSED:
            return _refusal(part, problem)
        detail = self._redactor.text(problem.detail)[:DETAIL_LENGTH]
        raise TryAgain(f"{status} {detail}".rstrip(), _retry_after(response))


def _backoff(attempt: int) -> float:
    """Return the seconds to wait after a failed attempt, of which the first is 0."""
    longest = min(FIRST_PAUSE_SECONDS * 2.0 ** min(attempt, 10), LONGEST_PAUSE_SECONDS)
    # Processes that failed together are not to come back together.
    return longest * random.uniform(0.5, 1)  # noqa: S311  (it is no secret)


def _retry_after(response: urllib3.BaseHTTPResponse) -> float | None:
    """Return the seconds that the server asks to wait, within reason, or None."""
    try:
        return urllib3.Retry(retry_after_max=LONGEST_RETRY_AFTER_SECONDS).get_retry_after(response)
    except InvalidHeader:
        return None


def _decoded(text: bytes, kind: type[T], otherwise: T) -> T:
    """Return what an answer says, or something else where it is none of the log's answers."""
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return otherwise


def _settles(outcomes: Sequence[Outcome], count: int) -> bool:
    """Tell whether it is said of each of so many entries that the log has it."""
    return {each.index for each in outcomes if each.status in SETTLED} == set(range(count))


def _refusal(part: Sequence[Pending], problem: Problem) -> Verdict:
    """Return which entries are refused and why; of the others nothing is stored yet."""
    refused: dict[int, str] = {}
    for fault in problem.errors:
        if 0 <= fault.index < len(part):
            place = fault.path.removeprefix(f"/{fault.index}") or "entry"
            sentence = f"{place} {fault.detail}"[:DETAIL_LENGTH]
            refused.setdefault(fault.index, sentence)
    if refused:
        rest = [entry for index, entry in enumerate(part) if index not in refused]
        return Verdict(refused, [rest] if rest else [])
    if len(part) == 1:
        return Verdict({0: problem.detail[:DETAIL_LENGTH]})
    half = len(part) // 2
    return Verdict({}, [part[half:], part[:half]])
