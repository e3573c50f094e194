"""A scripted OpenAI-compatible server on a real socket, which fails as it is told and notes what it does not know.

`python -m tests.contract.openai_server` prints its URL and serves until its input ends.
"""

from __future__ import annotations

import json
import re
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.contract.openai_replies import (
    ERRORS,
    KNOWN,
    REPLY,
    SECRET,
    USAGE,
    completion,
    embeddings,
    error_of,
    head,
    piece,
    refused_parameter,
)
from tests.patience import HANG_SECONDS

__all__ = ["HANG_SECONDS", "REPLY", "SECRET", "OpenAIServer"]


class OpenAIServer:
    """Listens on a free port until closed. requests holds every body that came, unexpected what OpenAI has not.

    faults are how the next requests are answered, one each, and behaviour how all others are: "ok", a name of ERRORS
    or an HTTP status, or "hang", "drop" (no answer), "cut" (a stream, in the middle), "flood", "endless", "malformed",
    "empty" (no choices), "refusal", "stopped" (by a filter), and for embeddings "dimension", "count" and "uncounted".
    key is the only key taken, when there is one. reply makes the text of a whole reply from the body of its request.
    limits are headers of every answer that is not a stream.
    """

    def __init__(self, port: int = 0) -> None:
        self.behaviour = "ok"
        self.faults: list[str] = []
        self.retry_after: dict[str, str] = {}
        self.limits: dict[str, str] = {}
        self.key = ""
        self.finish_reason = "stop"
        self.reply: Callable[[dict[str, Any]], str] = lambda _: REPLY
        self.requests: list[dict[str, Any]] = []
        self.unexpected: list[str] = []
        self.released = threading.Event()
        self.hung_up = threading.Event()
        self._lock = threading.Lock()
        owner = self

        class Handler(_Handler):
            script = owner

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.base_url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def next_behaviour(self) -> str:
        with self._lock:
            return self.faults.pop(0) if self.faults else self.behaviour

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    script: OpenAIServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        if not re.fullmatch(r"/v1/models/[^/?]+", self.path):
            self._unknown(f"GET {self.path}")
        elif not self._misbehaved(self.script.next_behaviour()):
            self._json(200, {"id": self.path.rpartition("/")[2], "object": "model", "created": 1, "owned_by": "x"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.script.requests.append(body)
        if strange := set(body) - KNOWN.get(self.path, set()):
            self._unknown(f"POST {self.path} {sorted(strange)}")
            return
        behaviour = self.script.next_behaviour()
        if self._misbehaved(behaviour):
            return
        if refused := refused_parameter(self.path, body):
            self._json(400, refused)
        elif self.path == "/v1/embeddings":
            self._json(200, embeddings(body, behaviour))
        elif body.get("stream"):
            self._stream(body, behaviour)
        else:
            stopped = "content_filter" if behaviour == "stopped" else self.script.finish_reason
            self._json(
                200, completion(body, stopped, SECRET if behaviour == "refusal" else None, self.script.reply(body))
            )

    def _unknown(self, what: str) -> None:
        self.script.unexpected.append(what)
        self._json(501, {"error": {"message": f"{what} is not scripted"}})

    def _misbehaved(self, behaviour: str) -> bool:
        if self.script.key and self.headers["authorization"] != f"Bearer {self.script.key}":
            behaviour = "wrong key"
        if behaviour in ERRORS or behaviour.isdecimal():
            status, error = error_of(behaviour)
            self._json(status, error, self.script.retry_after)
        elif behaviour == "hang":
            self.script.released.wait(HANG_SECONDS)
            self.close_connection = True
        elif behaviour == "drop":
            self.close_connection = True
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
        elif behaviour == "flood":
            self._flood()
        elif behaviour == "malformed":
            self._send(200, b'{"choices": [{"mess')
        elif behaviour == "empty":
            self._json(200, {"object": "list", "data": [], "choices": []})
        else:
            return False
        return True

    def _flood(self) -> None:
        """A body that does not end."""
        self._begin("application/json")
        try:
            while True:
                self.wfile.write(b"x" * 1_000_000)
        except OSError:
            self.script.hung_up.set()

    def _stream(self, body: dict[str, Any], behaviour: str) -> None:
        self._begin("text/event-stream")
        try:
            for word in re.findall(r"\S+\s*", REPLY):
                self._event(piece(body, {"content": word}))
                if behaviour == "cut":
                    return
                while behaviour == "endless":
                    self._event(piece(body, {"content": "x"}))
        except OSError:
            self.script.hung_up.set()
            return
        if behaviour == "refusal":
            self._event(piece(body, {"refusal": SECRET}))
        stopped = "content_filter" if behaviour == "stopped" else self.script.finish_reason
        self._event(piece(body, {}, stopped))
        self._event({**head(body, "chat.completion.chunk"), "choices": [], "usage": USAGE})
        self.wfile.write(b"data: [DONE]\n\n")

    def _begin(self, kind: str) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True

    def _event(self, data: dict[str, Any]) -> None:
        self.wfile.write(b"data: " + json.dumps(data).encode() + b"\n\n")
        self.wfile.flush()

    def _json(self, status: int, data: dict[str, Any], headers: Mapping[str, str] | None = None) -> None:
        self._send(status, json.dumps(data).encode(), headers)

    def _send(self, status: int, content: bytes, headers: Mapping[str, str] | None = None) -> None:
        with suppress(OSError):  # a client that has gone
            self.send_response(status)
            for name, value in {**self.script.limits, **(headers or {}), "content-type": "application/json"}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)


if __name__ == "__main__":
    sys.stdout.write(OpenAIServer().base_url + "\n")
    sys.stdout.flush()
    sys.stdin.read()
