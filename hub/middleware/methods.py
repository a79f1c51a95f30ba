"""Requests by a method that a page does not take, such as a form's address that was opened."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render

from hub.middleware.cross_site import PAGES


class MethodMiddleware:
    """Gives such an answer a page, for Django's has none; status and headers stay as they are."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer."""
        response = self._get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and request.path.startswith(PAGES):
            response.content = render(request, "405.html").content
        return response
