"""Authentication backends: a person signs in by password or by single sign-on, never by both."""

from django.conf import settings
from django.contrib.auth.backends import BaseBackend, ModelBackend
from django.contrib.auth.models import AnonymousUser, User

BY_IDENTITY = "hub.sign_in.sso.backends.IdentityBackend"


def is_linked(person: User | AnonymousUser | None) -> bool:
    """Tell whether a person has an identity of the configured issuer."""
    if not settings.OIDC_ISSUER or not isinstance(person, User):
        return False
    return person.identities.filter(issuer=settings.OIDC_ISSUER).exists()


class PasswordBackend(ModelBackend):
    """Accepts passwords of people without a linked identity, and sessions that began with one."""

    def user_can_authenticate(self, user: User | AnonymousUser | None) -> bool:
        # Django also asks this for each request of a session, so linking a person ends the sessions
        # that began with a password.
        return super().user_can_authenticate(user) and not is_linked(user)


class IdentityBackend(BaseBackend):
    """Accepts sessions that single sign-on began, while the person's identity is linked."""

    def get_user(self, user_id: int) -> User | None:
        linked = User.objects.filter(identities__issuer=settings.OIDC_ISSUER, is_active=True)
        return linked.filter(pk=user_id).first()
