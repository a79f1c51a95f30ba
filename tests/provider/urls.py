"""The Hub's addresses where single sign-on is set up, which it is not in the suite's settings."""

from django.urls import include, path

from hub import urls
from hub.urls import handler400, handler403, handler404, handler500

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

urlpatterns = [*urls.urlpatterns, path("hub/sso/", include("hub.sign_in.sso.urls"))]
