"""Agents' keys: create, rotate, change the scopes of, or revoke one."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from auditlogs.accounts import accounts, agent_keys
from auditlogs.accounts.keys import MAX_EXPIRY_DAYS
from auditlogs.accounts.self_audit import COMMAND_LINE
from auditlogs.entry.times import now
from auditlogs.models import Account, AgentKey
from auditlogs.storage.mongo import StorageError


class Command(BaseCommand):
    """Changes agents' keys. Standard output gets only a new secret, so that a script can store it;
    the id of a new key goes to standard error."""

    help = "Create an agent's key, rotate it, change its scopes, or revoke it."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="do", required=True, metavar="ACTION")
        create = actions.add_parser("create", help="create a key and print its secret, this once")
        create.add_argument("name", metavar="NAME")
        create.add_argument("--agent", required=True, metavar="ID", help="the agent's actor id")
        create.add_argument("--days", type=int, metavar="N", help="expire after N days")
        rotate = actions.add_parser("rotate", help="print a new secret")
        rotate.add_argument(
            "--overlap",
            type=float,
            default=agent_keys.OVERLAP.total_seconds() / 3600,
            metavar="HOURS",
            help="for how long the former secret stays valid (24)",
        )
        scopes = actions.add_parser("scopes", help="give a key other scopes")
        revoke = actions.add_parser("revoke", help="revoke a key with all its secrets")
        for each in (rotate, scopes, revoke):
            each.add_argument("id", metavar="ID", help="the key's id, as entries have it")
        for each in (create, scopes):
            each.add_argument("--scope", action="append", required=True, metavar="S")
        for each in (create, rotate, scopes, revoke):
            each.add_argument("--account", required=True, metavar="A", help="its name or id")

    def handle(self, *args: Any, **options: Any) -> None:
        account = accounts.find_account(options["account"])
        if account is None:
            raise CommandError(f"Account {options['account']} does not exist.")
        try:
            getattr(self, f"_{options['do']}")(account, options)
        except (agent_keys.AgentKeyRefused, StorageError) as error:
            raise CommandError(str(error)) from error

    def _create(self, account: Account, options: dict[str, Any]) -> None:
        days = options["days"]
        if days is not None and not 1 <= days <= MAX_EXPIRY_DAYS:
            raise CommandError(f"Expected --days from 1 to {MAX_EXPIRY_DAYS}.")
        key, text = agent_keys.create(
            account,
            COMMAND_LINE,
            name=options["name"],
            agent=options["agent"],
            scopes=options["scope"],
            expires_at=now() + timedelta(days=days) if days else None,
        )
        self.stdout.write(text)
        self.stderr.write(f"id: {key.public_id}", str)

    def _rotate(self, account: Account, options: dict[str, Any]) -> None:
        key = self._key(account, options)
        self.stdout.write(agent_keys.rotate(key, COMMAND_LINE, timedelta(hours=options["overlap"])))

    def _scopes(self, account: Account, options: dict[str, Any]) -> None:
        key = self._key(account, options)
        if not agent_keys.change_scopes(key, COMMAND_LINE, options["scope"]):
            raise CommandError("The key has these scopes already.")

    def _revoke(self, account: Account, options: dict[str, Any]) -> None:
        agent_keys.revoke(self._key(account, options), COMMAND_LINE)

    def _key(self, account: Account, options: dict[str, Any]) -> AgentKey:
        key = agent_keys.find(account, options["id"])
        if key is None:
            raise CommandError(f"Agent key {options['id']} does not exist in this account.")
        return key
