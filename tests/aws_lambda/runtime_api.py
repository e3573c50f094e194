"""The service's side of AWS Lambda: a Runtime API that hands events to a real awslambdaric process."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

ROOT = Path(__file__).parents[2]
EVENT_LIMIT = 6 * 1024 * 1024
CLOSED = "closed"


@dataclass
class Function:
    """A function under test. Events go in, results come out, one at a time."""

    events: queue.Queue[tuple[str, Any]] = field(default_factory=queue.Queue[tuple[str, Any]])
    results: queue.Queue[tuple[str, bytes]] = field(default_factory=queue.Queue[tuple[str, bytes]])
    process: subprocess.Popen[bytes] | None = None
    log: Path | None = None

    def invoke(self, event: Any, timeout: float = 240) -> dict[str, Any]:
        """The function's response. Raises AssertionError when it reports an error instead."""
        path, body = self._invoke(event, timeout)
        assert path.endswith("/response"), f"{path}: {body!r}"
        return json.loads(body)

    def error_of(self, event: Any, timeout: float = 240) -> tuple[str, str]:
        """The kind and the message of the error that the function reports. Raises AssertionError for a response."""
        path, body = self._invoke(event, timeout)
        assert path.endswith("/error"), f"{path}: {body!r}"
        error = json.loads(body)
        return error["errorType"], error["errorMessage"]

    def freeze(self) -> None:
        """Stop the environment, as Lambda does between two events."""
        assert self.process
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGCONT)

    def lines(self) -> list[dict[str, Any]]:
        """What it wrote to its log in JSON."""
        assert self.log
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def _invoke(self, event: Any, timeout: float) -> tuple[str, bytes]:
        self.events.put((str(uuid.uuid4()), event))
        return self.results.get(timeout=timeout)


def url_event(
    method: str, path: str, body: str | None = None, headers: Mapping[str, str] | None = None, base64: bool = False
) -> dict[str, Any]:
    """What a Function URL sends."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": "abc.lambda-url.us-east-1.on.aws", "x-forwarded-proto": "https", **(headers or {})},
        "requestContext": {
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "t"},
            "requestId": "r1",
        },
        "body": body,
        "isBase64Encoded": base64,
    }


class _Api(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """The function is killed while it waits for its next event: that breaks its connection, and is no news."""


@contextmanager
def running(handler: str, environ: Mapping[str, str]) -> Generator[Function]:
    """Run awslambdaric with this handler until the block ends."""
    function = Function()
    api = _Api(("127.0.0.1", 0), _handler(function))
    Thread(target=api.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        function.log = Path(folder) / "log"
        with function.log.open("wb") as log:
            process = function.process = subprocess.Popen(
                [sys.executable, "-m", "awslambdaric", handler],
                cwd=ROOT,
                env={**os.environ, **_runtime_environ(api.server_port, handler), **environ},
                stdout=log,
                stderr=log,
            )
        try:
            yield function
        finally:
            process.kill()
            process.wait(60)
            function.events.put((CLOSED, None))
            api.shutdown()
            api.server_close()


def _runtime_environ(port: int, handler: str) -> dict[str, str]:
    return {
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
        "_HANDLER": handler,
        "LAMBDA_TASK_ROOT": str(ROOT),
        "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("", "gen", "clients/python")),
        "AWS_LAMBDA_FUNCTION_NAME": "ragsql",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
        "AWS_LAMBDA_LOG_GROUP_NAME": "g",
        "AWS_LAMBDA_LOG_STREAM_NAME": "s",
        "AWS_REGION": "us-east-1",
        "TZ": ":UTC",
    }


def _handler(function: Function) -> type[BaseHTTPRequestHandler]:
    class RuntimeApi(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, format: str, *args: Any) -> None: ...

        def do_GET(self) -> None:
            request_id, event = function.events.get()
            if request_id == CLOSED:
                return
            body = json.dumps(event).encode()
            self.send_response(200)
            self.send_header("Lambda-Runtime-Aws-Request-Id", request_id)
            self.send_header("Lambda-Runtime-Deadline-Ms", str(int(time.time() * 1000) + 30_000))
            self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:1:function:ragsql")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            function.results.put((self.path, self._body()))
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _body(self) -> bytes:
            length = self.headers.get("Content-Length")
            if length is not None:
                return self.rfile.read(int(length))
            chunks = bytearray()
            while size := int(self.rfile.readline().strip(), 16):
                chunks += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return bytes(chunks)

    return RuntimeApi
