"""Counting at once what a test has recorded, as a worker would within seconds."""

import time
from typing import Any

from auditlogs.counters import tallies
from auditlogs.counters.counting import Counting
from auditlogs.entry.identity import id_ms
from auditlogs.entry.times import DAY_MS, EPOCH, HOUR_MS, from_ms, now, to_ms
from auditlogs.query.slices import LOWEST
from auditlogs.storage import counts, mongo
from auditlogs.storage.counts import FORMAT, LEASE_ID, TOKEN_FIELD


def forget() -> None:
    """Let nothing be counted yet."""
    mongo.counters().delete_one({"_id": LEASE_ID})


def begin_anew(**fields: Any) -> None:
    """Let counting begin with what is recorded from now on, and no worker hold the lease, in which
    these fields are others."""
    forget()
    lease = {"_id": LEASE_ID, "holder": "", TOKEN_FIELD: 1, "until": EPOCH, "countedAt": None}
    lease |= {"at": from_ms(to_ms(now())), "id": LOWEST, "format": FORMAT, "first": None}
    mongo.counters().insert_one(lease | fields)


def catch_up(work: Counting) -> None:
    """Let a worker that can acquire the lease count everything that has arrived."""
    work.step()
    while work.is_behind:
        work.step()


def count() -> None:
    """Let a new worker count everything that has arrived."""
    work = Counting()
    catch_up(work)
    work.end()


def count_account(account: str) -> None:
    """Count every entry of an account, whichever worker holds the lease."""
    ids = [each["_id"] for each in mongo.entries().find({"account": account}, {"_id": 1})]
    for day in {counts.start_of("day", id_ms(each)) for each in ids}:
        tallies.count_hours(account, day, range(day, day + DAY_MS, HOUR_MS), 1, renew=lambda: None)


def count_until_now(account: str, **lease: Any) -> None:
    """Count what an account has, and say that everything that had arrived by now is counted."""
    time.sleep(0.002)
    at = from_ms(to_ms(now()))
    count_account(account)
    begin_anew(**{"at": at, "countedAt": at, **lease})
