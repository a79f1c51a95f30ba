"""The Hub as a Django app."""

from django.apps import AppConfig


class HubConfig(AppConfig):
    """The dashboard: its pages, and people's memberships in accounts."""

    name = "hub"
    verbose_name = "Hub"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Connects the receiver of sign-ins. Models cannot be imported any earlier.
        from hub.middleware import idle  # noqa: F401, PLC0415
        from hub.startup import checks  # noqa: F401, PLC0415
