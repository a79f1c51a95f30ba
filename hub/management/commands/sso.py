"""`manage.py sso`: set the e-mail address for single sign-on, or unlink a user's identity."""

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
    """Sets the address that links an identity to a user, or removes both."""

    help = (
        "Set the verified e-mail address with which a user signs in by single sign-on, or unlink "
        "the user from it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        change = parser.add_mutually_exclusive_group(required=True)
        change.add_argument("--email", metavar="E", help="the user's address at the provider")
        change.add_argument(
            "--unlink", action="store_true", help="remove the user's identity and e-mail address"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the change. Raises CommandError for an unknown user, and for an address that is not
        valid or another user's."""
        person = User.objects.filter(username=options["name"]).first()
        if person is None:
            raise CommandError(f"User {options['name']} does not exist.")
        before, person.email = person.email, options["email"] or ""
        if person.email and User.objects.exclude(pk=person.pk).filter(email__iexact=person.email):
            raise CommandError(f"Another user has the address {person.email}.")
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
