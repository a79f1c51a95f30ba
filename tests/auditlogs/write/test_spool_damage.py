"""Failures of the spool's disk: damage, no space, no permission, no folder."""

import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from auditlogs.entry.schema import Entry
from auditlogs.models import new_account_id
from auditlogs.query.entries import Entries
from auditlogs.write.draining import drain
from auditlogs.write.spool import ClaimedKey, Spool, spool
from auditlogs.write.spool_file import ASIDE, FILE, KEPT, SpoolError, SpoolFull
from tests import away
from tests.api import Api, problem_of
from tests.away import connected_to, impatience
from tests.factories import AGENT, queued

PAGE = 4096
# Enough for some hundred pages, so that each kind of damage leaves something whole.
MANY = 2_000
VALID: dict[str, Any] = {"action": "order.created", "actor": AGENT, "result": "success"}
LARGE = VALID | {"payload": {"text": "x y " * 10_000}}


def make(number: int, account: str = "a") -> tuple[str, Entry]:
    return queued({"n": number}, account)


def make_many(count: int) -> list[tuple[str, Entry]]:
    return [make(number) for number in range(count)]


def waiting(here: Spool) -> set[str]:
    return {each.id for each in here.oldest(2 * MANY)}


def ids(entries: list[tuple[str, Entry]]) -> set[str]:
    return {entry.id for _, entry in entries}


def overwrite(path: Path, start: int, length: int) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(os.urandom(length))


def middle(path: Path) -> int:
    return path.stat().st_size // PAGE // 2 * PAGE


DAMAGES: dict[str, Callable[[Path], None]] = {
    "garbage over the header": lambda path: overwrite(path, 0, 100),
    "garbage over the first page": lambda path: overwrite(path, 0, PAGE),
    "garbage in the middle": lambda path: overwrite(path, middle(path), 2 * PAGE),
    "half of it gone": lambda path: os.truncate(path, middle(path)),
    "a piece of the end gone": lambda path: os.truncate(path, path.stat().st_size - 1000),
    "all of it gone": lambda path: os.truncate(path, 0),
}
# Of how many entries at least is something left, if the file was damaged while nobody used it.
WHOLE = {
    "garbage over the header": MANY,
    "garbage over the first page": MANY,
    "garbage in the middle": MANY - 50,
    "half of it gone": MANY // 4,
    "a piece of the end gone": MANY - 50,
    "all of it gone": 0,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_that_was_damaged_is_kept_and_what_can_be_read_of_it_moves_on(
    tmp_path: Path, damage: str
) -> None:
    before, after = make_many(MANY), make_many(20)
    here = Spool(tmp_path, 1 << 30)
    here.put(before)
    here.file.close()
    DAMAGES[damage](here.file.path)
    damaged = here.file.path.read_bytes()
    for each in after:
        Spool(tmp_path, 1 << 30).put([each])
    assert ids(after) <= waiting(here)
    assert len(ids(before) & waiting(here)) >= WHOLE[damage]
    assert [path.read_bytes() for path in asides_in(tmp_path)] == [damaged]


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_put_after_the_damage_is_safe_also_while_the_file_is_in_use(
    tmp_path: Path, damage: str
) -> None:
    before, after = make_many(MANY), make_many(20)
    here, other = Spool(tmp_path, 1 << 30), Spool(tmp_path, 1 << 30)
    here.put(before)
    # From the log that is written ahead into the file itself, as SQLite does now and then.
    here.file._connection().execute("PRAGMA wal_checkpoint")
    assert here.depth().waiting == other.depth().waiting == MANY
    DAMAGES[damage](here.file.path)
    for number, each in enumerate(after):
        (here, other)[number % 2].put([each])
    # The process may end at any moment; what counts is what the next one finds.
    again = Spool(tmp_path, 1 << 30)
    found = waiting(again)
    assert ids(after) <= found
    assert len(ids(before) & found) >= WHOLE[damage]
    assert waiting(here) == waiting(other) == found


def test_what_is_taken_out_is_what_was_meant_also_if_the_file_was_repaired_in_between(
    tmp_path: Path,
) -> None:
    entries = make_many(MANY)
    here = Spool(tmp_path, 1 << 30)
    here.put(entries)
    here.remove(each.id for each in here.oldest(100))
    first = {each.id for each in here.oldest(500)}
    here.file.close()
    DAMAGES["garbage in the middle"](here.file.path)
    here.remove(first)
    assert len(asides_in(tmp_path)) == 1
    found = waiting(here)
    assert not found & first
    assert MANY - 650 <= len(found) <= MANY - 600


def test_what_of_a_damaged_file_has_no_room_any_more_is_said_and_stays_in_it(
    tmp_path: Path,
) -> None:
    here = Spool(tmp_path, 1 << 30)
    here.put(make_many(MANY))
    here.file.close()
    DAMAGES["garbage over the header"](here.file.path)
    with pytest.raises(SpoolFull):
        Spool(tmp_path, 200_000).put(make_many(1))
    assert len(asides_in(tmp_path)) == 1


def test_a_dead_letter_that_moves_into_a_new_file_is_there_once(tmp_path: Path) -> None:
    here = Spool(tmp_path, 1 << 30)
    here.put(make_many(3))
    for each in here.oldest(3):
        here.move_to_dead_letters(each.id, "no")
    letters = here.dead_letters()
    here.file.close()
    DAMAGES["garbage over the header"](here.file.path)
    assert here.dead_letters() == letters
    assert len(letters) == 3


def test_an_idempotency_key_outlives_the_file(tmp_path: Path) -> None:
    here = Spool(tmp_path, 1 << 30)
    key = ClaimedKey("k", "digest", int(time.time() * 1000))
    here.claim(key)
    here.file.close()
    DAMAGES["garbage over the header"](here.file.path)
    assert here.claim(ClaimedKey("k", "other", 2 * key.first_ms)) == key


def test_no_more_is_recovered_than_fits_the_disk_and_nothing_is_refused_by_the_cap(
    tmp_path: Path,
) -> None:
    entries = make_many(MANY)
    Spool(tmp_path, 1 << 30).put(entries)
    DAMAGES["garbage over the header"](tmp_path / FILE)
    here = Spool(tmp_path, 200_000)
    with pytest.raises(SpoolFull):
        here.put([make(1)])
    assert waiting(here) == ids(entries)


def test_what_a_process_that_ended_has_set_aside_is_recovered_by_the_next(tmp_path: Path) -> None:
    before, after = make_many(50), make_many(2)
    here = Spool(tmp_path, 1 << 30)
    here.put(before)
    # Killed between two renames: the file is away, and what is not in it yet is still there.
    (tmp_path / FILE).rename(tmp_path / f"{ASIDE}1")
    Spool(tmp_path, 1 << 30).put(after)
    assert waiting(here) == ids(before) | ids(after)
    assert [path.name for path in asides_in(tmp_path)] == [f"{KEPT}1"]


def damage_row(here: Spool, id: str, change: str) -> None:
    """Damage a row in a way that SQLite cannot notice."""
    with closing(sqlite3.connect(here.file.path)) as db, db:
        assert db.execute(f"UPDATE waiting SET {change} WHERE id = ?", (id,)).rowcount == 1


def test_an_entry_that_was_damaged_is_replaced_when_it_is_sent_again(tmp_path: Path) -> None:
    account, entry = make(1)
    here = Spool(tmp_path, 1 << 30)
    here.put([(account, entry)])
    damage_row(here, entry.id, "body = x'fffefd'")
    assert here.find([entry.id]) == {}
    assert here.put([(account, entry)]) == [entry]
    assert here.find([entry.id]) == {entry.id: entry}


@pytest.mark.parametrize(
    "change",
    [
        "body = x'fffefd'",
        "account = CAST(x'ff' AS TEXT)",
        # In a text that is JSON otherwise.
        "body = CAST(replace(CAST(body AS TEXT), 'order', 'or' || CAST(x'f9' AS TEXT)) AS BLOB)",
        'body = CAST(replace(CAST(body AS TEXT), \'"id":"0\', \'"id":"z\') AS BLOB)',
        "body = CAST(replace(CAST(body AS TEXT), 'Z\"', 'X\"') AS BLOB)",
    ],
)
def test_an_entry_that_was_damaged_holds_up_no_other(tmp_path: Path, change: str) -> None:
    account = new_account_id()
    entries = [make(number, account) for number in range(3)]
    here = Spool(tmp_path, 1 << 30)
    here.put(entries)
    damage_row(here, entries[1][1].id, change)
    while drain(here):
        pass
    found = {entry.id for entry in Entries.of(account).page(9).entries}
    # The damaged one too, where the process that put it still knows what it was.
    assert found - {entries[1][1].id} == {entries[0][1].id, entries[2][1].id}


# No room, no right, no folder


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Path]:
    """A folder in which nothing can be written."""
    folder = tmp_path / "locked"
    folder.mkdir()
    if os.geteuid():
        folder.chmod(0o500)
        yield folder
        folder.chmod(0o700)
        return
    if subprocess.run(["chattr", "+i", folder], capture_output=True, check=False).returncode:
        pytest.skip("an administrator may write everywhere, and there is no chattr to prevent it")
    yield folder
    subprocess.run(["chattr", "-i", folder], check=True)


def assert_nothing_is_taken(staff_client: Client, key: str) -> None:
    response = Api(key).post(VALID)
    problem_of(response, 503, "cannot-store")
    assert response["Retry-After"].isdigit()
    report = staff_client.get("/readyz")
    assert (report.status_code, report.json()["status"]) == (503, "unready")
    assert report.json()["spool"]["error"]


def test_a_folder_that_cannot_be_written_takes_nothing_and_says_so(
    settings: Settings, locked: Path, staff_client: Client, write_key: str
) -> None:
    with connected_to(away.nowhere(), settings, locked / "spool"), impatience(0.2):
        assert_nothing_is_taken(staff_client, write_key)
        with pytest.raises(SpoolError, match="cannot be used"):
            spool().put(make_many(1))


def test_a_full_disk_takes_nothing_and_says_so_until_there_is_room_again(
    settings: Settings, tmp_path: Path, staff_client: Client, write_key: str
) -> None:
    settings.AUDITLOGS_SPOOL_MAX_BYTES = 400_000
    with connected_to(away.nowhere(), settings, tmp_path), impatience(0.2):
        taken = 0
        while (
            Api(write_key).post(VALID | {"payload": {"text": "x y " * 10_000}}).status_code == 202
        ):
            taken += 1
        assert taken == spool().depth().waiting > 2
        large = Api(write_key).post(VALID | {"payload": {"text": "x y " * 10_000}})
        problem_of(large, 503, "cannot-store")
        report = staff_client.get("/readyz")
        assert (report.status_code, report.json()["status"]) == (503, "unready")
        assert report.json()["spool"]["error"] == "The spool is full."
        spool().remove(each.id for each in spool().oldest(100))
        assert Api(write_key).post(VALID).status_code == 202
        assert staff_client.get("/readyz").json()["status"] == "degraded"


def test_a_folder_that_is_deleted_is_created_again_with_what_it_had(
    settings: Settings, tmp_path: Path, write_key: str
) -> None:
    folder = tmp_path / "spool"
    with connected_to(away.nowhere(), settings, folder), impatience(0.2):
        (before,) = Api(write_key).post(VALID).json()
        shutil.rmtree(folder)
        assert spool().depth().waiting == 1
        (after,) = Api(write_key).post(VALID).json()
        assert before["status"] == after["status"] == "spooled"
        assert waiting(Spool(folder, 1 << 30)) == {before["id"], after["id"]}


def asides_in(folder: Path) -> list[Path]:
    return [path for path in folder.glob(f"{FILE}.damaged-*") if path.name[-1].isdigit()]
