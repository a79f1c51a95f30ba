"""What a person may do in an account. All pages, and the API for session tokens, use this table."""

from typing import Any, Literal

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, User

from auditlogs.models import PERMISSION_TO_READ, Account
from hub.models import Membership, Role

# The role of a member, or "staff": people of the platform, who may read every account.
AccessLevel = Literal["viewer", "admin", "staff"]

ADMINISTER = "auditlogs.administer"
PERMISSIONS: dict[AccessLevel, frozenset[str]] = {
    "viewer": frozenset({PERMISSION_TO_READ}),
    "admin": frozenset({PERMISSION_TO_READ, ADMINISTER}),
    "staff": frozenset({PERMISSION_TO_READ}),
}


def access_level(person: User, membership: Membership | None) -> AccessLevel | None:
    """Return a person's access level in an account, or None without access.

    Staff only read, in every account, even where they were admins before they became staff.
    """
    if person.is_staff:
        return "staff"
    if membership is None:
        return None
    return "admin" if membership.role == Role.ADMIN else "viewer"


class RoleBackend(BaseBackend):
    """Answers `User.has_perm(permission, account)` by the person's access level."""

    def has_perm(
        self, user_obj: AbstractBaseUser | AnonymousUser, perm: str, obj: Any = None
    ) -> bool:
        """Tell whether an active person has a permission in an account; never without one."""
        if not isinstance(obj, Account) or not isinstance(user_obj, User) or not user_obj.is_active:
            return False
        level = access_level(user_obj, user_obj.memberships.filter(account=obj).first())
        return level is not None and perm in PERMISSIONS[level]
