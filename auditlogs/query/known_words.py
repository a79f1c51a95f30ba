"""Which tokens the words of a search can be, by the vocabulary."""

from dataclasses import replace

from auditlogs.query.selection import Selection
from auditlogs.query.window import Window
from auditlogs.storage import vocabulary
from auditlogs.storage.mongo import TookTooLong


def resolved(selection: Selection, window: Window) -> Selection:
    """Return a selection with the tokens of its words, if the vocabulary has all of the window.
    Raises StorageError."""
    if selection.is_empty:
        return selection
    try:
        known_from = vocabulary.known_from(selection.account)
        if known_from is None or known_from > window.start:
            return selection
        tokens = {
            each: vocabulary.beginning_with(selection.account, each)
            for each in selection.beginnings
        }
    except TookTooLong:
        # The log itself may still answer.
        return selection
    return replace(selection, tokens=tokens)
