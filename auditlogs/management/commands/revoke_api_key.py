"""Revoke an API key."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from auditlogs.accounts import keys, self_audit
from auditlogs.storage.mongo import StorageError


class Command(BaseCommand):
    """Revokes an API key: from the next request on it opens nothing."""

    help = "Revoke an API key at once."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the key's id."""
        parser.add_argument(
            "id", metavar="ID", help="the key's id, as create_api_key and the log's entries name it"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuse an id that no key has, and a key that was revoked already."""
        key = keys.by_public_id(options["id"])
        if key is None:
            raise CommandError(f"There is no API key {options['id']}.")
        try:
            # Neither happens unless the other does.
            with transaction.atomic():
                if not keys.revoke(key):
                    raise CommandError(f"The API key {options['id']} was revoked already.")
                self_audit.key_revoked(key, self_audit.COMMAND_LINE)
        except StorageError as error:
            raise CommandError(str(error)) from error
