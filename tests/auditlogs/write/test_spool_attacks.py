"""The spool's files are damaged under a running process: acknowledged, recovered and lost entries
are counted, and as many are reported lost as are."""

import contextlib
import itertools
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from auditlogs.entry.schema import Entry
from auditlogs.write import ballast, wal
from auditlogs.write.spool import Spool
from auditlogs.write.spool_file import FILE, SpoolFull
from tests.auditlogs.write.forks import Writer
from tests.factories import queued

pytestmark = pytest.mark.slow

MAIN, LOG = FILE, f"{FILE}-wal"
LARGE = 1 << 30
# More than a page cache needs; fewer than move the log into the database.
BEFORE, AFTER = 150, 30


def overwrite(path: Path, start: int, length: int) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(min(start, size))
        file.write(Random(start).randbytes(min(length, max(0, size - start))))


def replace(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(Random(1).randbytes(50_000))
    other.replace(path)


def middle(path: Path) -> int:
    return path.stat().st_size // 2


DAMAGES: dict[str, Callable[[Path], None]] = {
    "head garbled": lambda path: overwrite(path, 0, 100),
    "middle garbled": lambda path: overwrite(path, middle(path), 2_000),
    "cut in half": lambda path: os.truncate(path, middle(path)),
    "emptied": lambda path: os.truncate(path, 0),
    "deleted": lambda path: path.unlink(),
    "replaced": replace,
}
# Where the process is killed after the damage, no copy is left of what was deleted or cut off. Of
# the log, the frames before and after garbled ones are read; a page may occur in several.
NO_COPY = {"cut in half", "emptied", "deleted", "replaced", "middle garbled"}


# The others run in `make test-faults`.
SAMPLE = {
    (MAIN, "deleted", False),
    (MAIN, "head garbled", True),
    (LOG, "deleted", False),
    (LOG, "head garbled", True),
    (LOG, "emptied", True),
}
SCENARIOS = [
    pytest.param(*each, marks=() if each in SAMPLE else pytest.mark.faults)
    for each in itertools.product((MAIN, LOG), DAMAGES, (False, True))
]


@pytest.mark.parametrize(("part", "damage", "is_killed"), SCENARIOS)
def test_no_entry_is_lost_where_a_copy_exists_and_every_other_is_counted(
    tmp_path: Path, part: str, damage: str, is_killed: bool, record_property: Any
) -> None:
    writer = Writer(tmp_path)
    acknowledged = writer.put(BEFORE)
    DAMAGES[damage](tmp_path / part)
    if is_killed:
        writer.kill()
        writer = Writer(tmp_path)
    acknowledged |= writer.put(AFTER)
    logged = writer.end()
    spool = Spool(tmp_path, LARGE)
    recovered = {each.id for each in spool.oldest(1_000)} & acknowledged
    lost = len(acknowledged) - len(recovered)
    said = spool.file.losses.total()
    record_property(
        "counts",
        f"{part} {damage}, {'killed' if is_killed else 'alive'}: acknowledged "
        f"{len(acknowledged)}, recovered {len(recovered)}, lost {lost}, said {said}",
    )
    assert len(acknowledged) == BEFORE + AFTER
    assert said == lost
    if not (is_killed and damage in NO_COPY):
        assert lost == 0
    if lost:
        assert f"{lost} entries that the spool had accepted are lost" in logged


@pytest.mark.parametrize("part", [MAIN, pytest.param(LOG, marks=pytest.mark.faults)])
@pytest.mark.parametrize(
    "damage",
    [
        "deleted",
        *(pytest.param(each, marks=pytest.mark.faults) for each in ("replaced", "emptied")),
    ],
)
def test_two_processes_lose_nothing_when_a_file_is_damaged_under_both(
    tmp_path: Path, part: str, damage: str
) -> None:
    writers = [Writer(tmp_path), Writer(tmp_path)]
    acknowledged = set[str]()
    for _ in range(3):
        for writer in writers:
            acknowledged |= writer.put(10)
    DAMAGES[damage](tmp_path / part)
    for _ in range(2):
        for writer in writers:
            acknowledged |= writer.put(5)
    for writer in writers:
        writer.end()
    spool = Spool(tmp_path, LARGE)
    assert {each.id for each in spool.oldest(1_000)} == acknowledged
    assert spool.file.losses.total() == 0


def test_a_process_that_is_killed_leaves_nothing_that_is_taken_for_damage(tmp_path: Path) -> None:
    acknowledged = set[str]()
    for _ in range(3):
        writer = Writer(tmp_path)
        acknowledged |= writer.put(20)
        writer.kill()
    spool = Spool(tmp_path, LARGE)
    assert {each.id for each in spool.oldest(1_000)} == acknowledged
    assert list(tmp_path.glob("*damaged*")) == []
    assert spool.file.losses.total() == 0


# Size, space and modes


def large(count: int) -> list[tuple[str, Entry]]:
    return [queued({"n": number, "text": "x y " * 2_000}) for number in range(count)]


def fill(spool: Spool) -> None:
    with contextlib.suppress(SpoolFull):
        for _ in range(10_000):
            spool.put(large(1))
    with pytest.raises(SpoolFull):
        spool.check()


def test_the_file_shrinks_when_its_entries_have_left(tmp_path: Path) -> None:
    spool = Spool(tmp_path, LARGE)
    spool.put(large(500))
    full = spool.file.size()
    spool.remove(each.id for each in spool.oldest(1_000))
    for _ in range(5):
        spool.file.shrink()
    assert spool.file.size() < full / 10


def test_a_smaller_maximum_size_takes_effect_in_a_larger_file(tmp_path: Path) -> None:
    spool = Spool(tmp_path, LARGE)
    spool.put(large(100))
    spool.file.close()
    smaller = Spool(tmp_path, 450_000)
    with pytest.raises(SpoolFull):
        smaller.check()
    smaller.remove(each.id for each in smaller.oldest(90))
    smaller.check()
    smaller.put(large(1))
    with pytest.raises(SpoolFull):
        smaller.put(large(50))


def test_entries_leave_and_become_dead_letters_where_the_maximum_size_is_reached(
    tmp_path: Path,
) -> None:
    spool = Spool(tmp_path, 200_000)
    fill(spool)
    for each in spool.oldest(1_000):
        spool.move_to_dead_letters(each.id, "no")
    assert spool.depth().waiting == 0


def test_only_the_owner_may_read_any_of_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    folder.mkdir(mode=0o755)
    before = os.umask(0)
    try:
        spool = Spool(folder, LARGE)
        spool.put(large(1))
        for _ in range(3):
            spool.breaker.record_failure()
        with spool.drain_lock():
            spool.file.shrink()
        modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {name for name, mode in modes.items() if mode != 0o600} == set()
    assert {MAIN, LOG, "ballast", "breaker"} <= modes.keys()


def test_a_file_that_others_may_read_is_closed_to_them(tmp_path: Path) -> None:
    Spool(tmp_path, LARGE).put(large(1))
    for path in tmp_path.iterdir():
        path.chmod(0o644)
    Spool(tmp_path, LARGE).check()
    # Only the first process to open it looks, and here the one above still has it open.
    spool = Spool(tmp_path, LARGE)
    spool.file.close()


def test_entries_leave_a_full_disk() -> None:
    """On a file system of its own, of a size that a test can fill."""
    folder = Path("/tmp/auditlogs-full-disk")
    folder.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a file system cannot be mounted here")
    try:
        spool = Spool(folder / "spool", LARGE)
        spool.put(large(20))
        fill(spool)
        filler = folder / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
        assert (folder / "spool" / "ballast").stat().st_size == ballast.BYTES
        count = spool.depth().waiting
        assert count >= 20
        spool.remove([each.id for each in spool.oldest(10)])
        assert spool.depth().waiting == count - 10
        fill(spool)
        spool.remove([each.id for each in spool.oldest(10_000)])
        assert spool.depth().waiting == 0
        filler.unlink()
        for _ in range(5):
            spool.file.shrink()
        spool.check()
        spool.file.close()
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        folder.rmdir()


# The write-ahead log


def log_of(folder: Path, count: int) -> bytes:
    spool = Spool(folder, LARGE)
    for entry in large(count):
        spool.put([entry])
    return (folder / LOG).read_bytes()


def test_a_whole_log_is_not_broken_nor_is_one_without_its_last_frame(tmp_path: Path) -> None:
    log = log_of(tmp_path, 5)
    assert not wal.is_broken(log)
    assert not wal.is_broken(log[: -wal.FRAME_SIZE])
    assert not wal.is_broken(log[:-1_000])
    assert not wal.is_broken(b"")


@pytest.mark.parametrize("start", [0, 10, 40, 5_000])
def test_a_damaged_log_is_broken_and_can_be_rebuilt(tmp_path: Path, start: int) -> None:
    log = bytearray(log_of(tmp_path, 5))
    log[start : start + 20] = Random(start).randbytes(20)
    assert wal.is_broken(bytes(log))
    repaired = wal.rebuilt(bytes(log))
    assert repaired
    assert not wal.is_broken(repaired)


def test_of_a_log_that_is_garbage_nothing_is_left() -> None:
    assert wal.rebuilt(Random(2).randbytes(20_000)) == b""
