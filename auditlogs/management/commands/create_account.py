"""Create an account."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.text import capfirst

from auditlogs.accounts import accounts
from auditlogs.models import Account


class Command(BaseCommand):
    """Creates an account and prints its id, which `record` takes as `account`."""

    help = "Create an account and print its id."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"].strip()
        try:
            accounts.check_name(name)
        except ValueError as error:
            raise CommandError(capfirst(f"{error}.")) from error
        account, is_new = Account.objects.get_or_create(name=name)
        if not is_new:
            raise CommandError(f"Account {name} already exists.")
        self.stdout.write(account.id)
