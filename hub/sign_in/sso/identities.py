"""Whose an identity is: the rule by which it is linked to a person, once.

Nobody is made by signing in. An identity, which is an issuer and its subject, belongs to the person
it is linked to. One that is linked to nobody is linked to the person whom its e-mail address names,
if the provider has verified that address:

- the person to whom the operator gave the address as their e-mail (`manage.py sso`), or else
- the person whose user name it is, while nobody has ever signed in as them. Admins choose user
  names, strangers' addresses too: such a person is an invitation, which nobody has used, and the
  password that whoever made them may know ends with it.

From then on the person signs in by single sign-on alone (`hub.sign_in.sso.backends`). So nobody
who once had a password for them, or sets one, shares what other accounts let them see. An identity
whose address was another's before, or is claimed by several people, is refused, not guessed.
"""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from auditlogs.accounts import keys
from auditlogs.accounts.self_audit import Caller
from hub.access import self_audit
from hub.models import Identity
from hub.sign_in.sso.refusals import Refused

MAX_LENGTH = 255
# More are not needed to know that a name is not unique.
MAX_NAMED = 3


def known_person(claims: dict[str, Any]) -> User | None:
    """Return the person to whom an identity is linked. Raises Refused for one who may not enter."""
    identity = Identity.objects.filter(issuer=settings.OIDC_ISSUER, subject=_subject(claims))
    found = identity.select_related("user").first()
    if found is None:
        return None
    if not found.user.is_active:
        raise Refused("unknown", "inactive-person", found.user)
    return found.user


def invited_person(claims: dict[str, Any]) -> User:
    """Return the person whom a verified address names. Raises Refused where that is nobody."""
    address = claims.get("email")
    if claims.get("email_verified") is not True:
        raise Refused("unknown", "unverified-email")
    if not isinstance(address, str) or "@" not in address:
        raise Refused("unknown", "unknown-identity")
    # Letters beyond ASCII can look alike, and databases differ in which of them are the same.
    if not address.isascii() or not address.isprintable():
        raise Refused("unknown", "unknown-identity")
    named = _named("email", address) or _named("username", address, email="")
    if len(named) != 1:
        raise Refused("unknown", "ambiguous-email" if named else "unknown-identity")
    person = named[0]
    if person.identities.filter(issuer=settings.OIDC_ISSUER).exists():
        raise Refused("unknown", "already-linked", person)
    if not person.email and person.last_login:
        raise Refused("unknown", "invitation-used", person)
    return person


def link(caller: Caller, person: User, claims: dict[str, Any]) -> None:
    """Link an identity to a person, on record or not at all.

    Raises CannotStore, and Refused where another sign-in was quicker.
    """
    try:
        with transaction.atomic():
            person.identities.create(issuer=settings.OIDC_ISSUER, subject=_subject(claims))
            # Whoever knew a password of theirs may have made some.
            keys.revoke_tokens_of(person)
            # Whoever sent an invitation may know the password that came with it.
            if not person.email:
                person.set_unusable_password()
                person.save(update_fields=["password"])
            change = {"field": "identity", "from": None, "to": "linked"}
            self_audit.identity_changed(caller, person, change)
    except IntegrityError as error:
        raise Refused("stale", "already-linked", person) from error


def _named(field: str, address: str, **more: str) -> list[User]:
    """Return who may enter and has an address in this field, in any case."""
    asked = {f"{field}__iexact": address, **more}
    found = User.objects.filter(is_active=True, **asked).order_by("pk")[:MAX_NAMED]
    return [each for each in found if getattr(each, field).lower() == address.lower()]


def _subject(claims: dict[str, Any]) -> str:
    """Return who it is to the issuer. Raises Refused for what no subject can be."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject.isascii() or not subject.isprintable():
        raise Refused("untrusted", "invalid-token")
    if not 0 < len(subject) <= MAX_LENGTH:
        raise Refused("untrusted", "invalid-token")
    return subject
