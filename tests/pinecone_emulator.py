"""What this service uses of Pinecone's REST API, on a real socket: writes are seen late, requests fail when told to.

A request that Pinecone would refuse is refused. One that this does not know is noted in unexpected as well.
`python -m tests.pinecone_emulator DIMENSION` prints its URL and serves until its input ends.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Container, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from tests.patience import HANG_SECONDS
from tests.pinecone_index import ACTS, Index, Refused

Json = dict[str, Any]
_REQUEST_BYTES = 2 * 1024 * 1024


class PineconeEmulator:
    """Listens on a free port until closed.

    faults are what the next requests meet instead of an answer: the end of a path, and an HTTP status, "cut" or "hang".
    While it is down every request is cut, and so are those that were planned. With lost, a request that is cut does its
    work before.
    """

    def __init__(self) -> None:
        self.indexes: dict[str, Index] = {}
        self.key = "key"
        self.faults: list[tuple[str, str]] = []
        self.down = False
        self.outage: Container[int] = ()
        self.lost = False
        self.met = 0
        self.requests: list[str] = []
        self.unexpected: list[str] = []
        self.most_at_once = 0
        self.at_once = 0
        self.upserts_at_once = 1
        self.retry_after = ""
        self.released = threading.Event()
        self.enough = threading.Event()
        self.lock = threading.RLock()
        owner = self

        class Handler(_Handler):
            emulator = owner

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    def plan(self, outage: Container[int], *, lost: bool = False) -> None:
        """Let the next requests of these numbers meet an outage."""
        with self.lock:
            self.outage, self.lost, self.met = outage, lost, 0

    def cuts(self) -> bool:
        """Whether an outage meets this request."""
        with self.lock:
            self.met += 1
            return self.down or self.met in self.outage

    def fault(self, path: str) -> str:
        with self.lock:
            for fault in self.faults:
                if path.endswith(fault[0]):
                    self.faults.remove(fault)
                    return fault[1]
        return ""


class _Handler(BaseHTTPRequestHandler):
    emulator: PineconeEmulator
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer({})

    def do_DELETE(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["content-length"]))
        self._answer(json.loads(content), len(content))

    def _answer(self, body: Json, size: int = 0) -> None:
        url = urlsplit(self.path)
        emulator = self.emulator
        with emulator.lock:
            emulator.requests.append(url.path)
        fault = "cut" if emulator.cuts() else emulator.fault(url.path)
        if fault == "cut" and emulator.lost:
            self._route(url.path, parse_qs(url.query, keep_blank_values=True), body)
        if fault == "hang":
            emulator.released.wait(HANG_SECONDS)
        if fault in ("hang", "cut"):
            self.close_connection = True
            return
        try:
            if fault:
                raise Refused(int(fault), "secret detail")
            if self.headers["api-key"] != emulator.key:
                raise Refused(401, "Invalid API Key")
            if size > _REQUEST_BYTES:
                raise Refused(413, "too large")
            assert self.headers["x-pinecone-api-version"]
            self._send(200, self._route(url.path, parse_qs(url.query, keep_blank_values=True), body))
        except Refused as refused:
            self._send(refused.status, {"error": {"code": "X", "message": str(refused)}, "status": refused.status})

    def _route(self, path: str, query: dict[str, list[str]], body: Json) -> Json:
        emulator = self.emulator
        head, *rest = path.strip("/").split("/", 2)
        name = unquote(rest[0]) if rest else ""
        if name not in emulator.indexes:
            raise Refused(404, f"Resource {name} not found")
        if head == "indexes" and len(rest) == 1:
            return self._description(name)
        if self.command == "DELETE" and head == "i" and rest[1].startswith("namespaces/"):
            return emulator.indexes[name].forget(unquote(rest[1].removeprefix("namespaces/")))
        act = ACTS.get(rest[1]) if head == "i" and len(rest) == 2 else None
        if act is None:
            raise self._unknown(path)
        if rest[1] == "vectors/upsert":
            with emulator.lock:
                emulator.at_once += 1
                emulator.most_at_once = max(emulator.most_at_once, emulator.at_once)
                if emulator.most_at_once >= emulator.upserts_at_once:
                    emulator.enough.set()
            emulator.enough.wait(HANG_SECONDS)
        with emulator.lock:
            emulator.at_once -= rest[1] == "vectors/upsert"
            known, work = act
            given = {**{key: values if key == "ids" else values[0] for key, values in query.items()}, **body}
            if set(given) - known:
                raise self._unknown(f"{path} {sorted(set(given) - known)}")
            return work(emulator.indexes[name], given)

    def _unknown(self, what: str) -> Refused:
        self.emulator.unexpected.append(what)
        return Refused(501, f"{what} is not emulated")

    def _description(self, name: str) -> Json:
        index = self.emulator.indexes[name]
        vector = {"type": "dense_vector", "dimension": index.dimension, "metric": index.metric}
        return {
            "name": name,
            "host": f"{self.emulator.url}/i/{name}",
            "status": {"ready": True, "state": "Ready"},
            "deletion_protection": "disabled",
            "schema": {"fields": {"_values": vector}},
            "deployment": {"deployment_type": "managed", "cloud": "aws", "region": "r", "environment": "e"},
            "tags": {},
        }

    def _send(self, status: int, data: Json) -> None:
        content = json.dumps(data).encode()
        with suppress(OSError):  # a client that has gone
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            if status in (429, 503) and self.emulator.retry_after:
                self.send_header("retry-after", self.emulator.retry_after)
            self.end_headers()
            self.wfile.write(content)


@pytest.fixture
def pinecone_emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[PineconeEmulator]:
    """An emulator that the SDK is led to, with no index. What it does not know fails the test."""
    emulator = PineconeEmulator()
    monkeypatch.setenv("PINECONE_CONTROLLER_HOST", emulator.url)
    yield emulator
    emulator.close()
    assert emulator.unexpected == []


if __name__ == "__main__":
    started = PineconeEmulator()
    started.indexes["rag-documents"] = Index(int(sys.argv[1]))
    sys.stdout.write(started.url + "\n")
    sys.stdout.flush()
    sys.stdin.read()
