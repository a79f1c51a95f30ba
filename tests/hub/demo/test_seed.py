"""What the demo's databases hold before it is served."""

from auditlogs.accounts import keys
from hub.access.roles import ADMINISTER
from hub.demo import seed
from hub.models import Membership, Role


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
