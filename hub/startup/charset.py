"""How what browsers and programs send is read: as UTF-8, whatever a request says of itself."""

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.utils.functional import cached_property


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

    @cached_property
    def COOKIES(self) -> dict[str, str]:  # type: ignore[override]  # noqa: N802 – Django's name
        """Return the cookies that can be looked up: PostgreSQL takes a NUL into no text."""
        sent: dict[str, str] = super().COOKIES
        return {name: value for name, value in sent.items() if "\0" not in value}


class Application(WSGIHandler):
    """Django's application, with such requests."""

    request_class = Request
