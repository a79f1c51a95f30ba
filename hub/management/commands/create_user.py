"""`manage.py create_user`: create a user, or make an existing one a member of an account."""

import getpass
import sys
from dataclasses import replace
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils.text import capfirst

from auditlogs.accounts import accounts
from auditlogs.accounts.self_audit import COMMAND_LINE
from auditlogs.storage.mongo import StorageError
from hub.account import membership
from hub.models import Role
from hub.ui.confirmation import ChangeRefused


class Command(BaseCommand):
    """Creates a member of an account, or staff, who may read every account.

    The password is no argument: those are visible to every user of the machine.
    """

    help = (
        "Create a user, as a member of an account or as staff. The password is read from standard "
        "input. An existing user becomes a member of the account and keeps the password."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        access = parser.add_mutually_exclusive_group(required=True)
        access.add_argument("--account", metavar="A", help="the name or ID of the user's account")
        access.add_argument(
            "--staff", action="store_true", help="staff: read-only access to every account"
        )
        parser.add_argument(
            "--role",
            choices=Role.values,
            default=Role.VIEWER.value,
            help="in the account: viewers read, admins also manage keys, members and settings",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Create the user. Raises CommandError for a name that is taken or not allowed, an unknown
        account, a weak password, and a user who is already a member."""
        account = accounts.find_account(options["account"]) if options["account"] else None
        if account is None and not options["staff"]:
            raise CommandError(f"Account {options['account']} does not exist.")
        name = User.normalize_username(options["name"])
        exists = account is not None and User.objects.filter(username=name).exists()
        person = None if exists else _new(name, is_staff=options["staff"])
        try:
            with transaction.atomic():
                if person:
                    person.save()
                if account:
                    caller = replace(COMMAND_LINE, account=account.id)
                    membership.add(caller, account, name, options["role"])
        except (ChangeRefused, StorageError) as error:
            raise CommandError(str(error)) from error
        if exists:
            self.stderr.write(f"{name} existed already and keeps their password.", str)


def _new(name: str, *, is_staff: bool) -> User:
    """Return a new, unsaved user with a password from standard input. Raises CommandError."""
    if namesake := membership.namesake_of(name):
        raise CommandError(
            f"User {namesake} exists, and the name differs only in capital letters. "
            "Choose another name."
        )
    person = User(username=name, is_staff=is_staff)
    try:
        person.full_clean(exclude=["password"])
        membership.check_username(name)
        password = _read_password()
        validate_password(password, person)
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from error
    except ValueError as error:
        raise CommandError(capfirst(f"{error}.")) from error
    person.set_password(password)
    return person


def _read_password() -> str:
    """Return a password typed at the terminal without echo, or a line of standard input."""
    if sys.stdin.isatty():
        return getpass.getpass("Password: ")
    return sys.stdin.readline().rstrip("\r\n")
