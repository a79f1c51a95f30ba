"""A search for many texts at once in everything that a system has written."""

import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

# Of a text this long, one piece of so many bytes lies at a multiple of them, wherever it begins.
PIECE = 8
SHORTEST = 2 * PIECE - 1


class Search:
    """Finds which of many texts are in some bytes, in one pass over the bytes."""

    def __init__(self, texts: Iterable[bytes]) -> None:
        self._by_piece: dict[int, list[bytes]] = defaultdict(list)
        for text in set(texts):
            assert len(text) >= SHORTEST, text
            for start in range(PIECE):
                piece = int.from_bytes(text[start : start + PIECE], sys.byteorder)
                self._by_piece[piece].append(text)

    def found_in(self, data: bytes) -> set[bytes]:
        """Return the texts that the bytes contain."""
        whole = memoryview(data)[: len(data) // PIECE * PIECE].cast("Q")
        candidates = self._by_piece.keys() & set(whole)
        return {text for piece in candidates for text in self._by_piece[piece] if text in data}


def read(*folders: Path) -> Mapping[str, bytes]:
    """Return the bytes of every file in some folders, by its path."""
    files = (path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path): path.read_bytes() for path in files}
