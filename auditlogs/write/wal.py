"""SQLite's write-ahead log, as far as a damaged one has to be recognised and repaired.

SQLite reads a log up to the first frame that its checksum does not fit, and ignores the rest, or
all of it when the header is damaged: what was committed there is then gone without an error. The
format is described at https://www.sqlite.org/fileformat2.html#the_write_ahead_log
"""

import os
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

HEADER = struct.Struct(">8I")
FRAME_HEADER = struct.Struct(">6I")
PAGE_SIZE = 4096
FRAME_SIZE = FRAME_HEADER.size + PAGE_SIZE
# The lowest bit says that checksums are computed over big-endian words.
MAGIC = 0x377F0682
VERSION = 3_007_000
WORD = 0xFFFFFFFF

Checksum = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Frame:
    """A version of a page. `pages` is the size of the database after the commit that the frame
    ends, in pages; 0 within a transaction."""

    page: int
    pages: int
    salts: tuple[int, int]
    checksum: Checksum
    content: bytes


def has_header(file: int) -> bool:
    """Tell whether an open log (a descriptor) begins with a valid header."""
    header = os.pread(file, HEADER.size, 0)
    return len(header) == HEADER.size and _is_header(header)


def is_broken(log: bytes, *, verify: bool = True) -> bool:
    """Tell whether SQLite would ignore a commit of a log, for damage before or in it.

    An incomplete transaction at the end is no damage: a process that is killed leaves one. Without
    `verify` the pages' checksums are not computed, which takes a hundred times as long.
    """
    if len(log) <= HEADER.size:
        return False
    magic, _, _, _, *numbers = HEADER.unpack_from(log)
    salts, before = (numbers[0], numbers[1]), (numbers[2], numbers[3])
    if not _is_header(log):
        return True
    frames = _frames(log)
    for frame in frames:
        # Frames with other salts are left of a log that this one has replaced.
        is_valid = not verify or _checksum_of(frame, before, magic) == frame.checksum
        if frame.salts != salts or not is_valid:
            return any(later.salts == salts and later.pages for later in frames)
        before = frame.checksum
    return False


def rebuilt(log: bytes) -> bytes:
    """Return a log with every frame that is still whole, up to the last commit, which SQLite reads
    as if it had written it; empty if none is left."""
    frames = list(_frames(log))
    # Numbers in a damaged header prove nothing; those that most frames share do.
    counted = Counter(frame.salts for frame in frames if frame.page)
    if not counted:
        return b""
    salts, count = counted.most_common(1)[0]
    # What one frame alone has may be garbage.
    if count == 1:
        return b""
    kept: list[Frame] = []
    for before, frame in zip([None, *frames], frames, strict=False):
        if frame.salts != salts or not frame.page:
            continue
        # The checksum continues the one before, so that it can be verified only if that is there.
        is_verifiable = before is not None and before.salts == salts
        if is_verifiable and before and _checksum_of(frame, before.checksum) != frame.checksum:
            continue
        kept.append(frame)
    while kept and not kept[-1].pages:
        kept.pop()
    return _written(kept, salts) if kept else b""


def _written(frames: list[Frame], salts: tuple[int, int]) -> bytes:
    start = struct.pack(">6I", MAGIC, VERSION, PAGE_SIZE, 0, *salts)
    checksum = _checksum(start, (0, 0))
    log = bytearray(start + struct.pack(">2I", *checksum))
    for number, frame in enumerate(frames, start=1):
        pages = frame.pages if number == len(frames) else 0
        head = struct.pack(">2I", frame.page, pages)
        checksum = _checksum(head + frame.content, checksum)
        log += head + struct.pack(">4I", *salts, *checksum) + frame.content
    return bytes(log)


def _is_header(log: bytes) -> bool:
    magic, *_, first, second = HEADER.unpack_from(log)
    return magic & ~1 == MAGIC and _checksum(log[:24], (0, 0), magic) == (first, second)


def _frames(log: bytes) -> Iterator[Frame]:
    for start in range(HEADER.size, len(log) - FRAME_SIZE + 1, FRAME_SIZE):
        page, pages, *rest = FRAME_HEADER.unpack_from(log, start)
        content = log[start + FRAME_HEADER.size : start + FRAME_SIZE]
        yield Frame(page, pages, (rest[0], rest[1]), (rest[2], rest[3]), content)


def _checksum_of(frame: Frame, before: Checksum, magic: int = MAGIC) -> Checksum:
    return _checksum(struct.pack(">2I", frame.page, frame.pages) + frame.content, before, magic)


def _checksum(data: bytes, before: Checksum, magic: int = MAGIC) -> Checksum:
    first, second = before
    order = ">" if magic & 1 else "<"
    words = iter(struct.unpack(f"{order}{len(data) // 4}I", data))
    for even, odd in zip(words, words, strict=True):
        first = (first + even + second) & WORD
        second = (second + odd + first) & WORD
    return first, second
