"""The Hub as a Django app."""

from django.apps import AppConfig


class HubConfig(AppConfig):
    """The dashboard: pages, people and their membership."""

    name = "hub"
    verbose_name = "Hub"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let every sign-in be heard of by what ends idle sessions."""
        from hub.middleware import idle  # noqa: F401, PLC0415  (its models can be imported from here on)
