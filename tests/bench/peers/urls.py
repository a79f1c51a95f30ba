from django.contrib import admin
from django.urls import path

from tests.bench.peers.newcomer import logs

urlpatterns = [path("admin/", admin.site.urls), path("logs", logs)]
