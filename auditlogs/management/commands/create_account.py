"""Make an account."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from auditlogs.models import ACCOUNT_NAME_LENGTH, Account


class Command(BaseCommand):
    """Makes an account and prints its id, under which its entries are recorded."""

    help = "Make an account and print its id."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the account's name."""
        parser.add_argument("name", metavar="NAME")

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuse a name that is taken or empty."""
        name = options["name"].strip()
        if not 0 < len(name) <= ACCOUNT_NAME_LENGTH:
            raise CommandError(f"NAME must have 1 to {ACCOUNT_NAME_LENGTH} characters.")
        account, is_new = Account.objects.get_or_create(name=name)
        if not is_new:
            raise CommandError(f"There is an account {name} already.")
        self.stdout.write(account.id)
