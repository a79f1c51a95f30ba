"""The API's URLs, under /api."""

from django.urls import path

from auditlogs.api import views

urlpatterns = [
    path("audit-logs", views.entry_collection, name="api_entries"),
    path("audit-logs/<str:entry_id>", views.entry, name="api_entry"),
]
