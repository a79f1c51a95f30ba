"""What a person may do in an account, by their place in it: one table, which every page asks."""

from typing import Any, Literal

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, User

from auditlogs.models import PERMISSION_TO_READ, Account
from hub.models import Membership, Role

# A member's role, or that of the platform's own people, who may look into every account.
Place = Literal["viewer", "admin", "staff"]

ADMINISTER = "auditlogs.administer"
PERMISSIONS: dict[Place, frozenset[str]] = {
    "viewer": frozenset({PERMISSION_TO_READ}),
    "admin": frozenset({PERMISSION_TO_READ, ADMINISTER}),
    "staff": frozenset({PERMISSION_TO_READ}),
}


def place_of(person: User, membership: Membership | None) -> Place | None:
    """Return a person's place in an account: staff only read, in every one and whatever they were
    there before; others have that of their membership."""
    if person.is_staff:
        return "staff"
    if membership is None:
        return None
    return "admin" if membership.role == Role.ADMIN else "viewer"


class PlaceBackend(BaseBackend):
    """Answers Django's question whether a person may do something in an account."""

    def has_perm(
        self, user_obj: AbstractBaseUser | AnonymousUser, perm: str, obj: Any = None
    ) -> bool:
        """Tell whether an active person's place in an account allows something there."""
        if not isinstance(obj, Account) or not isinstance(user_obj, User) or not user_obj.is_active:
            return False
        place = place_of(user_obj, user_obj.memberships.filter(account=obj).first())
        return place is not None and perm in PERMISSIONS[place]
