"""Delivery: send entries to `POST /api/audit-logs` until the outcome of each is known."""

import itertools
import logging
import random
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import urllib3
from urllib3.exceptions import HTTPError, InvalidHeader

from auditlogs.client.answers import Verdict, detail, is_unknown_parameter, verdict
from auditlogs.redaction import Redactor

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
LONGEST_RETRY_AFTER_SECONDS = 120
RETRY_AFTER_SPREAD = 1.25
GIVE_UP_SECONDS = 900.0
TIMEOUT = urllib3.Timeout(connect=5.0, read=30.0)
MAX_ANSWER_BYTES = 4 << 20
ADDRESS_LENGTH = 200

# Waits so many seconds; returns whether there is time for another attempt.
Pause = Callable[[float], bool]

logger = logging.getLogger("auditlogs.client")


@dataclass(frozen=True, slots=True)
class Pending:
    """An entry to be sent: its JSON, and what may be logged about it."""

    id: str
    action: str
    body: bytes


class OutcomeUnknown(Exception):
    """It is unknown whether the entries are stored; a retry is safe, after `seconds` if given."""

    def __init__(self, reason: str, seconds: float | None = None) -> None:
        super().__init__(reason)
        self.seconds = seconds


class Delivery:
    """Sends entries to one server with one API key. Raises ValueError for an invalid URL or key."""

    def __init__(self, url: str, key: str, redactor: Redactor) -> None:
        if not re.fullmatch(r"https?://[^\s?#]+", url):
            raise ValueError(
                "url must be the address of the log's server, like https://logs.example.com"
            )
        if not re.fullmatch(r"[\x21-\x7e]+", key):
            raise ValueError("key must be the text of an API key")
        self._url = f"{url.rstrip('/')}/api/audit-logs"
        # One bad entry then costs its neighbours nothing. A server of an earlier version stores all
        # or nothing, and does not know the parameter.
        self._query = "?allOrNothing=false"
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._redactor = redactor
        self._pool = urllib3.PoolManager(maxsize=1, timeout=TIMEOUT, retries=False)

    def send(self, batch: Sequence[Pending], pause: Pause) -> int:
        """Send entries until each is stored, refused or given up; return how many were lost."""
        lost = 0
        parts = [batch]
        while parts:
            part = parts.pop()
            try:
                outcome = self._send_with_retries(part, pause)
            except OutcomeUnknown as reason:
                logger.error("%d entries lost, gave up: %s", len(part), reason)  # noqa: TRY400
                lost += len(part)
                continue
            for index, why in outcome.refused.items():
                name = f"{part[index].id} ({part[index].action})"
                logger.error("entry lost, refused: %s", self._redactor.text(f"{name}: {why}"))
            lost += len(outcome.refused)
            parts += [[part[index] for index in indexes] for indexes in reversed(outcome.unsent)]
        return lost

    def _send_with_retries(self, part: Sequence[Pending], pause: Pause) -> Verdict:
        """Send until the outcome is known. Raises the last OutcomeUnknown when giving up."""
        until = time.monotonic() + GIVE_UP_SECONDS
        for attempt in itertools.count():
            try:
                return self._post(part)
            except OutcomeUnknown as reason:
                asked = reason.seconds
                seconds = _spread(asked, RETRY_AFTER_SPREAD) if asked else _backoff(attempt)
                if time.monotonic() + seconds > until:
                    raise
                logger.warning(
                    "%d entries not sent, next attempt in %.1f s: %s", len(part), seconds, reason
                )
                if not pause(seconds):
                    raise
        raise AssertionError("unreachable: the count is endless")

    def _post(self, part: Sequence[Pending]) -> Verdict:
        """Send entries once. Raises OutcomeUnknown."""
        try:
            return self._exchange(part)
        except OutcomeUnknown:
            raise
        except Exception as error:
            # Whatever an answer does to its reader, the entries may be stored by the next attempt.
            logger.exception("unexpected error, the entries are sent again")
            raise OutcomeUnknown(type(error).__qualname__) from error

    def _exchange(self, part: Sequence[Pending]) -> Verdict:
        try:
            response = self._pool.request(
                "POST",
                self._url + self._query,
                body=b"[%b]" % b",".join(entry.body for entry in part),
                headers=self._headers,
                redirect=False,
                preload_content=False,
            )
            status, text = response.status, response.read(MAX_ANSWER_BYTES)
            response.close()
        except HTTPError as error:
            raise OutcomeUnknown(self._redactor.text(str(error))) from error
        if self._query and is_unknown_parameter(status, text):
            self._query = ""
            return self._exchange(part)
        if outcome := verdict(status, text, len(part)):
            return outcome
        reason = f"{status} {detail(text) or _redirect(response)}".rstrip()
        raise OutcomeUnknown(self._redactor.text(reason), _retry_after(response))


def _backoff(attempt: int) -> float:
    """Return the seconds to wait after failed attempt number `attempt`, counted from 0."""
    longest = min(FIRST_PAUSE_SECONDS * 2.0 ** min(attempt, 10), LONGEST_PAUSE_SECONDS)
    return _spread(longest / 2, 2)


def _spread(seconds: float, factor: float) -> float:
    """Return so many seconds, or up to `factor` times as many: processes that failed together, or
    were told the same time, should not retry together."""
    return seconds * random.uniform(1, factor)  # noqa: S311  (not for security)


def _redirect(response: urllib3.BaseHTTPResponse) -> str:
    """Return where a response redirects to: most often the url has the wrong scheme or host. It is
    not followed, as the API key would go to any address that a proxy names."""
    # What a query holds may be a secret.
    address = re.split(r"[?#]", response.get_redirect_location() or "")[0][:ADDRESS_LENGTH]
    return f"redirects to {address}, change the client's url" if address else ""


def _retry_after(response: urllib3.BaseHTTPResponse) -> float | None:
    """Return the seconds of `Retry-After`, limited to two minutes, or None."""
    try:
        return urllib3.Retry(retry_after_max=LONGEST_RETRY_AFTER_SECONDS).get_retry_after(response)
    except (InvalidHeader, ValueError, OverflowError):
        # `int` and `datetime` refuse numbers and years that urllib3 does not.
        return None
