"""Make an API key."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.text import capfirst

from auditlogs.accounts import accounts, keys, self_audit
from auditlogs.storage.mongo import StorageError


class Command(BaseCommand):
    """Makes an API key and prints it: only the key, on standard output, this once; the id by which
    it is revoked goes to standard error."""

    help = "Make an API key of an account and print it, this once."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the key's name, its account and its scopes."""
        parser.add_argument("name", metavar="NAME")
        parser.add_argument(
            "--account", required=True, metavar="A", help="the account's name or id"
        )
        parser.add_argument(
            "--scope",
            action="append",
            required=True,
            metavar="S",
            help=f"a scope the key carries; repeatable ({', '.join(keys.SCOPES)})",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuse an account or a scope that does not exist, and the name of an active key."""
        account = accounts.find_account(options["account"])
        if account is None:
            raise CommandError(f"There is no account {options['account']}.")
        try:
            # A key that could not be recorded is not made either.
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
