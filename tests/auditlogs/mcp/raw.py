"""A client of any version of the protocol, as JSON-RPC over stdio and streamable HTTP."""

import contextlib
import itertools
import json
import subprocess
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import urllib3
from urllib3.exceptions import HTTPError

from auditlogs.entry import numbers

HANDSHAKE = ("2025-03-26", "2025-06-18", "2025-11-25")
MODERN = "2026-07-28"
VERSIONS = (*HANDSHAKE, MODERN)
CLIENT = {"name": "agent_7f3a21", "title": "Momentum Scout", "version": "1.4"}
# The parameter that the header Mcp-Name repeats.
NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}


class Wire:
    """A client that sends what its version of the protocol wants; how is for its kinds to say."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.ids = itertools.count(1)

    def start(self) -> None:
        """Shake hands, in the versions that do."""
        if self.version != MODERN:
            params = {"protocolVersion": self.version, "capabilities": {}, "clientInfo": CLIENT}
            answer = self.request("initialize", params)
            assert answer["result"]["protocolVersion"] == self.version
            self.notify("notifications/initialized", {})

    def message(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        sent = dict(params)
        if self.version == MODERN:
            sent["_meta"] = {
                "io.modelcontextprotocol/protocolVersion": self.version,
                "io.modelcontextprotocol/clientInfo": CLIENT,
                "io.modelcontextprotocol/clientCapabilities": {},
                **sent.get("_meta", {}),
            }
        return {"jsonrpc": "2.0", "method": method, "params": sent}

    def request(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request and return the answer to it."""
        raise NotImplementedError

    def notify(self, method: str, params: Mapping[str, Any]) -> None:
        raise NotImplementedError

    def cancel(self, method: str, params: Mapping[str, Any], reason: str) -> None:
        """Send a request and cancel it once it is handled, as the version has it."""
        raise NotImplementedError


class Stdio(Wire):
    """Over the standard input and output of a process."""

    def __init__(self, version: str, env: Mapping[str, str], module: str) -> None:
        super().__init__(version)
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate(timeout=60)

    def request(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        number = self.send(method, params)
        assert self._process.stdout is not None
        for line in self._process.stdout:
            answer: dict[str, Any] = json.loads(line)
            if answer.get("id") == number:
                return answer
        raise AssertionError("the server has ended")

    def send(self, method: str, params: Mapping[str, Any]) -> int:
        number = next(self.ids)
        self._write({**self.message(method, params), "id": number})
        return number

    def notify(self, method: str, params: Mapping[str, Any]) -> None:
        self._write(self.message(method, params))

    def cancel(self, method: str, params: Mapping[str, Any], reason: str) -> None:
        number = self.send(method, params)
        # Handled in order, so by then the call runs.
        self.request("tools/list", {})
        self.notify("notifications/cancelled", {"requestId": number, "reason": reason})

    def _write(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()


class Http(Wire):
    """Over streamable HTTP."""

    def __init__(self, version: str, url: str, **headers: str) -> None:
        super().__init__(version)
        self._url = url
        self._pool = urllib3.PoolManager(retries=False)
        self._headers = {"Accept": "application/json, text/event-stream", **headers}

    def start(self) -> None:
        if self.version != "2025-03-26":
            self._headers["MCP-Protocol-Version"] = self.version
        super().start()

    def request(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        number = next(self.ids)
        answer = self._post(method, {**self.message(method, params), "id": number})
        if session := answer.headers.get("Mcp-Session-Id"):
            self._headers["Mcp-Session-Id"] = session
        text = answer.data.decode()
        lines = [line[5:] for line in text.splitlines() if line.startswith("data:")] or [text]
        for found in (json.loads(line) for line in lines if line.strip()):
            if found.get("id") == number:
                return dict(found)
        raise AssertionError(f"{answer.status}: {text}")

    def notify(self, method: str, params: Mapping[str, Any]) -> None:
        self._post(method, self.message(method, params))

    def cancel(self, method: str, params: Mapping[str, Any], reason: str) -> None:
        # Of MODERN this is all: who cancels closes the connection.
        number = self.hang_up(method, params)
        if self.version != MODERN:
            self.notify("notifications/cancelled", {"requestId": number, "reason": reason})

    def hang_up(self, method: str, params: Mapping[str, Any], seconds: float = 1.0) -> int:
        """Send a request and close the connection after a time; return the request's ID."""
        number = next(self.ids)
        message = {**self.message(method, params), "id": number}
        with contextlib.suppress(HTTPError):
            answer = self._post(method, message, timeout=seconds, preload_content=False)
            answer.read(1)
            answer.close()
        return number

    def _post(
        self, method: str, message: dict[str, Any], **options: Any
    ) -> urllib3.BaseHTTPResponse:
        headers = {**self._headers, "Content-Type": "application/json"}
        if self.version == MODERN:
            headers["Mcp-Method"] = method
            if method in NAMED:
                headers["Mcp-Name"] = message["params"][NAMED[method]]
        return self._pool.request(
            "POST", self._url, body=numbers.encode(message), headers=headers, **options
        )
