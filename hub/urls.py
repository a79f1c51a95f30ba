"""The addresses of the Hub and of the API."""

from django.urls import include, path

urlpatterns = [
    path("api/", include("auditlogs.urls")),
]
