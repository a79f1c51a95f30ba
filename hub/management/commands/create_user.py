"""Make a person who may sign in to the Hub, or let one into another account."""

import getpass
import sys
from dataclasses import replace
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from auditlogs.accounts import accounts
from auditlogs.accounts.self_audit import COMMAND_LINE
from auditlogs.storage.mongo import StorageError
from hub.account import membership
from hub.account.changes import Refused
from hub.models import Role


class Command(BaseCommand):
    """Makes a person: a member of an account, or staff, who may look into every account. Somebody
    who is there already becomes a member of one more account.

    The password never is an argument.
    """

    help = (
        "Make a user, a member or staff; the password is read from standard input. A user who is "
        "there already becomes a member of the account, and keeps their password."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the user's name, and their place."""
        parser.add_argument("name", metavar="NAME")
        place = parser.add_mutually_exclusive_group(required=True)
        place.add_argument(
            "--account", metavar="A", help="the name or id of the account they belong to"
        )
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
        """Refuse a name that is taken or not allowed, an unknown account, a weak password, and who
        is a member already."""
        account = accounts.find_account(options["account"]) if options["account"] else None
        if account is None and not options["staff"]:
            raise CommandError(f"There is no account {options['account']}.")
        name = User.normalize_username(options["name"])
        is_known = account is not None and User.objects.filter(username=name).exists()
        person = None if is_known else _new(name, is_staff=options["staff"])
        try:
            with transaction.atomic():
                if person:
                    person.save()
                if account:
                    caller = replace(COMMAND_LINE, account=account.id)
                    membership.add(caller, account, name, options["role"])
        except (Refused, StorageError) as error:
            raise CommandError(str(error)) from error
        if is_known:
            self.stderr.write(f"{name} was there already, and keeps their password.", str)


def _new(name: str, *, is_staff: bool) -> User:
    """Return somebody new, not saved yet, with the password that is typed. Raises CommandError for
    a name or a password that cannot be."""
    if namesake := membership.namesake_of(name):
        raise CommandError(
            f"There is a user {namesake} already, whose name differs only in capital letters."
        )
    person = User(username=name, is_staff=is_staff)
    try:
        person.full_clean(exclude=["password"])
        password = _read_password()
        validate_password(password, person)
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from error
    person.set_password(password)
    return person


def _read_password() -> str:
    """Return the password typed unseen at a terminal, else the first line of standard input."""
    if sys.stdin.isatty():
        return getpass.getpass("Password: ")
    return sys.stdin.readline().rstrip("\r\n")
