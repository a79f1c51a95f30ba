"""Create an API key."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.text import capfirst

from auditlogs.accounts import accounts, keys, self_audit
from auditlogs.storage.mongo import StorageError


class Command(BaseCommand):
    """Creates an API key. Standard output gets only the key, so that a script can store it; the id
    by which it is revoked goes to standard error."""

    help = "Create an API key of an account and print it; it cannot be shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument(
            "--account", required=True, metavar="A", help="the account's name or id"
        )
        parser.add_argument(
            "--scope",
            action="append",
            required=True,
            metavar="S",
            help=f"a scope of the key; repeatable ({', '.join(keys.SCOPES)})",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        account = accounts.find_account(options["account"])
        if account is None:
            raise CommandError(f"Account {options['account']} does not exist.")
        try:
            # One transaction: no key without the entry that records it.
            with accounts.locked_account(account):
                keys.check_name_is_free(account, options["name"])
                text = keys.create(
                    account, options["name"], options["scope"], created_by="command line"
                )
                key = keys.find(text)
                assert key is not None
                self_audit.key_created(key, self_audit.COMMAND_LINE)
        except ValueError as error:
            raise CommandError(capfirst(f"{error}.")) from error
        except StorageError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(text)
        self.stderr.write(f"id: {key.public_id}", str)
