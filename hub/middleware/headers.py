"""Security headers of every response, static files and errors included."""

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse

from auditlogs.api.problems import SOON

# Browser features that no page uses. Reading the clipboard is not among them: the browser asks the
# reader first, and an extension of theirs may have a use for it.
NOT_USED = (
    *("accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "fullscreen"),
    *("geolocation", "gyroscope", "hid", "idle-detection", "magnetometer", "microphone", "midi"),
    *("payment", "picture-in-picture", "publickey-credentials-get", "screen-wake-lock", "serial"),
    *("storage-access", "usb", "xr-spatial-tracking"),
)
PERMISSIONS = ", ".join([*(f"{name}=()" for name in NOT_USED), "clipboard-write=(self)"])

NOTHING = "default-src 'none'"
# Scripts, styles and images come from this host alone, and nothing is inline: stored text that got
# into a page unescaped could still not run.
OF_ITSELF = ("script-src", "style-src", "img-src", "font-src", "connect-src", "form-action")
POLICY = "; ".join(
    [
        NOTHING,
        *(f"{name} 'self'" for name in OF_ITSELF),
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        # Made by static/js/trusted.js.
        "trusted-types default",
    ]
)
# What a page loads is ruled by the policies of the page. With them, a small file is headers above
# all.
ASSETS = ("text/css", "text/javascript")
OF_DOCUMENTS = ("Cross-Origin-Opener-Policy", "Permissions-Policy", "X-Frame-Options")


class HeadersMiddleware:
    """Adds the headers that Django does not set.

    A style sheet or a script gets the shortest policy of its own, which allows it nothing where it
    is opened by itself or as a worker.

    A response without a Cache-Control header of its own is not stored by any cache: pages show
    what a signed-in person may see, and stay in no shared cache or browser history.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        response["Cross-Origin-Resource-Policy"] = "same-origin"
        response["Permissions-Policy"] = PERMISSIONS
        response["Content-Security-Policy"] = POLICY
        response.headers.setdefault("Cache-Control", "no-store")
        if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
            for name, value in SOON.items():
                response.headers.setdefault(name, value)
        if response.get("Content-Type", "").startswith(ASSETS):
            response["Content-Security-Policy"] = NOTHING
            for name in OF_DOCUMENTS:
                del response[name]
        return response
