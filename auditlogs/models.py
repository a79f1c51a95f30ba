"""Accounts and API keys: what the log needs to know of its readers and writers."""

import secrets

from django.conf import settings
from django.db import models

from auditlogs.entry.schema import ID_LENGTH, NAME_LENGTH

ACCOUNT_NAME_LENGTH = 64
KEY_NAME_LENGTH = 100
# Where entries of nobody's account are stored. No account has this id, so no tenant sees them.
PLATFORM_ACCOUNT = "acc_platform"
PUBLIC_ID_PREFIX = "key_"
# What the holder of a session token has to be allowed in its account, as `User.has_perm` asks it.
PERMISSION_TO_READ = "auditlogs.read"


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
    """A bearer credential of an account, until it expires or is revoked. The key itself is not
    kept, only its SHA-256 and what tells it from others at a glance: how it begins and ends.

    A key with a `bot` reads that bot's entries alone, and writes in that bot's name alone: as the
    actor `agent`, its id, or `bot` itself. A key with a `holder` is a session token: it opens what
    that person may see at the time, and nothing once they may not.
    """

    account = models.ForeignKey(Account, models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=KEY_NAME_LENGTH)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    beginning = models.CharField(max_length=16, default="", editable=False)
    last_four = models.CharField(max_length=4, default="", editable=False)
    scopes = models.JSONField(default=list)
    bot = models.CharField(max_length=ID_LENGTH, null=True)
    agent = models.CharField(max_length=ID_LENGTH, null=True)
    holder = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="session_tokens"
    )
    created_by = models.CharField(max_length=NAME_LENGTH, default="", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, editable=False)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True, editable=False)
    # When the key was found in the text of an entry, from which it was redacted.
    exposed_at = models.DateTimeField(null=True, editable=False)

    def __str__(self) -> str:
        return self.name

    @property
    def public_id(self) -> str:
        """Return what entries and commands call the key; it opens nothing."""
        return f"{PUBLIC_ID_PREFIX}{self.pk}"
