"""Linking identities of the provider to people of the Hub.

An identity is an issuer and a subject. Signing in never creates a person: an identity that is not
linked yet is linked, once, by the e-mail address in its claims, if the provider verified it:

- to the person whose e-mail address an operator set to it (`manage.py sso`), or else
- to the person whose user name it is, if nobody has ever signed in as that person. Admins choose
  user names freely, so such a person is only an invitation; its first password ends with the link.

From then on the person signs in with single sign-on only (`hub.sign_in.sso.backends`): nobody who
knew or sets a password of theirs can sign in as them. An address that several people have, or whose
person has another identity already, is refused.
"""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from auditlogs.accounts import keys
from auditlogs.accounts.self_audit import Caller
from hub.access import self_audit
from hub.models import Identity
from hub.sign_in.sso.refusals import SignInRefused

MAX_LENGTH = 255
# Enough to see that an address is ambiguous.
MAX_MATCHES = 3


def linked_person(claims: dict[str, Any]) -> User | None:
    """Return the person to whom the claims' identity is linked, or None.

    Raises SignInRefused for a deactivated person.
    """
    identities = Identity.objects.filter(issuer=settings.OIDC_ISSUER, subject=_subject(claims))
    identity = identities.select_related("user").first()
    if identity is None:
        return None
    if not identity.user.is_active:
        raise SignInRefused("unknown", "inactive-person", identity.user)
    return identity.user


def invited_person(claims: dict[str, Any]) -> User:
    """Return the person to link the claims' identity to. Raises SignInRefused without one."""
    address = claims.get("email")
    if claims.get("email_verified") is not True:
        raise SignInRefused("unknown", "unverified-email")
    if not isinstance(address, str) or "@" not in address:
        raise SignInRefused("unknown", "unknown-identity")
    # Letters beyond ASCII can look alike, and databases differ in how they compare them.
    if not address.isascii() or not address.isprintable():
        raise SignInRefused("unknown", "unknown-identity")
    matches = _active_people("email", address) or _active_people("username", address, email="")
    if len(matches) != 1:
        raise SignInRefused("unknown", "ambiguous-email" if matches else "unknown-identity")
    person = matches[0]
    if person.identities.filter(issuer=settings.OIDC_ISSUER).exists():
        raise SignInRefused("unknown", "already-linked", person)
    if not person.email and person.last_login:
        raise SignInRefused("unknown", "invitation-used", person)
    return person


def link(caller: Caller, person: User, claims: dict[str, Any]) -> None:
    """Link the claims' identity to a person and record it, in one transaction.

    Raises CannotStore, and SignInRefused where a simultaneous sign-in linked it first.
    """
    try:
        with transaction.atomic():
            person.identities.create(issuer=settings.OIDC_ISSUER, subject=_subject(claims))
            # Session tokens may have been made by somebody who knew the former password.
            keys.revoke_tokens_of(person)
            # The admin who sent the invitation may have set its password.
            if not person.email:
                person.set_unusable_password()
                person.save(update_fields=["password"])
            change = {"field": "identity", "from": None, "to": "linked"}
            self_audit.identity_changed(caller, person, change)
    except IntegrityError as error:
        raise SignInRefused("stale", "already-linked", person) from error


def _active_people(field: str, address: str, **conditions: str) -> list[User]:
    """Return active people whose `field` is this address, ignoring case: at most MAX_MATCHES."""
    matching = {f"{field}__iexact": address, **conditions}
    people = User.objects.filter(is_active=True, **matching).order_by("pk")[:MAX_MATCHES]
    # SQLite ignores the case of ASCII letters only, PostgreSQL that of all letters.
    return [each for each in people if getattr(each, field).lower() == address.lower()]


def _subject(claims: dict[str, Any]) -> str:
    """Return the subject claim. Raises SignInRefused unless it is 1 to 255 printable ASCII
    characters (OpenID Connect Core, section 2)."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject.isascii() or not subject.isprintable():
        raise SignInRefused("untrusted", "invalid-token")
    if not 0 < len(subject) <= MAX_LENGTH:
        raise SignInRefused("untrusted", "invalid-token")
    return subject
