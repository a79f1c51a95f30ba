"""The API's addresses, under /api."""

from django.urls import path

from auditlogs import api

urlpatterns = [
    path("audit-logs", api.entry_collection, name="api_entries"),
    path("audit-logs/<str:entry_id>", api.entry, name="api_entry"),
]
