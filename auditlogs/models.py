"""Accounts and API keys: what the log needs to know of its readers and writers."""

import secrets

from django.db import models

ACCOUNT_NAME_LENGTH = 64
# Where entries of nobody's account are stored. No account has this id, so no tenant sees them.
PLATFORM_ACCOUNT = "acc_platform"
PUBLIC_ID_PREFIX = "key_"


def new_account_id() -> str:
    """Return a fresh id for an account, under which its entries are stored."""
    return f"acc_{secrets.token_hex(8)}"


class Account(models.Model):
    """A tenant. Every entry belongs to one, every query is for one."""

    id = models.CharField(primary_key=True, max_length=32, default=new_account_id, editable=False)
    name = models.CharField(max_length=ACCOUNT_NAME_LENGTH, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class ApiKey(models.Model):
    """A bearer credential of an account, until it is revoked. The key itself is not kept, only its
    SHA-256."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, editable=False)

    def __str__(self) -> str:
        return self.name

    @property
    def public_id(self) -> str:
        """Return what entries and commands call the key; it opens nothing."""
        return f"{PUBLIC_ID_PREFIX}{self.pk}"
