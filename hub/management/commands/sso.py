"""Say who may sign in by single sign-on as whom."""

from dataclasses import replace
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from auditlogs.accounts import keys
from auditlogs.accounts.self_audit import COMMAND_LINE
from auditlogs.storage.mongo import StorageError
from hub.access import self_audit


class Command(BaseCommand):
    """Gives a person the e-mail address by which single sign-on knows them, or ends their link."""

    help = "Let whoever has a verified e-mail address sign in as a user, or nobody any more."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the user's name, and what is to change."""
        parser.add_argument("name", metavar="NAME")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--email", metavar="E", help="the address they have at the provider")
        what.add_argument(
            "--unlink", action="store_true", help="forget who they are there, and their address"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuse an unknown name, and an address that is none or another's."""
        person = User.objects.filter(username=options["name"]).first()
        if person is None:
            raise CommandError(f"There is no user {options['name']}.")
        before, person.email = person.email, options["email"] or ""
        if person.email and User.objects.exclude(pk=person.pk).filter(email__iexact=person.email):
            raise CommandError(f"{person.email} is another user's address.")
        try:
            person.clean_fields(exclude=["password"])
            with transaction.atomic():
                person.save(update_fields=["email"])
                if person.email != before:
                    self._record(person, {"field": "email", "from": before, "to": person.email})
                if options["unlink"] and person.identities.all().delete()[0]:
                    keys.revoke_tokens_of(person)
                    self._record(person, {"field": "identity", "from": "linked", "to": None})
        except (ValidationError, StorageError) as error:
            raise CommandError(" ".join(getattr(error, "messages", [str(error)]))) from error

    def _record(self, person: User, change: dict[str, Any]) -> None:
        first = person.memberships.order_by("pk").first()
        caller = replace(COMMAND_LINE, account=first.account_id) if first else COMMAND_LINE
        self_audit.identity_changed(caller, person, change)
