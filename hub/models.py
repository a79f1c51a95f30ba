"""People and the accounts they belong to."""

from django.conf import settings
from django.db import models

from auditlogs.models import Account


class Role(models.TextChoices):
    """What a member may do: a viewer reads, an admin also has the keys, members and settings."""

    VIEWER = "viewer"
    ADMIN = "admin"


class Identity(models.Model):
    """Who a person is to the provider of single sign-on; the two are linked once."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="identities")
    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """An identity is one person's, and a person has one with each issuer."""

        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="one_person_each"),
            models.UniqueConstraint(fields=["user", "issuer"], name="one_identity_each"),
        ]

    def __str__(self) -> str:
        return f"{self.user} at {self.issuer}"


class Membership(models.Model):
    """A person's place in an account, by which they see its entries."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    account = models.ForeignKey(Account, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=8, choices=Role.choices, default=Role.VIEWER)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """A person belongs to an account once."""

        constraints = [
            models.UniqueConstraint(fields=["user", "account"], name="one_membership_each")
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.account}"
