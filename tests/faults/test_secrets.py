"""Secrets are planted in every input; none is in any file, answer or output."""

import base64
import json
from dataclasses import dataclass
from random import Random
from urllib.parse import quote

import pytest

from tests.faults.harvest import Harvest
from tests.faults.ledger import Ledger
from tests.faults.load import entry_of
from tests.faults.scenario import Say, sizes
from tests.faults.search import Search
from tests.faults.system import System
from tests.planted import SHAPES, lookalikes, needles, plant

pytestmark = pytest.mark.slow

BATCH = 100
KEPT_SHARE = 0.995


@dataclass(frozen=True)
class Size:
    """The number of secrets and look-alikes."""

    secrets: int
    lookalikes: int


@sizes(short=Size(50, 200), long=Size(1_000, 2_000))
def test_no_secret_is_found_in_anything_that_is_kept_or_said(
    ledger: Ledger, seed: int, random: Random, say: Say, size: Size
) -> None:
    planted = list(plant(size.secrets, seed))
    random.shuffle(planted)
    parts = [planted[start::4] for start in range(4)]
    with System() as system:
        harvest = Harvest(system, ledger.name, random)
        harvest.post(parts[0])
        harvest.record(parts[1])
        harvest.record_in_vain(parts[2])
        harvest.post_while_away(parts[3])
        # The same again, in requests that are refused.
        harvest.be_refused(planted)
        system.wait_until_drained()
        stored = harvest.stored_entries()
        harvest.dump()
        system.stop()
        found = harvest.search()
    say(f"{len(planted):,} secrets in {len(SHAPES)} shapes, each once to be taken, once refused")
    say(f"stored {stored:,}, lost and logged {harvest.logged:,}, refused {harvest.refused:,}")
    say(f"searched {found.bytes:,} bytes of {found.places:,} files, answers and outputs")
    say(f"secrets found: {len(found.leaks)}; markers missed: {len(found.missed)}")
    assert found.leaks == []
    assert found.missed == []
    assert stored == harvest.stored
    assert harvest.logged == len(parts[2])


@pytest.mark.parametrize("before", range(9))
def test_the_search_finds_a_secret_wherever_it_lies_and_however_it_is_written(before: int) -> None:
    secret = "Zq3/x+Kd91 vLw7Tt"
    texts = needles(secret)
    search = Search([*texts, b"another that is not there"])
    written = [
        secret.encode(),
        secret.encode().hex().encode(),
        *(base64.b64encode(b"x" * start + secret.encode() + b"yz") for start in range(3)),
        quote(secret, safe="").encode(),
        secret.encode("utf-16-le"),
    ]
    for each in written:
        assert search.found_in(b"-" * before + each + b"-" * (9 - before))
    assert search.found_in(b"-" * 100 + secret.swapcase().encode() + b"-" * 100) == set()


@sizes(short=Size(0, 200), long=Size(0, 2_000))
def test_what_only_looks_like_a_secret_stays_as_it_is(
    system: System, ledger: Ledger, seed: int, random: Random, say: Say, size: Size
) -> None:
    kinds = dict[str, str]()
    entries = []
    for number, (kind, fields) in enumerate(lookalikes(size.lookalikes, seed)):
        entry = entry_of(f"{ledger.name}-{number}", random) | fields
        kinds[entry["id"]] = kind
        entries.append(entry)
    with system.caller() as caller:
        for start in range(0, len(entries), BATCH):
            assert caller.post(entries[start : start + BATCH]).status in (201, 202)
    system.wait_until_drained()
    stored = {
        document["requestId"]: json.loads(document["payload"])
        for document in system.documents(ledger.name)
    }
    touched = [kinds[each["id"]] for each in entries if stored[each["id"]] != each["payload"]]
    say(f"{len(entries) - len(touched):,} of {len(entries):,} look-alikes untouched {touched}")
    assert len(entries) - len(touched) >= KEPT_SHARE * len(entries)
