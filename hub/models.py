"""Memberships of people in accounts, and their identities for single sign-on."""

from django.conf import settings
from django.db import models

from auditlogs.models import Account


class Role(models.TextChoices):
    """The role of a member: viewers read, admins also manage keys, members and settings."""

    VIEWER = "viewer"
    ADMIN = "admin"


class Identity(models.Model):
    """A person's identity at an OpenID provider, by which they sign in."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="identities")
    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """An identity belongs to one person, who has one per issuer."""

        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="one_person_each"),
            models.UniqueConstraint(fields=["user", "issuer"], name="one_identity_each"),
        ]

    def __str__(self) -> str:
        return f"{self.user} at {self.issuer}"


class Membership(models.Model):
    """A person's membership in an account, which gives access to its entries."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    account = models.ForeignKey(Account, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=8, choices=Role.choices, default=Role.VIEWER)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """A person is a member of an account once."""

        constraints = [
            models.UniqueConstraint(fields=["user", "account"], name="one_membership_each")
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.account}"
