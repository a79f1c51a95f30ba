"""How what browsers and programs send is read: as UTF-8, whatever a request says of itself."""

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest


class Request(WSGIRequest):
    """A request whose address and form are UTF-8.

    Django would read them by the charset that a request names. Python knows some that are none of
    text, which end in an error before any page or middleware can answer, and some that make lone
    surrogates, which nothing can write down again.
    """

    @property
    def encoding(self) -> str:
        """Return the one charset there is."""
        return "utf-8"

    @encoding.setter
    def encoding(self, value: str) -> None:
        """Leave it as it is."""


class Application(WSGIHandler):
    """Django's application, with such requests."""

    request_class = Request
