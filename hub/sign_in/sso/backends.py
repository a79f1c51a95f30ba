"""Who may sign in by a password, and who by single sign-on: of one person only ever one."""

from django.conf import settings
from django.contrib.auth.backends import BaseBackend, ModelBackend
from django.contrib.auth.models import AnonymousUser, User

BY_IDENTITY = "hub.sign_in.sso.backends.IdentityBackend"


def is_linked(person: User | AnonymousUser | None) -> bool:
    """Tell whether a person signs in by single sign-on."""
    if not settings.OIDC_ISSUER or not isinstance(person, User):
        return False
    return person.identities.filter(issuer=settings.OIDC_ISSUER).exists()


class PasswordBackend(ModelBackend):
    """Takes passwords, and keeps the sessions that one began: never a linked person's."""

    def user_can_authenticate(self, user: User | AnonymousUser | None) -> bool:
        """Tell whether a person who gave their password, or had given it, may be signed in."""
        return super().user_can_authenticate(user) and not is_linked(user)


class IdentityBackend(BaseBackend):
    """Keeps the sessions that single sign-on began, while their person is linked."""

    def get_user(self, user_id: int) -> User | None:
        """Return the person of a session."""
        linked = User.objects.filter(identities__issuer=settings.OIDC_ISSUER, is_active=True)
        return linked.filter(pk=user_id).first()
