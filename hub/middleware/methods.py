"""Error pages for methods that a page does not allow, such as GET on a form's target."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render

from hub.errors import add_navigation
from hub.middleware.cross_site import PAGES


class MethodMiddleware:
    """Gives Django's empty 405 response a page; status and Allow header stay."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and request.path.startswith(PAGES):
            add_navigation(request)
            response.content = render(request, "405.html").content
        return response
