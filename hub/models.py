"""People and the accounts they belong to."""

from django.conf import settings
from django.db import models

from auditlogs.models import Account


class Role(models.TextChoices):
    """What a member may do: a viewer reads, an admin also has the keys, members and settings."""

    VIEWER = "viewer"
    ADMIN = "admin"


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
