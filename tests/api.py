"""A caller of the API, and what it makes of the answers."""

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.test import Client

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response
else:
    Response = HttpResponse

LIST = "/api/audit-logs"
PROBLEM = "urn:auditlogs:problem:"


class Api:
    """A caller of the API with a key."""

    def __init__(self, key: str) -> None:
        self.client = Client()
        self.headers = {"authorization": f"Bearer {key}"}

    def get(self, path: str = LIST, **parameters: Any) -> Response:
        url = f"{path}?{urlencode(parameters, doseq=True)}" if parameters else path
        return self.client.get(url, headers=self.headers)

    def post(self, body: Any, kind: str = "application/json", **headers: str) -> Response:
        """Send entries: as the bytes that they are, else as JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        # Without a body, the client would leave the content type away.
        return self.client.post(
            LIST, data, kind, headers={**self.headers, **headers}, CONTENT_TYPE=kind
        )

    def ids(self, **parameters: Any) -> list[str]:
        response = self.get(**parameters)
        assert response.status_code == 200, response.content
        return [entry["id"] for entry in response.json()]


def whole(response: Any) -> Response:
    """Return a response whose content is there at once, also where it is streamed."""
    if response.streaming:
        content = b"".join(response.streaming_content)
        response = HttpResponse(content, status=response.status_code, headers=response.headers)
    answer: Response = response
    return answer


def problem_of(response: Response, status: int, slug: str) -> dict[str, Any]:
    """Return the problem document of a response, once it is known to be one of that kind."""
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    assert response["Cache-Control"] == "no-store"
    problem: dict[str, Any] = json.loads(response.content)
    assert list(problem)[:4] == ["type", "title", "status", "detail"]
    assert (problem["type"], problem["status"]) == (f"{PROBLEM}{slug}", status)
    return problem


def next_of(response: Response) -> str | None:
    """Return the path and query of the Link header's next page."""
    link = response.get("Link")
    if link is None:
        return None
    match = re.fullmatch(r'<http://testserver(/[^<>" ]*)>; rel="next"', link)
    assert match is not None, link
    return match[1]
