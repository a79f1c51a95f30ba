"""The archive by command: each entry in the file of the day on which it arrived, and every fault of
a file noticed."""

import gzip
import hashlib
import io
import json
import stat
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from backports import zstd
from django.core.management import CommandError, call_command

from auditlogs.entry.times import now
from auditlogs.export import archive
from auditlogs.export.formats import FORMATS
from auditlogs.models import Account
from auditlogs.query.entries import Entries
from auditlogs.storage.mongo import Unavailable
from tests.factories import make_entries

DAY = timedelta(days=1)
# The day after the last one that is over.
TODAY = archive.last_day(now()) + DAY
FIRST, SECOND, THIRD = (TODAY - DAY * n for n in (3, 2, 1))


class Killed(BaseException):
    """Ends a command where a signal would, so that nothing is tidied up."""


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_LIMIT", 2)
    monkeypatch.setattr(archive, "RETRY_SECONDS", (0.0,))


@pytest.fixture
def account(account: Account) -> Account:
    account.created_at = datetime.combine(FIRST, time(9), UTC)
    account.save()
    return account


@pytest.fixture
def export(account: Account, tmp_path: Path) -> Callable[..., str]:
    """Run the command for the account; return what it said."""

    def run(*arguments: str) -> str:
        out = io.StringIO()
        where = ("--folder", str(tmp_path / "archive"), "--account", account.name)
        call_command("export", *where, *arguments, stdout=out)
        return out.getvalue()

    return run


@pytest.fixture
def folder(account: Account, tmp_path: Path) -> Path:
    return tmp_path / "archive" / account.id


def arrive(account: Account, day: date, count: int, **fields: Any) -> list[str]:
    """Let entries reach the log at noon of a day; return their ids, sorted."""
    with time_machine.travel(datetime.combine(day, time(12), UTC), tick=False):
        return sorted(map(str, make_entries(account.id, count, **fields)))


def lines_of(path: Path) -> list[bytes]:
    return gzip.decompress(path.read_bytes()).splitlines(keepends=True)


def ids_in(path: Path) -> list[str]:
    return sorted(json.loads(line)["id"] for line in lines_of(path)[:-1])


def verified(folder: Path) -> tuple[str, str]:
    """Return what the check wrote, and why it failed, if it did."""
    out = io.StringIO()
    try:
        call_command("verify_export", str(folder), stdout=out)
    except CommandError as error:
        return out.getvalue(), str(error) if error.returncode == 1 else ""
    return out.getvalue(), ""


def test_each_day_has_the_entries_that_arrived_on_it_late_ones_too(
    export: Callable[..., str], account: Account, folder: Path
) -> None:
    first = arrive(account, FIRST, 5)
    late = arrive(account, THIRD, 3, timestamp=datetime.combine(FIRST, time(11), UTC))
    ahead = arrive(account, FIRST, 1, timestamp=datetime.combine(SECOND, time(11), UTC))
    assert "3 days written, 0 were there already." in export()
    days = [folder / f"{day}.ndjson.gz" for day in (FIRST, SECOND, THIRD)]
    assert [ids_in(path) for path in days] == [sorted(first + ahead), [], late]
    *lines, last = lines_of(days[0])
    manifest = json.loads((folder / f"{FIRST}.ndjson.manifest.json").read_bytes())
    assert (manifest["count"], manifest["day"]) == (6, FIRST.isoformat())
    assert manifest["first"]["id"] == json.loads(lines[0])["id"]
    assert manifest["last"]["id"] == json.loads(lines[-1])["id"]
    assert manifest["sha256"] == hashlib.sha256(b"".join(lines)).hexdigest()
    whole = days[0].read_bytes()
    assert manifest.pop("file") == {
        "name": days[0].name,
        "bytes": len(whole),
        "sha256": hashlib.sha256(whole).hexdigest(),
    }
    assert json.loads(last) == {"manifest": manifest}
    assert verified(folder) == ("3 files with 9 entries are as they were written.\n", "")


def test_only_its_owner_reads_it_and_each_file_is_recorded(
    export: Callable[..., str], account: Account, folder: Path
) -> None:
    arrive(account, THIRD, 2)
    export("--since", THIRD.isoformat())
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes == {0o600}
    assert [stat.S_IMODE(each.stat().st_mode) for each in (folder, folder.parent)] == [0o700] * 2
    (entry,) = (
        Entries.of(account.id).where("action", "logs.exported").page(9, payloads=True).entries
    )
    payload = entry.payload or {}
    assert (payload["day"], payload["file"]) == (THIRD.isoformat(), f"{THIRD}.ndjson.gz")
    assert (payload["format"], payload["count"], entry.actor.id) == ("ndjson", 2, "command-line")
    manifest = json.loads((folder / f"{THIRD}.ndjson.manifest.json").read_bytes())
    assert payload["sha256"] == manifest["sha256"]
    assert "2 entries" in (entry.summary or "")


@pytest.mark.parametrize("step", range(4))
def test_after_a_kill_the_next_run_goes_on_and_makes_the_same_files(
    step: int,
    export: Callable[..., str],
    account: Account,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wanted = [arrive(account, day, 3) for day in (SECOND, THIRD)]
    replace, calls = Path.replace, iter(range(9))

    def killed(path: Path, target: Path) -> Path:
        if next(calls) == step:
            raise Killed
        return replace(path, target)

    days = ("--since", SECOND.isoformat())
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(Killed):
            export(*days)
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.name[0] != "."}
    assert f"{2 - step // 2} days written, {step // 2} were there already." in export(*days)
    assert [ids_in(folder / f"{day}.ndjson.gz") for day in (SECOND, THIRD)] == wanted
    assert {name: (folder / name).read_bytes() for name in before} == before
    assert verified(folder)[1] == ""
    assert len(list(folder.iterdir())) == 4


def test_a_day_without_the_database_leaves_nothing_and_a_short_failure_is_waited_for(
    export: Callable[..., str], account: Account, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrive(account, THIRD, 3)
    real, fails = Entries.arrived, iter([False, True, True, True])

    def failing(self: Entries, *arguments: Any) -> Any:
        if next(fails, False):
            raise Unavailable("The database is away.")
        return real(self, *arguments)

    monkeypatch.setattr(Entries, "arrived", failing)
    with pytest.raises(CommandError, match=r"The database is away\. 0 days .* run this again"):
        export("--since", THIRD.isoformat())
    assert list(folder.iterdir()) == []
    assert "3 entries" in export("--since", THIRD.isoformat())


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_written_and_a_change_of_the_manifest_alone_is_noticed(
    name: str, export: Callable[..., str], account: Account, folder: Path
) -> None:
    # A line end within a cell of CSV.
    arrive(account, THIRD, 3, payload={"reason": "one\ntwo"})
    export("--since", THIRD.isoformat(), "--format", name, "--compress", "zstd")
    (path,) = folder.glob("*.zst")
    assert path.name == f"{THIRD}.{FORMATS[name].extension}.zst"
    assert b'"count":3' in zstd.decompress(path.read_bytes()).replace(b'""', b'"')
    assert verified(folder)[1] == ""
    (manifest,) = folder.glob("*.manifest.json")
    manifest.write_bytes(manifest.read_bytes().replace(b'"count":3', b'"count":2'))
    assert "has other entries than its manifest" in verified(folder)[0]


def test_what_is_damaged_cut_or_missing_is_named(
    export: Callable[..., str], account: Account, folder: Path
) -> None:
    for day in (FIRST, SECOND, THIRD):
        arrive(account, day, 2)
    export()
    path, manifest = folder / f"{SECOND}.ndjson.gz", folder / f"{SECOND}.ndjson.manifest.json"
    whole, beside = path.read_bytes(), manifest.read_bytes()
    middle = len(whole) // 2
    for spoilt in (
        *(whole[:cut] for cut in (0, 1, middle, len(whole) - 1)),
        *(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in (0, 4, middle)),
        whole + b"\0",
    ):
        path.write_bytes(spoilt)
        said, failure = verified(folder)
        how = "is cut: " if len(spoilt) < len(whole) else "is damaged"
        assert said.startswith(f"{path.name} {how}")
        assert failure == "1 of 3 files are not as they were written."
    path.unlink()
    assert verified(folder)[0] == f"{path.name} is missing\n"
    manifest.unlink()
    assert verified(folder)[0] == f"{SECOND}.ndjson is missing, with its manifest\n"
    path.write_bytes(whole)
    once = "1 of 3 files are not as they were written."
    assert verified(folder) == (f"{path.name} has no manifest\n", once)
    for text in (beside[:-9], b"", beside.replace(b'"name":"', b'"name":"../'), b"\xff"):
        manifest.write_bytes(text)
        assert verified(folder) == (f"{manifest.name} is damaged\n", once)
    manifest.write_bytes(beside)
    assert verified(folder)[1] == ""
    assert verified(folder / "nothing")[1].startswith("No export was found")


def test_a_day_is_over_ten_minutes_after_midnight(
    export: Callable[..., str], account: Account
) -> None:
    midnight = datetime.combine(TODAY, time(), UTC)
    with time_machine.travel(midnight + timedelta(minutes=9), tick=False):
        assert "2 days written" in export()
        with pytest.raises(CommandError, match=f"--until: {SECOND} is the last day"):
            export("--until", THIRD.isoformat())
    with time_machine.travel(midnight + timedelta(minutes=11), tick=False):
        assert "1 days written, 2 were" in export()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--since", "yesterday"), "expected a day such as"),
        (("--since", "2020-01-01"), "first day that the retention has left whole"),
        (("--since", THIRD.isoformat(), "--until", SECOND.isoformat()), "No day to write"),
        (("--account", "nobody"), "Account nobody does not exist"),
        (("--format", "xml"), "invalid choice"),
    ],
)
def test_what_cannot_be_exported_is_refused(
    arguments: tuple[str, ...], reason: str, export: Callable[..., str]
) -> None:
    with pytest.raises(CommandError, match=reason):
        export(*arguments)


def test_two_at_once_do_not_write_into_one_folder(export: Callable[..., str], folder: Path) -> None:
    with archive.locked(folder.parent), pytest.raises(CommandError, match="Another export"):
        export()


def test_without_an_account_all_are_exported_and_the_platforms_own(
    account: Account, tmp_path: Path
) -> None:
    ids = arrive(account, THIRD, 1)
    day = ("--since", THIRD.isoformat())
    call_command("export", "--folder", str(tmp_path), *day, stdout=io.StringIO())
    assert ids_in(tmp_path / account.id / f"{THIRD}.ndjson.gz") == ids
    assert (tmp_path / "acc_platform" / f"{THIRD}.ndjson.manifest.json").exists()
    alone = ("--folder", str(tmp_path / "alone"), "--account", "acc_platform")
    call_command("export", *alone, *day, stdout=io.StringIO())
    assert [each.name for each in (tmp_path / "alone").iterdir()] == ["acc_platform"]


def test_days_before_an_account_was_made_are_said_not_to_be_there(
    export: Callable[..., str], account: Account
) -> None:
    said = export("--since", (FIRST - DAY).isoformat(), "--until", FIRST.isoformat())
    begins = f"{account.id} begins later than {FIRST - DAY}: it was made on {FIRST}.\n"
    assert said.startswith(begins)
    assert "1 days written" in said
    assert "begins later" not in export("--since", FIRST.isoformat())
