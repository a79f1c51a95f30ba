"""The API's URLs, under /api."""

from django.urls import path

from auditlogs.api import export, introspection, keys, views

urlpatterns = [
    path("audit-logs", views.entry_collection, name="api_entries"),
    path("audit-logs/export", export.export, name="api_export"),
    path("audit-logs/<str:entry_id>", views.entry, name="api_entry"),
    path("keys/introspect", introspection.introspect, name="api_introspect"),
    path("keys/<path:key_id>", keys.detail, name="api_key"),
]
