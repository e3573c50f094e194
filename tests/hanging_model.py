"""An OpenAI-compatible server that goes on generating until the caller hangs up, and sees it do so."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class HangingModel:
    """asked is set when it begins to generate, hung_up when its caller has closed the connection meanwhile.

    While reply is set, it answers with that instead.
    """

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.asked, self.hung_up = threading.Event(), threading.Event()
        self.reply: str | None = None


@contextmanager
def hanging_model() -> Generator[HangingModel]:
    """Serve until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    model = HangingModel(f"http://127.0.0.1:{server.server_port}/v1")
    server.__dict__["model"] = model
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield model
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None: ...

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        model: HangingModel = self.server.__dict__["model"]
        model.asked.set()
        if model.reply is not None:
            self._say(model.reply)
            return
        self.close_connection = True
        connection: socket.socket = self.connection
        connection.settimeout(30)
        if not connection.recv(1):
            model.hung_up.set()

    def _say(self, reply: str) -> None:
        choice = {"index": 0, "message": {"role": "assistant", "content": reply}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}
        head = {"id": "c1", "object": "chat.completion", "created": 0, "model": "m"}
        content = json.dumps({**head, "choices": [choice], "usage": usage}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
