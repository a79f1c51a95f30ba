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


VIEW_NAME_LENGTH, VIEW_QUERY_LENGTH = 60, 2_000


class SavedView(models.Model):
    """A name for a list of entries: the query string of the Logs page.

    Without an owner it is shared with all members of the account, and only admins change it.
    """

    account = models.ForeignKey(Account, models.CASCADE, related_name="saved_views")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="saved_views"
    )
    name = models.CharField(max_length=VIEW_NAME_LENGTH)
    query = models.CharField(max_length=VIEW_QUERY_LENGTH, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """A name is used once among the views that are shared, and once among a person's own."""

        constraints = [
            models.UniqueConstraint(fields=["account", "owner", "name"], name="one_view_of_a_name"),
            models.UniqueConstraint(
                fields=["account", "name"],
                condition=models.Q(owner=None),
                name="one_shared_view_of_a_name",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ListPreference(models.Model):
    """How a person wants the list of an account: which view comes first, and how it looks."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    account = models.ForeignKey(Account, models.CASCADE, related_name="+")
    default_view = models.ForeignKey(SavedView, models.SET_NULL, null=True, related_name="+")
    # The keys of the columns that can be left out; None for the usual ones.
    columns = models.JSONField(null=True)
    is_dense = models.BooleanField(default=False)

    class Meta:
        """A person has one preference in each account."""

        constraints = [
            models.UniqueConstraint(fields=["user", "account"], name="one_preference_each")
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.account}"
