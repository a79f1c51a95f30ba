"""Accounts: what one may be called, how commands find it, and how what it has is changed."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from auditlogs.models import ACCOUNT_NAME_LENGTH, Account
from auditlogs.recording.policy import check_text

# Whether or not an account has it: a name must not pass for the id of another.
ID_SHAPE = re.compile("acc_[0-9a-f]+", re.IGNORECASE)


def check_name(name: str) -> None:
    """Raise ValueError for what no account can be called."""
    check_text("the name", name, ACCOUNT_NAME_LENGTH)
    if ID_SHAPE.fullmatch(name):
        raise ValueError("the name must not look like an account's id")


def find_account(text: str) -> Account | None:
    """Return the account of this id, or else of this name, or None."""
    return Account.objects.filter(pk=text).first() or Account.objects.filter(name=text).first()


@contextmanager
def locked_account(account: Account) -> Iterator[Account]:
    """Within this block, nobody else changes the account, its keys or its members. Whatever is
    raised in it undoes the change, such as that it cannot be recorded."""
    with transaction.atomic():
        yield Account.objects.select_for_update().get(pk=account.pk)
