"""How the provider is called: no answer is waited for long, followed elsewhere, or read whole if
it is large."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any, ParamSpec, TypeVar

from authlib.integrations.requests_client import OAuth2Session
from requests import PreparedRequest, RequestException, Response
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

P = ParamSpec("P")
T = TypeVar("T")

ANSWER_SECONDS = 5
# All that one step of a sign-in asks, name look-ups and answers that trickle included.
STEP_SECONDS = 10
MAX_ANSWER_BYTES = 262_144
CHUNK_BYTES = 65_536

# However slow the provider is, no more than so many threads wait for it.
_callers = ThreadPoolExecutor(4, thread_name_prefix="single-sign-on")


class TooLarge(Exception):
    """The answer is larger than any that a provider has reason to give."""


class _Bounded(HTTPAdapter):
    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        """Return a response that has been read, within its bounds."""
        response = super().send(request, *args, **kwargs | {"timeout": ANSWER_SECONDS})
        body = BytesIO()
        try:
            for chunk in response.raw.stream(CHUNK_BYTES, decode_content=True):
                body.write(chunk)
                if body.tell() > MAX_ANSWER_BYTES:
                    raise TooLarge(f"more than {MAX_ANSWER_BYTES} bytes")
        except HTTPError as error:
            raise RequestException(type(error).__name__) from error
        finally:
            response.close()
        body.seek(0)
        response.raw = body
        return response


class Session(OAuth2Session):
    """The library's client of a provider, within bounds. A redirect is an error: the addresses are
    those that the provider has named."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.max_redirects = 0
        for scheme in ("https://", "http://"):
            self.mount(scheme, _Bounded())


def within_time(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do a step's calls and return what came of them. Raises TimeoutError when they take long."""
    asked = _callers.submit(work, *args, **kwargs)
    try:
        return asked.result(STEP_SECONDS)
    finally:
        asked.cancel()
