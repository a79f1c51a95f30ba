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
from hub.models import Membership, Role


class Command(BaseCommand):
    """Makes a person: a member of an account, or staff, who may look into every account.

    The password never is an argument.
    """

    help = "Make a user, a member or staff; the password is read from standard input."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the user's name, and their place."""
        parser.add_argument("name", metavar="NAME")
        place = parser.add_mutually_exclusive_group(required=True)
        place.add_argument("--account", metavar="A", help="the name of the account they belong to")
        place.add_argument(
            "--staff", action="store_true", help="staff: may look into every account, read only"
        )
        parser.add_argument(
            "--role",
            choices=Role.values,
            default=Role.VIEWER.value,
            help="in the account: a viewer reads, an admin also has keys, members and settings",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuse a name that is taken or not allowed, an unknown account, a weak password."""
        account = Account.objects.filter(name=options["account"]).first()
        if account is None and not options["staff"]:
            raise CommandError(f"There is no account {options['account']}.")
        user = User(username=options["name"], is_staff=options["staff"])
        try:
            user.full_clean(exclude=["password"])
            password = _read_password()
            validate_password(password, user)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        user.set_password(password)
        with transaction.atomic():
            user.save()
            if account:
                Membership.objects.create(user=user, account=account, role=options["role"])


def _read_password() -> str:
    """Return the password typed unseen at a terminal, else the first line of standard input."""
    if sys.stdin.isatty():
        return getpass.getpass("Password: ")
    return sys.stdin.readline().rstrip("\r\n")
