"""The Hub as a Django app."""

from django.apps import AppConfig


class HubConfig(AppConfig):
    """The dashboard: pages, people and their membership."""

    name = "hub"
    verbose_name = "Hub"
    default_auto_field = "django.db.models.BigAutoField"
