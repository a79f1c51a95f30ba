"""People to test with, made as the commands make them, and where they are signed in."""

from django.contrib.auth.models import User
from django.test import Client

from auditlogs.models import Account
from hub.models import Membership
from tests.factories import unique

PASSWORD = "correct horse battery staple"


def member(account: Account, role: str = "viewer") -> User:
    """Return a new person who belongs to an account."""
    person = User.objects.create_user(unique("ada"), password=PASSWORD)
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
