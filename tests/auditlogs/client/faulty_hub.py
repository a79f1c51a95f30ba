"""A network that fails: something that answers where a Hub should be, as it is told to."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[["Visit", BaseHTTPRequestHandler], None]


class Visit:
    """One request: when it came, its headers, and the entries it brought."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        self.at = time.monotonic()
        self.path = handler.path
        self.headers = handler.headers
        self.connection = handler.client_address
        self.body = handler.rfile.read(int(handler.headers["Content-Length"]))
        self.entries: list[dict[str, Any]] = json.loads(self.body)

    @property
    def ids(self) -> list[str]:
        return [entry["id"] for entry in self.entries]


class FaultyHub:
    """Gives the answers it was told to, one after the other, and then stores everything."""

    def __init__(self, *answers: Answer, port: int = 0) -> None:
        self.visits: list[Visit] = []
        waiting = list(answers)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(handler) -> None:  # noqa: N805
                visit = Visit(handler)
                self.visits.append(visit)
                (waiting.pop(0) if waiting else stored)(visit, handler)

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def ids(self) -> list[str]:
        """The ids of all entries that came, in the order in which they came."""
        return [id_ for visit in self.visits for id_ in visit.ids]

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def faulty_hub(*answers: Answer, port: int = 0) -> Iterator[FaultyHub]:
    hub = FaultyHub(*answers, port=port)
    try:
        yield hub
    finally:
        hub.stop()


def says(status: int, body: object, headers: dict[str, str] | None = None) -> Answer:
    """Return an answer with this status and JSON."""

    def answer(visit: Visit, handler: BaseHTTPRequestHandler) -> None:
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(text)), **(headers or {})}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(text)

    return answer


def stored(visit: Visit, handler: BaseHTTPRequestHandler) -> None:
    """Acknowledge everything, as a Hub does."""
    outcomes = [
        {"index": index, "id": id_, "status": "created"} for index, id_ in enumerate(visit.ids)
    ]
    says(201, outcomes)(visit, handler)


def hangs_up(visit: Visit, handler: BaseHTTPRequestHandler) -> None:
    """Drop the connection after everything was read: nobody knows what became of it."""
    handler.close_connection = True
    handler.connection.close()
