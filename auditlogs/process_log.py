"""The process's own log: one JSON object to a line, on standard error, and no secret in it.

What the log of entries is for others, this is for whoever runs the process. It is made of ASCII
alone, so that no text can end a line, begin another or command a terminal.
"""

import logging
import sys
import threading
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import TracebackType

from structlog.processors import EventRenamer, JSONRenderer, format_exc_info
from structlog.stdlib import ProcessorFormatter, add_log_level, add_logger_name
from structlog.typing import EventDict, WrappedLogger

from auditlogs.entry.times import format_rfc3339
from auditlogs.intake import context
from auditlogs.redaction import Redactor

# How much of a text is looked at, and how much of it is then shown.
MAX_READ = 262_144
MAX_SHOWN = 32_768
# Where reading stopped there may be half a secret, which has no shape: so much is left out there.
MARGIN = 8_192


class JsonLines(ProcessorFormatter):
    """Formats the records of every logger: `timestamp`, `level`, `logger`, `message`, and where
    they are known `requestId`, `correlationId` and `exception`.

    `names` and `patterns` are an operator's own, as the redactor takes them. Raises BadPattern for
    a pattern that cannot be; formatting never raises.
    """

    def __init__(
        self, names: Iterable[str] = (), patterns: Mapping[str, str] | None = None
    ) -> None:
        self._redactor = Redactor(names, patterns)
        super().__init__(
            processors=[
                _add_timestamp,
                add_log_level,
                add_logger_name,
                EventRenamer("message"),
                _add_ids,
                format_exc_info,
                self.remove_processors_meta,
                self._clean,
                JSONRenderer(),
            ]
        )

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as a line, without its end."""
        try:
            return super().format(record)
        except Exception as error:  # noqa: BLE001 - logging would print the record as it is
            return super().format(_unwritable(record, error))

    def _clean(self, _: WrappedLogger, __: str, line: EventDict) -> EventDict:
        """Redact and shorten every text of a line."""
        return {
            name: self._clean_text(value) if isinstance(value, str) else value
            for name, value in line.items()
        }

    def _clean_text(self, text: str) -> str:
        clean = self._redactor.text(text[:MAX_READ])
        said = f" … (cut; {len(text):,} characters in all) … "
        if len(text) > MAX_READ:
            return clean[:-MARGIN][:MAX_SHOWN] + said
        if len(clean) > MAX_SHOWN:
            return clean[: MAX_SHOWN // 2] + said + clean[-MAX_SHOWN // 2 :]
        return clean


def take_over() -> None:
    """Send Python's warnings, and what ends the process or a thread of it, to the log."""
    logging.captureWarnings(True)
    sys.excepthook = _tell_why
    threading.excepthook = lambda end: _tell_why(end.exc_type, end.exc_value, end.exc_traceback)


def _tell_why(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
) -> None:
    # Neither is a fault: someone has ended the process, or the thread itself.
    if error is not None and not issubclass(kind, KeyboardInterrupt | SystemExit):
        name = threading.current_thread().name
        logging.getLogger(__name__).critical("%s has ended", name, exc_info=(kind, error, trace))


def _add_timestamp(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    record: logging.LogRecord = line["_record"]
    line["timestamp"] = format_rfc3339(datetime.fromtimestamp(record.created, UTC))
    return line


def _add_ids(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    """Name the request, so that its lines are found by what its entries say."""
    known = context.current()
    if known.request_id:
        line["requestId"] = known.request_id
    if known.correlation_id:
        line["correlationId"] = known.correlation_id
    return line


def _unwritable(record: logging.LogRecord, error: Exception) -> logging.LogRecord:
    """Return a record that says of another only that it could not be written, and why."""
    text = "A line could not be written: %s in %s, line %d"
    details = (type(error).__name__, record.module, record.lineno)
    return logging.LogRecord(
        record.name, record.levelno, record.pathname, record.lineno, text, details, None
    )
