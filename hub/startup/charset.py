"""Requests are decoded as UTF-8, whatever charset they declare."""

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.utils.functional import cached_property


class Request(WSGIRequest):
    """A request whose query string and form are UTF-8.

    Django would decode them by the charset of the Content-Type header. Some of Python's codecs are
    not text encodings and raise before any view or middleware can answer; others produce lone
    surrogates, which cannot be encoded again.
    """

    @property
    def encoding(self) -> str:
        return "utf-8"

    @encoding.setter
    def encoding(self, value: str) -> None:
        """Ignore the declared charset; Django assigns it while it parses the headers."""

    @cached_property
    def COOKIES(self) -> dict[str, str]:  # type: ignore[override]  # noqa: N802 – Django's name
        """Return the cookies without those that contain NUL, which PostgreSQL rejects."""
        sent: dict[str, str] = super().COOKIES
        return {name: value for name, value in sent.items() if "\0" not in value}


class Application(WSGIHandler):
    """Django's WSGI application with UTF-8 requests."""

    request_class = Request
