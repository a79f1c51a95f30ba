"""The API's URLs, under /api."""

from django.urls import path

from auditlogs.api import description, export, introspection, keys, review, views

urlpatterns = [
    path("openapi.json", description.openapi, name="api_openapi"),
    path("schemas/entry/1", description.entry_schema, name="api_entry_schema"),
    path("audit-logs", views.entry_collection, name="api_entries"),
    path("audit-logs/export", export.export, name="api_export"),
    path("audit-logs/<str:entry_id>", views.entry, name="api_entry"),
    path("review", review.daily, name="api_review"),
    path("keys/introspect", introspection.introspect, name="api_introspect"),
    path("keys/<path:key_id>", keys.detail, name="api_key"),
]
