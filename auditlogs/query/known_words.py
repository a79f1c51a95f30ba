"""Which tokens the words of a search can be, by the vocabulary."""

from dataclasses import replace

from auditlogs.query.selection import Selection
from auditlogs.query.window import Window
from auditlogs.storage import mongo, vocabulary
from auditlogs.storage.mongo import TookTooLong

# The rarest word is nearly always one of the longest.
MAX_LOOKED_UP = 2
# Words, and the beginnings of identifiers.
QUERIES_OF_ONE = 2
# For all of it. An arrival is read once it is older than a write and this take, so that no reader
# in the order of arrival passes an entry whose words it has looked up too early.
SECONDS = 2.0


def resolved(selection: Selection, window: Window) -> Selection:
    """Return a selection with the tokens of its words, of the longest ones, if the vocabulary has
    all of the window. Raises StorageError."""
    if selection.is_empty:
        return selection
    try:
        with mongo.time_limit(SECONDS):
            known_from = vocabulary.known_from(selection.account)
            if known_from is None or known_from > window.start:
                return selection
            longest = sorted(selection.beginnings, key=len, reverse=True)[:MAX_LOOKED_UP]
            tokens = {each: vocabulary.beginning_with(selection.account, each) for each in longest}
    except TookTooLong:
        # The log itself may still answer.
        return selection
    return replace(selection, tokens=tokens)


def queries_of(selection: Selection) -> int:
    """Return how many queries it took at most to look up the tokens of a selection: one tells
    whether the vocabulary has them."""
    return 1 + QUERIES_OF_ONE * len(selection.tokens or ()) if selection.words else 0
