"""Make a person who may sign in to the Hub."""

import getpass
import sys
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from auditlogs.models import Account
from hub.models import Membership


class Command(BaseCommand):
    """Makes a person and their membership of an account; the password never is an argument."""

    help = "Make a user of an account; the password is read from standard input."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the user's name and account."""
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("--account", required=True, metavar="A", help="the account's name")

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuse a name that is taken or not allowed, an unknown account, a weak password."""
        account = Account.objects.filter(name=options["account"]).first()
        if account is None:
            raise CommandError(f"There is no account {options['account']}.")
        user = User(username=options["name"])
        try:
            user.full_clean(exclude=["password"])
            password = _read_password()
            validate_password(password, user)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        user.set_password(password)
        with transaction.atomic():
            user.save()
            Membership.objects.create(user=user, account=account)


def _read_password() -> str:
    """Return the password typed unseen at a terminal, else the first line of standard input."""
    if sys.stdin.isatty():
        return getpass.getpass("Password: ")
    return sys.stdin.readline().rstrip("\r\n")
