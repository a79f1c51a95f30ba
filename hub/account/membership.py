"""What an account's admins do with its members. Each change is recorded, or not made."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.utils.crypto import constant_time_compare, salted_hmac

from auditlogs.accounts import keys
from auditlogs.accounts.accounts import locked_account
from auditlogs.accounts.self_audit import Caller, token_revoked
from auditlogs.models import Account
from hub.access import self_audit
from hub.account.changes import Refused
from hub.models import Membership, Role

MAX_MEMBERS = 500
LAST_ADMIN = "The account needs an admin, and has no other one. Make another member an admin first."


def add(caller: Caller, account: Account, name: str, role: str) -> tuple[User, bool]:
    """Make the person of this user name a member, and the person where nobody has it. Return them,
    and whether they are new: then no password lets them in yet.

    Raises Refused when the account is full, for staff, who see it anyway and only read, when they
    are a member already, or the name of somebody else differs only in capital letters.
    """
    with locked_account(account):
        if account.memberships.count() >= MAX_MEMBERS:
            raise Refused(f"The account has {MAX_MEMBERS} members, as many as it may have.")
        if namesake := namesake_of(name):
            raise Refused(_taken(account, namesake), field="username")
        person, is_new = User.objects.get_or_create(
            username=name, defaults={"password": make_password(None)}
        )
        if person.is_staff:
            raise Refused(f"{name} cannot be a member of any account.", field="username")
        if account.memberships.filter(user=person).exists():
            raise Refused(f"{name} is a member already.", field="username")
        Membership.objects.create(user=person, account=account, role=role)
        self_audit.member_added(caller, person, role)
    return person, is_new


def give_role(caller: Caller, member: Membership, role: str) -> None:
    """Give a member a role, unless they have it. Raises Refused for staff and the last admin, and
    for whoever is no member by now: so everywhere below."""
    with _change_of(member) as current:
        if current.role == role:
            return
        if refusal := why_role_stays(current):
            raise Refused(refusal)
        before, current.role = current.role, role
        current.save(update_fields=["role"])
        self_audit.member_role_changed(caller, current.user, before, role)


def remove(caller: Caller, member: Membership) -> None:
    """Let a person belong to the account no longer. Raises Refused for the last admin."""
    with _change_of(member) as current:
        if is_last_admin(current):
            raise Refused(LAST_ADMIN)
        _end_session_tokens(caller, current)
        self_audit.member_removed(caller, current.user, current.role)
        current.delete()


def reset(caller: Caller, member: Membership, state: str | None) -> None:
    """Let a person's password open nothing any more, and end their sessions, which hang on it, and
    their session tokens. `state` is that of the password when this was asked for, if that is known.

    Raises Refused for whoever is not this account's alone, and when it was done already.
    """
    with _change_of(member) as current:
        if not is_ours_alone(current):
            raise Refused(not_ours_alone(current))
        if state is not None and not constant_time_compare(state, password_state(current)):
            raise Refused("This form was sent already, and the link shown in the answer to it.")
        current.user.set_unusable_password()
        current.user.save(update_fields=["password"])
        _end_session_tokens(caller, current)
        self_audit.member_reset(caller, current.user)


def namesake_of(name: str) -> User | None:
    """Return the person for whom somebody new of this user name would be taken, as the two differ
    only in capital letters. Where somebody has exactly this name, nobody is new: None."""
    alike = User.objects.filter(username__iexact=name)
    return None if alike.filter(username=name).exists() else alike.first()


def why_role_stays(member: Membership) -> str:
    """Return why a member can be given no other role; empty where they can."""
    if member.user.is_staff:
        return f"{member.user} can only read, in every account and whatever their role."
    return LAST_ADMIN if is_last_admin(member) else ""


def is_last_admin(member: Membership) -> bool:
    """Tell whether without this member no admin is left who can sign in. Staff are none."""
    admins = member.account.memberships.filter(
        role=Role.ADMIN, user__is_active=True, user__is_staff=False
    )
    return member.role == Role.ADMIN and not admins.exclude(pk=member.pk).exists()


def is_ours_alone(member: Membership) -> bool:
    """Tell whether an account's admins may give its member a new way in: whoever does could be
    that person wherever they may go."""
    elsewhere = member.user.memberships.exclude(account=member.account)
    return not member.user.is_staff and not elsewhere.exists()


def not_ours_alone(member: Membership) -> str:
    """Return who may reset a member instead."""
    return (
        f"{member.user} does not belong to this account alone, so its admins cannot reset them. "
        f"Whoever runs the Hub can: manage.py changepassword {member.user}"
    )


def password_state(member: Membership) -> str:
    """Return a text that is another one once the password is."""
    return salted_hmac("hub.membership", member.user.password, algorithm="sha256").hexdigest()


def _taken(account: Account, namesake: User) -> str:
    """Return why a user name is refused. What people of other accounts are called is not told."""
    if account.memberships.filter(user=namesake).exists():
        return f"{namesake} is a member, and their name differs only in capital letters."
    return "This user name is taken."


@contextmanager
def _change_of(member: Membership) -> Iterator[Membership]:
    """Change the account of a member, who is looked up anew: what was read before the change may be
    over. Raises Refused for whoever is no member any more."""
    with locked_account(member.account) as account:
        found = account.memberships.select_related("user", "account").filter(pk=member.pk).first()
        if found is None:
            raise Refused(f"{member.user} is no member any more.")
        yield found


def _end_session_tokens(caller: Caller, member: Membership) -> None:
    """End their session tokens of the account: they would open it again if they came back."""
    for token in keys.session_tokens_of(member.user, member.account):
        keys.revoke(token)
        token_revoked(token, caller)
