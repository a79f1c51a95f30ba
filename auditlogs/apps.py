"""The audit log as a Django app."""

from django.apps import AppConfig


class AuditLogsConfig(AppConfig):
    """Accounts, API keys, and the log itself."""

    name = "auditlogs"
    verbose_name = "Audit log"
    default_auto_field = "django.db.models.BigAutoField"
