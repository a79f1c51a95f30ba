"""A provider that lies as it is told to: what it signs is really signed, and really served."""

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from tests.provider.site import CLIENT_ID, CLIENT_SECRET

Answer = Callable[[BaseHTTPRequestHandler], None]
OWN_KEY = RSAKey.generate_key(2048, {"kid": "own", "alg": "RS256", "use": "sig"})
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "own", "alg": "RS256", "use": "sig"})

SECRET_KEY = OctKey.import_key(CLIENT_SECRET)


class Forger:
    """A provider whose every answer can be replaced, by its path."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.claims: dict[str, Any] = {}
        self.nonce = ""
        self.key = OWN_KEY

        class Handler(BaseHTTPRequestHandler):
            def do_GET(handler) -> None:  # noqa: N805
                handler.rfile.read(int(handler.headers["Content-Length"] or 0))
                path = handler.path
                self.asked.append(path)
                (self.answers.get(path) or self.answer(path))(handler)

            def do_POST(handler) -> None:  # noqa: N805
                handler.do_GET()

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Be away from now on."""
        self._server.shutdown()
        self._server.server_close()

    def discovery(self, **changes: Any) -> dict[str, Any]:
        """Return what an honest provider says of itself, but for the changes."""
        endpoints = {
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }
        return {"issuer": self.issuer, **endpoints, **changes}

    def honest_claims(self, **changes: Any) -> dict[str, Any]:
        """Return what an honest ID token says, but for the changes; None leaves one out."""
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT_ID, "sub": "subject-1", "iat": now}
        claims |= {"exp": now + 300, "nonce": self.nonce, **self.claims, **changes}
        return {name: value for name, value in claims.items() if value is not None}

    def sign(self, claims: dict[str, Any], key: RSAKey | None = None) -> str:
        """Return an ID token."""
        return jwt.encode({"alg": "RS256", "kid": "own"}, claims, key or self.key)

    def answer(self, path: str) -> Answer:
        """Return the honest answer."""
        if path == "/.well-known/openid-configuration":
            return says(self.discovery())
        if path == "/keys":
            return says({"keys": [OWN_KEY.as_dict(private=False)]})
        assert path == "/token", path
        return token(self.sign(self.honest_claims()))


def unsigned(claims: dict[str, Any]) -> str:
    """Return an ID token of the algorithm none."""
    parts = [{"alg": "none"}, claims]
    texts = (base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts)
    return f"{'.'.join(texts)}."


def signed_by_secret(claims: dict[str, Any]) -> str:
    """Return an ID token that is signed with what the Hub and the provider both know."""
    return jwt.encode({"alg": "HS256"}, claims, SECRET_KEY)


def says(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    """Return an answer of JSON, or of bytes as they are."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(text)), **(headers or {})}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(text)

    return answer


def token(text: object) -> Answer:
    """Return an answer of the token endpoint with this ID token."""
    return says({"access_token": "opaque", "token_type": "Bearer", "id_token": text})


def trickles(handler: BaseHTTPRequestHandler) -> None:
    """Send headers for ever, each soon enough for a time-out never to notice."""
    handler.send_response(200)
    handler.flush_headers()
    for number in range(1_000):
        try:
            handler.wfile.write(f"X-{number}: 1\r\n".encode())
        except OSError:
            return
        time.sleep(0.05)


@contextmanager
def forger() -> Iterator[Forger]:
    """Run a forger."""
    server = Forger()
    try:
        yield server
    finally:
        server.stop()
