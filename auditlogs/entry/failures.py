"""The text of an exception, as an entry stores it."""

from collections.abc import Iterator

from auditlogs.entry.text import encodable

# Of a group, the texts of so many exceptions are stored.
MAX_GROUPED = 10


def text_of(error: object) -> str:
    """Return the text of an exception, or of any other object, in Unicode that can be stored.

    The text of an exception group does not say why anything failed, so those of its exceptions
    follow, each after its type. Never raises, although `__str__` may.
    """
    text = _text(error)
    if isinstance(error, BaseExceptionGroup):
        inner = [f"{type(each).__qualname__}: {_text(each)}" for each in _leaves(error)]
        more = ["…"] if len(inner) > MAX_GROUPED else []
        text = f"{text}: {'; '.join(inner[:MAX_GROUPED] + more)}"
    return encodable(text)


def _text(error: object) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001  (an exception of somebody else's class)
        return f"({type(error).__qualname__} has no text)"


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    """Yield the exceptions of a group and of the groups in it, one more than are stored."""
    pending: list[BaseException] = [group]
    left = MAX_GROUPED + 1
    while pending and left:
        error = pending.pop(0)
        if isinstance(error, BaseExceptionGroup):
            pending[:0] = error.exceptions
        else:
            left -= 1
            yield error
