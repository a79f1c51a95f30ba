"""What a browser is told with every answer of the program, its static files and errors too."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

# What a page could ask the browser for, and these never do. Reading what was copied is not among
# them: the browser asks its reader first, whose own tools may want to look.
NOT_USED = (
    *("accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "fullscreen"),
    *("geolocation", "gyroscope", "hid", "idle-detection", "magnetometer", "microphone", "midi"),
    *("payment", "picture-in-picture", "publickey-credentials-get", "screen-wake-lock", "serial"),
    *("storage-access", "usb", "xr-spatial-tracking"),
)
PERMISSIONS = ", ".join([*(f"{name}=()" for name in NOT_USED), "clipboard-write=(self)"])


class HeadersMiddleware:
    """Adds the headers that Django and its Content-Security-Policy leave out.

    What sets no Cache-Control of its own is kept nowhere: static files alone may be.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with the headers."""
        response = self._get_response(request)
        response["Cross-Origin-Resource-Policy"] = "same-origin"
        response["Permissions-Policy"] = PERMISSIONS
        response.headers.setdefault("Cache-Control", "no-store")
        return response
