"""An OTLP collector on a real socket, which decodes the spans that it is sent."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.patience import HANG_SECONDS


@dataclass(frozen=True)
class Seen:
    """One span. error is its status message, empty when it has not failed."""

    name: str
    id: str
    parent: str
    trace: str
    error: str
    attributes: dict[str, Any]
    seconds: float


class OtlpCollector:
    """Listens on a free port until closed. Requests to other paths than OTLP's are noted in unexpected.

    status is what it answers with. hangs has it keep the requests waiting.
    """

    def __init__(self, path: str = "/v1/traces") -> None:
        self.spans: list[Seen] = []
        self.resources: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.unexpected: list[str] = []
        self.path = path
        self.status = 200
        self.hangs = False
        self.released = threading.Event()
        owner = self

        class Handler(_Handler):
            collector = owner

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def wait(self, ready: Callable[[list[Seen]], bool], seconds: float = 120) -> list[Seen]:
        """The spans as soon as they are ready."""
        until = time.monotonic() + seconds
        while not ready(self.spans):
            assert time.monotonic() < until, [span.name for span in self.spans]
            time.sleep(0.01)
        return self.spans

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    collector: OtlpCollector
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        collector = self.collector
        if collector.hangs:
            collector.released.wait(HANG_SECONDS)
        if self.path != collector.path or self.headers["content-type"] != "application/x-protobuf":
            collector.unexpected.append(f"{self.path} {self.headers['content-type']}")
        elif collector.status == 200:
            collector.headers.append({name.lower(): value for name, value in self.headers.items()})
            self._keep(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
        self.send_response(collector.status)
        self.send_header("content-length", "0")
        self.end_headers()

    def _keep(self, body: bytes) -> None:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.collector.resources.append(_values(resource.resource.attributes))
            for scope in resource.scope_spans:
                self.collector.spans += [_seen(span) for span in scope.spans]


def _seen(span: Any) -> Seen:
    return Seen(
        name=span.name,
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        trace=span.trace_id.hex(),
        error=span.status.message if span.status.code == 2 else "",
        attributes=_values(span.attributes),
        seconds=(span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
    )


def _values(attributes: Any) -> dict[str, Any]:
    return {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in attributes}
