"""Clients of the host: a person with a browser's cookies, or a program with a key."""

import html
import re
from collections.abc import Mapping
from http.cookies import SimpleCookie
from typing import Any, Self
from urllib.parse import urlencode

import msgspec
import urllib3

from tests.deploy.host import NAME, Host

# Where visitors come from: another address of the loopback interface than nginx's own.
ADDRESS = "127.0.0.2"
Response = urllib3.BaseHTTPResponse


class Visitor:
    """A client of https://audit.example.com, which resolves to the host's nginx."""

    def __init__(self, host: Host, key: str = "") -> None:
        self._pool = urllib3.HTTPSConnectionPool(
            "127.0.0.1",
            host.https,
            server_hostname=NAME,
            assert_hostname=NAME,
            ca_certs=str(host.path("/etc/ssl/certs/auditlogs.pem")),
            source_address=(ADDRESS, 0),
            timeout=30,
            retries=False,
        )
        self._key = key
        self.cookies: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.close()

    def ask(
        self,
        path: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Send a request, with the cookies that were set before; follow no redirect."""
        sent = {"Host": NAME, **(headers or {})}
        if self._key:
            sent["Authorization"] = f"Bearer {self._key}"
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        response = self._pool.request(method, path, body=body, headers=sent, redirect=False)
        for line in response.headers.getlist("Set-Cookie"):
            for name, cookie in SimpleCookie(line).items():
                self.cookies[name] = cookie.value
        return response

    def submit(self, path: str, **fields: str) -> Response:
        """Open a page with a form, and send that as a browser would."""
        page = self.ask(path).data.decode()
        found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        assert found, page
        form = {"csrfmiddlewaretoken": found[1], **fields}
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": f"https://{NAME}",
            "Referer": f"https://{NAME}{path}",
        }
        return self.ask(path, "POST", urlencode(form).encode(), headers)

    def sign_in(self, password: str, name: str = "ada") -> Response:
        return self.submit("/hub/sign-in", username=name, password=password)

    def write(self, entries: Any, **headers: str) -> Response:
        """Send entries to the API."""
        body = entries if isinstance(entries, bytes) else msgspec.json.encode(entries)
        return self.ask(
            "/api/audit-logs", "POST", body, {"Content-Type": "application/json", **headers}
        )

    def read(self, query: str = "") -> list[dict[str, Any]]:
        """Return entries of the API."""
        response = self.ask(f"/api/audit-logs{query}")
        assert response.status == 200, response.data
        entries: list[dict[str, Any]] = msgspec.json.decode(response.data)
        return entries

    def read_on(self, query: str) -> list[dict[str, Any]]:
        """Return entries of the API, following the links to all further pages."""
        path, entries = f"/api/audit-logs{query}", []
        while path:
            response = self.ask(path)
            assert response.status == 200, response.data
            entries += msgspec.json.decode(response.data)
            link = response.headers.get("Link", "")
            following = re.fullmatch(rf'<https://{NAME}(/[^>]+)>; rel="next"', link)
            assert bool(following) == bool(link), link
            path = following[1] if following else ""
        return entries


def static_files(response: Response) -> list[str]:
    """Return the URLs of a page's static files."""
    found = re.findall(r'(?:href|src)="(/static/[^"#]+)', response.data.decode())
    return [html.unescape(each) for each in dict.fromkeys(found)]
