"""Accounts: valid names, lookup by id or name, and the lock for changes."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from auditlogs.models import ACCOUNT_NAME_LENGTH, Account
from auditlogs.recording.policy import check_text

# A name of this shape could be mistaken for the id of another account.
ID_SHAPE = re.compile("acc_[0-9a-f]+", re.IGNORECASE)


def check_name(name: str) -> None:
    """Raise ValueError for an invalid name."""
    check_text("the name", name, ACCOUNT_NAME_LENGTH, is_name=True)
    if ID_SHAPE.fullmatch(name):
        raise ValueError("the name must not look like an account's id")


def find_account(text: str) -> Account | None:
    """Return the account with this id, else the one with this name, else None."""
    return Account.objects.filter(pk=text).first() or Account.objects.filter(name=text).first()


@contextmanager
def locked_account(account: Account) -> Iterator[Account]:
    """Lock an account, its keys and its members for changes in this block, in a transaction.

    Any exception in the block rolls the change back; so does CannotStore, when its entry cannot be
    stored. SQLite ignores the row lock, but has one writer at a time.
    """
    with transaction.atomic():
        yield Account.objects.select_for_update().get(pk=account.pk)
