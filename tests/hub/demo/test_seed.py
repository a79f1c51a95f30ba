"""What the demo's databases hold before it is served."""

from datetime import timedelta
from itertools import pairwise

import pytest

from auditlogs.accounts import keys
from auditlogs.entry.schema import NewEntry
from auditlogs.entry.times import now
from hub.access.roles import ADMINISTER
from hub.demo import seed
from hub.models import Membership, Role
from tests.factories import unique


def test_whoever_signs_in_to_the_demo_may_see_every_page_of_its_account(db: None) -> None:
    account = seed.account()
    assert seed.person(account).has_perm(ADMINISTER, account)


def test_a_demo_of_before_makes_its_person_an_admin(db: None) -> None:
    account = seed.account()
    Membership.objects.update_or_create(
        user=seed.person(account), account=account, defaults={"role": Role.VIEWER}
    )
    assert seed.person(account).has_perm(ADMINISTER, account)
    assert Membership.objects.filter(account=account).count() == 1


def test_a_key_whose_text_is_lost_is_made_again_beside_the_one_that_is_still_active(
    db: None,
) -> None:
    account = seed.account()
    first = seed.api_key(account, seed.READ, "")
    assert seed.api_key(account, seed.READ, first) == first
    second = seed.api_key(account, seed.READ, "lost")
    assert keys.find(first)
    assert keys.find(second)


def test_about_eight_thousand_entries_of_thirty_days_are_recorded_oldest_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recorded: list[NewEntry] = []
    monkeypatch.setattr(seed, "record_many", lambda batch, account: recorded.extend(batch))
    began = now()
    assert seed.top_up(unique("account"), began) == len(recorded)
    assert 7_000 < len(recorded) < 10_000
    times = [entry.timestamp for entry in recorded if entry.timestamp]
    assert len(times) == len(recorded)
    assert all(earlier <= later for earlier, later in pairwise(times))
    assert times[0] < began - timedelta(days=29)
