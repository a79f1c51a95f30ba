"""Revoke an API key."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from auditlogs.accounts import keys, self_audit
from auditlogs.storage.mongo import StorageError


class Command(BaseCommand):
    """Revokes an API key: it is invalid from the next request on."""

    help = "Revoke an API key; it is invalid from the next request on."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "id",
            metavar="ID",
            help="the key's id, as printed by create_api_key and kept in entries",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        key = keys.by_public_id(options["id"])
        if key is None:
            raise CommandError(f"API key {options['id']} does not exist.")
        try:
            # One transaction: no revocation without the entry that records it.
            with transaction.atomic():
                if not keys.revoke(key):
                    raise CommandError(f"API key {options['id']} is already revoked.")
                self_audit.key_revoked(key, self_audit.COMMAND_LINE)
        except StorageError as error:
            raise CommandError(str(error)) from error
