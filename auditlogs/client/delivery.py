"""Delivery: entries go to `POST /api/audit-logs` until it is said what became of each of them."""

import itertools
import logging
import random
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import urllib3
from urllib3.exceptions import HTTPError, InvalidHeader

from auditlogs.client.answers import Verdict, detail, verdict
from auditlogs.redaction import Redactor

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
LONGEST_RETRY_AFTER_SECONDS = 120
GIVE_UP_SECONDS = 900.0
TIMEOUT = urllib3.Timeout(connect=5.0, read=30.0)
MAX_ANSWER_BYTES = 4 << 20

# Waits so many seconds and tells whether there is time for another try.
Pause = Callable[[float], bool]

logger = logging.getLogger("auditlogs.client")


@dataclass(frozen=True, slots=True)
class Pending:
    """An entry on its way: its JSON, and what the process's own log may say of it."""

    id: str
    action: str
    body: bytes


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
                found = self._insist(part, pause)
            except TryAgain as reason:
                logger.error("%d entries are lost, given up: %s", len(part), reason)  # noqa: TRY400
                lost += len(part)
                continue
            for index, why in found.refused.items():
                said = self._redactor.text(f"{part[index].id} ({part[index].action}): {why}")
                logger.error("an entry is lost, refused: %s", said)
            lost += len(found.refused)
            parts += [[part[index] for index in indexes] for indexes in reversed(found.unsent)]
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
        if found := verdict(status, text, len(part)):
            return found
        reason = self._redactor.text(f"{status} {detail(text)}".rstrip())
        raise TryAgain(reason, _retry_after(response))


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
