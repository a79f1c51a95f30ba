"""Changes of an account's members by its admins, each recorded in the same transaction."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.text import capfirst

from auditlogs.accounts import keys
from auditlogs.accounts.accounts import locked_account
from auditlogs.accounts.self_audit import Caller, token_revoked
from auditlogs.models import Account
from auditlogs.recording.policy import check_text
from hub.access import self_audit
from hub.models import Membership, Role
from hub.ui.confirmation import ChangeRefused

MAX_MEMBERS = 500
USERNAME_LENGTH: int = User._meta.get_field("username").max_length or 0
LAST_ADMIN = "This is the only admin of the account. Make another member an admin first."


def add(caller: Caller, account: Account, name: str, role: str) -> tuple[User, bool]:
    """Make the person with this user name a member; create the person if the name is free.

    Return the person, and whether they are new: then they have no password yet. Raises
    ChangeRefused when the account is full, the person is a member already or staff, the new name
    is a secret, or another person's name differs only in case. Raises CannotStore, as does every
    change below.
    """
    with locked_account(account):
        if account.memberships.count() >= MAX_MEMBERS:
            raise ChangeRefused(
                f"The account already has the maximum of {MAX_MEMBERS} members. "
                "Remove a member first."
            )
        if namesake := namesake_of(name):
            raise ChangeRefused(_taken(account, namesake), field="username")
        person, is_new = User.objects.get_or_create(
            username=name, defaults={"password": make_password(None)}
        )
        if is_new:
            try:
                check_username(name)
            except ValueError as error:
                raise ChangeRefused(capfirst(f"{error}."), field="username") from error
        if person.is_staff:
            raise ChangeRefused(f"{name} cannot be a member of an account.", field="username")
        if account.memberships.filter(user=person).exists():
            raise ChangeRefused(f"{name} is already a member.", field="username")
        Membership.objects.create(user=person, account=account, role=role)
        self_audit.member_added(caller, person, role)
    return person, is_new


def give_role(caller: Caller, member: Membership, role: str) -> None:
    """Change a member's role.

    Raises ChangeRefused for staff, for the last admin, and, as the functions below, for a person
    who has been removed meanwhile.
    """
    with _change_of(member) as current:
        if current.role == role:
            return
        if refusal := role_refusal(current):
            raise ChangeRefused(refusal)
        before, current.role = current.role, role
        current.save(update_fields=["role"])
        self_audit.member_role_changed(caller, current.user, before, role)


def remove(caller: Caller, member: Membership) -> None:
    """Remove a member and end their session tokens. Raises ChangeRefused for the last admin."""
    with _change_of(member) as current:
        if is_last_admin(current):
            raise ChangeRefused(LAST_ADMIN)
        _end_session_tokens(caller, current)
        self_audit.member_removed(caller, current.user, current.role)
        current.delete()


def reset(caller: Caller, member: Membership, state: str | None) -> None:
    """Invalidate a member's password, which ends their sessions, and end their session tokens.

    `state` is `password_state` when the form was rendered, or None. Raises ChangeRefused for a
    person who is not a member of this account alone, and for a form that is submitted again.
    """
    with _change_of(member) as current:
        if not is_member_here_only(current):
            raise ChangeRefused(reset_refusal(current))
        if state is not None and not constant_time_compare(state, password_state(current)):
            raise ChangeRefused(
                "This member was already reset, and the link was shown then. "
                "To get a new link, go back and reset again."
            )
        current.user.set_unusable_password()
        current.user.save(update_fields=["password"])
        _end_session_tokens(caller, current)
        self_audit.member_reset(caller, current.user)


def check_username(name: str) -> None:
    """Raise ValueError for a new user name that contains a secret, such as a pasted password.

    Members and staff would see it, and entries would show the person as redacted.
    """
    check_text("the user name", name, USERNAME_LENGTH)


def namesake_of(name: str) -> User | None:
    """Return the person whose user name differs from this one only in case, or None.

    None also where somebody has exactly this name: then no new person is created.
    """
    namesakes = User.objects.filter(username__iexact=name)
    return None if namesakes.filter(username=name).exists() else namesakes.first()


def role_refusal(member: Membership) -> str:
    """Return why a member's role cannot be changed, or an empty text."""
    if member.user.is_staff:
        return f"{member.user} can only read, in every account, whatever their role."
    return LAST_ADMIN if is_last_admin(member) else ""


def is_last_admin(member: Membership) -> bool:
    """Tell whether no other admin could sign in. Staff are read-only and do not count."""
    admins = member.account.memberships.filter(
        role=Role.ADMIN, user__is_active=True, user__is_staff=False
    )
    return member.role == Role.ADMIN and not admins.exclude(pk=member.pk).exists()


def is_member_here_only(member: Membership) -> bool:
    """Tell whether a person has access to this account alone.

    Only then may its admins reset them: with the link they could sign in as that person, in every
    account the person has access to.
    """
    elsewhere = member.user.memberships.exclude(account=member.account)
    return not member.user.is_staff and not elsewhere.exists()


def reset_refusal(member: Membership) -> str:
    """Return why a member cannot be reset, and who can do it instead."""
    return (
        f"{member.user} also has access to other accounts, so you cannot reset them here. "
        f"Ask the operator of the Hub to run: manage.py changepassword {member.user}"
    )


def password_state(member: Membership) -> str:
    """Return a keyed digest of the password hash: it changes when the password does."""
    return salted_hmac("hub.membership", member.user.password, algorithm="sha256").hexdigest()


def _taken(account: Account, namesake: User) -> str:
    """Return why a user name is refused, without the names of people of other accounts."""
    if account.memberships.filter(user=namesake).exists():
        return f"The member {namesake} has the same name with other capitals. Choose another one."
    return "This user name is taken. Choose another one."


@contextmanager
def _change_of(member: Membership) -> Iterator[Membership]:
    """Lock a member's account and yield the membership as it is now.

    Raises ChangeRefused where the person was removed after the caller had read it.
    """
    with locked_account(member.account) as account:
        memberships = account.memberships.select_related("user", "account")
        current = memberships.filter(pk=member.pk).first()
        if current is None:
            raise ChangeRefused(f"{member.user} is no longer a member.")
        yield current


def _end_session_tokens(caller: Caller, member: Membership) -> None:
    """Revoke a member's session tokens for the account. Without that they would be valid again if
    the person became a member again."""
    for token in keys.session_tokens_of(member.user, member.account):
        keys.revoke(token)
        token_revoked(token, caller)
