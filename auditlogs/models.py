"""Accounts, API keys, and agents' keys."""

import secrets

from django.conf import settings
from django.db import models

from auditlogs.entry.schema import LONG_ID_LENGTH, NAME_LENGTH

ACCOUNT_NAME_LENGTH = 64
KEY_NAME_LENGTH = 100
# The account of entries that belong to none, such as a denied request without a valid key. No
# tenant can have this id, so none sees them.
PLATFORM_ACCOUNT = "acc_platform"
PUBLIC_ID_PREFIX = "key_"
# The permission that the holder of a session token needs, as checked by `User.has_perm`.
PERMISSION_TO_READ = "auditlogs.read"


def new_account_id() -> str:
    """Return a new account id."""
    return f"acc_{secrets.token_hex(8)}"


def new_agent_key_id() -> str:
    """Return a new public id of an agent's key."""
    return f"akey_{secrets.token_hex(8)}"


class Account(models.Model):
    """A tenant. Every entry belongs to one account and every query is for one."""

    id = models.CharField(primary_key=True, max_length=32, default=new_account_id, editable=False)
    name = models.CharField(max_length=ACCOUNT_NAME_LENGTH, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class ApiKey(models.Model):
    """A bearer credential of an account, valid until it expires or is revoked. Only its SHA-256 is
    stored, with its first and last characters so that people recognize it.

    A key with a `bot` reads only that bot's entries and writes only as that bot: the actor `agent`
    with the id `agent` or `bot`. A key with a `holder` is a session token: it has the rights that
    this person has at the time of the request.
    """

    account = models.ForeignKey(Account, models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=KEY_NAME_LENGTH)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    beginning = models.CharField(max_length=16, default="", editable=False)
    last_four = models.CharField(max_length=4, default="", editable=False)
    scopes = models.JSONField(default=list)
    bot = models.CharField(max_length=LONG_ID_LENGTH, null=True)
    agent = models.CharField(max_length=LONG_ID_LENGTH, null=True)
    holder = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="session_tokens"
    )
    created_by = models.CharField(max_length=NAME_LENGTH, default="", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, editable=False)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True, editable=False)
    # When the key was found in the body of a request, from which it was redacted.
    exposed_at = models.DateTimeField(null=True, editable=False)

    def __str__(self) -> str:
        return self.name

    @property
    def public_id(self) -> str:
        """The id of the key in entries and commands, which is no credential."""
        return f"{PUBLIC_ID_PREFIX}{self.pk}"


class AgentKey(models.Model):
    """The credential with which an agent calls tools; the API of this log does not accept it. Only
    the SHA-256 of its secret is stored.

    A rotation gives it a new secret. The former one, `previous_digest`, stays valid until
    `previous_until`. `agent` is the actor id by which the log knows the agent.
    """

    account = models.ForeignKey(Account, models.CASCADE, related_name="agent_keys")
    # The id of the key in entries and addresses, which is no credential.
    public_id = models.CharField(
        max_length=LONG_ID_LENGTH, default=new_agent_key_id, editable=False
    )
    name = models.CharField(max_length=KEY_NAME_LENGTH)
    agent = models.CharField(max_length=LONG_ID_LENGTH)
    scopes = models.JSONField(default=list)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    last_four = models.CharField(max_length=4, editable=False)
    previous_digest = models.CharField(max_length=64, unique=True, null=True, editable=False)
    previous_last_four = models.CharField(max_length=4, default="", editable=False)
    previous_until = models.DateTimeField(null=True, editable=False)
    created_by = models.CharField(max_length=NAME_LENGTH, default="", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    rotated_at = models.DateTimeField(null=True, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True, editable=False)

    class Meta:  # noqa: D106
        constraints = [
            models.UniqueConstraint(fields=["account", "public_id"], name="one_agent_key_of_an_id")
        ]

    def __str__(self) -> str:
        return self.name


class Export(models.Model):
    """The export that a caller is running, or ran last: a caller has one at a time.

    `seen_at` is set while it goes on. A running one that has not been seen for a minute was cut
    off by a crash. `caller_facts` is the caller as the export's entry will name it, and `facts`
    what else the entry will tell.
    """

    caller = models.CharField(primary_key=True, max_length=64)
    run = models.CharField(max_length=32)
    account = models.CharField(max_length=32)
    caller_facts = models.JSONField()
    facts = models.JSONField()
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    count = models.PositiveBigIntegerField(default=0)
    # How many entries there will be, where that is known.
    total = models.PositiveBigIntegerField(null=True)
    is_stopped = models.BooleanField(default=False)
    ended_at = models.DateTimeField(null=True)
    is_complete = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.caller} {self.started_at}"
