"""HTTP requests to the provider, bounded in time and size, and without redirects."""

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
# For all requests of one step together, DNS look-ups and slowly trickling responses included, which
# the timeout of a single read does not limit.
STEP_SECONDS = 10
MAX_ANSWER_BYTES = 262_144
CHUNK_BYTES = 65_536

# A slow provider blocks at most these threads, never all of the web process.
_executor = ThreadPoolExecutor(4, thread_name_prefix="single-sign-on")


class TooLarge(Exception):
    """A response is larger than MAX_ANSWER_BYTES."""


class _BoundedAdapter(HTTPAdapter):
    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        """Return a response whose body was read whole, within the limits.

        Raises TooLarge and RequestException.
        """
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
    """Authlib's HTTP session with limits. A redirect is an error, since it could lead to an
    endpoint that the discovery document does not name."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.max_redirects = 0
        for scheme in ("https://", "http://"):
            self.mount(scheme, _BoundedAdapter())


def within_time(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what a function returns. Raises TimeoutError after STEP_SECONDS."""
    future = _executor.submit(work, *args, **kwargs)
    try:
        return future.result(STEP_SECONDS)
    finally:
        future.cancel()
