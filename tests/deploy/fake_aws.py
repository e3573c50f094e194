"""AWS for a release: moto for everything but invocations, which a runtime of the test's own answers."""

from __future__ import annotations

import http.client
import json
import re
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

_INVOCATION = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")

Runtime = Callable[[dict[str, Any]], Any]
"""From an event to what the handler returns. What it raises is a crash of the function."""


class Refused(Exception):
    """AWS refuses a call."""


@dataclass
class FakeAws:
    """runtimes has the runtime of every image, by its digest. before is told of each call, and may raise Refused."""

    url: str = ""
    runtimes: dict[str, Runtime] = field(default_factory=dict[str, Runtime])
    before: Callable[[str], None] = lambda call: None
    calls: list[str] = field(default_factory=list[str])
    invoked: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    moto_url: str = ""
    clients: dict[tuple[str, str | None], Any] = field(default_factory=dict[tuple[str, str | None], Any])

    def client(self, service: str, url: str | None = None) -> Any:
        """boto3's client, whose calls are seen and answered here unless another URL is given."""
        import boto3

        sdk: Any = boto3
        made = self.clients.get((service, url))
        if made is None:
            made = sdk.session.Session().client(service, endpoint_url=url or self.url, region_name="eu-central-1")
            self.clients[service, url] = made
        return made

    def alias(self, function: str) -> tuple[str, dict[str, float]]:
        """The version that `live` leads to, and the shares of others."""
        found: dict[str, Any] = self.client("lambda", self.moto_url).get_alias(FunctionName=function, Name="live")
        routing: dict[str, Any] = found.get("RoutingConfig") or {}
        return found["FunctionVersion"], routing.get("AdditionalVersionWeights") or {}

    def invoke(self, function: str, qualifier: str, event: dict[str, Any]) -> Any:
        """Run the version that a qualifier leads to; of calls by the alias, every second goes to a new one."""
        version = qualifier
        if not qualifier.isdecimal():
            version, shares = self.alias(function)
            if shares and sum(name == function for name, _ in self.invoked) % 2:
                version = next(iter(shares))
        self.invoked.append((function, version))
        code = self.client("lambda", self.moto_url).get_function(FunctionName=function, Qualifier=version)["Code"]
        return self.runtimes["sha256:" + code["ResolvedImageUri"].rpartition("sha256:")[2]](event)


@contextmanager
def running(moto_url: str) -> Generator[FakeAws]:
    """Serve until the block ends, in front of a moto server."""
    aws = FakeAws(moto_url=moto_url)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"aws": aws, "moto": moto_url}))
    aws.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield aws
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    aws: FakeAws
    moto: str

    def log_message(self, format: str, *args: Any) -> None: ...

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        call = self._call(body)
        self.aws.calls.append(call)
        try:
            self.aws.before(call)
        except Refused as refused:
            self._send(
                403, {"x-amzn-errortype": "AccessDeniedException"}, json.dumps({"Message": str(refused)}).encode()
            )
            return
        invocation = _INVOCATION.match(self.path)
        if invocation is None:
            self._send(*self._from_moto(body))
            return
        qualifier = parse_qs(urlsplit(self.path).query)["Qualifier"][0]
        try:
            reply = json.dumps(self.aws.invoke(invocation[1], qualifier, json.loads(body)))
            self._send(200, {}, reply.encode())
        except Exception as error:
            crash = {"errorType": type(error).__name__, "errorMessage": str(error)}
            self._send(200, {"X-Amz-Function-Error": "Unhandled"}, json.dumps(crash).encode())

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def _call(self, body: bytes) -> str:
        """What is called, such as `PUT code` or `GetMetricData`."""
        target = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        action = re.search(rb"Action=(\w+)", body) if not target else None
        path = urlsplit(self.path).path.rstrip("/").rpartition("/")[2]
        return target or (action[1].decode() if action else f"{self.command} {path}")

    def _from_moto(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(urlsplit(self.moto).netloc, timeout=120)
        connection.request(self.command, self.path, body, dict(self.headers.items()))
        response = connection.getresponse()
        kept = {
            name: value for name, value in response.getheaders() if name.lower().startswith(("content-type", "x-amz"))
        }
        return response.status, kept, response.read()

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
