"""People to test with, made as the commands make them, and where they are signed in."""

import itertools

from django.contrib.auth.models import User
from django.test import Client

from auditlogs.models import Account
from hub.models import Membership
from tests.factories import unique

PASSWORD = "correct horse battery staple"


_addresses = (
    f"203.{a}.{b}.{c}" for a, b, c in itertools.product(range(256), range(256), range(1, 255))
)


def new_address() -> str:
    """Return an address that no other test of this process calls from."""
    return next(_addresses)


def member(account: Account, role: str = "viewer", name: str = "") -> User:
    """Return a new person who belongs to an account."""
    person = User.objects.create_user(name or unique("ada"), password=PASSWORD)
    Membership.objects.create(user=person, account=account, role=role)
    return person


def staff() -> User:
    """Return a new person of the platform's own, at no account yet."""
    return User.objects.create_user(unique("grace"), password=PASSWORD, is_staff=True)


def signed_in(person: User) -> Client:
    """Return a browser in which a person is signed in."""
    client = Client()
    client.force_login(person)
    return client
