"""The URLs that monitoring reads, at the root of the host."""

from django.urls import path

from auditlogs.api.metrics import metrics
from auditlogs.api.readiness import readyz

urlpatterns = [
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
]
