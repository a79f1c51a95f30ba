"""The addresses of single sign-on, which are there where it is set up."""

from django.urls import path

from hub.sign_in.sso import views

urlpatterns = [
    path("start", views.start, name="sso_start"),
    path("callback", views.callback, name="sso_callback"),
]
