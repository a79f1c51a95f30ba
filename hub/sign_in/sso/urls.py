"""The URLs of single sign-on, included only where it is configured."""

from django.urls import path

from hub.sign_in.sso import views

urlpatterns = [
    path("start", views.start, name="sso_start"),
    path("callback", views.callback, name="sso_callback"),
]
