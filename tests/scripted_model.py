"""A chat model that knows the answers: an OpenAI-compatible server on a real socket, as fast on a busy machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

STATEMENTS = {
    "customers have spent the most": (
        "SELECT c.FirstName, c.LastName, SUM(i.Total) AS total FROM Customer AS c"
        " JOIN Invoice AS i ON i.CustomerId = c.CustomerId"
        " GROUP BY c.CustomerId, c.FirstName, c.LastName ORDER BY total DESC LIMIT 3"
    ),
    "typical order": "SELECT AVG(Total) AS average FROM Invoice",
}


Answer = Callable[[str], str]
"""From the body of a request to the content of the reply, or raises Endless."""


class Endless(Exception):
    """The reply begins and never ends."""


def by_script(asked: str) -> str:
    """The statement whose words the request holds."""
    known = [sql for words, sql in STATEMENTS.items() if words in asked]
    return f"```sql\n{known[0]}\n```" if known else "CANNOT: the script has no statement for this question."


@contextmanager
def scripted_model(answer: Answer = by_script) -> Generator[str]:
    """Serve until the block ends; yields what OPENAI_BASE_URL is set to."""
    handler = type("Handler", (_Handler,), {"answer": staticmethod(answer)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answer: Answer

    def log_message(self, format: str, *args: Any) -> None: ...

    def do_GET(self) -> None:
        self._send({"object": "list", "data": []})

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["Content-Length"])).decode()
        try:
            reply = self.answer(asked)
        except Endless:
            self._drip()
            return
        choice = {"index": 0, "message": {"role": "assistant", "content": reply}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}
        model = json.loads(asked)["model"]
        head = {"id": "c1", "object": "chat.completion", "created": 0, "model": model}
        self._send({**head, "choices": [choice], "usage": usage})

    def _drip(self) -> None:
        """Begin a reply and write blanks until the caller goes away."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.close_connection = True
        try:
            while True:
                self.wfile.write(b" " * 65536)
        except OSError:
            return

    def _send(self, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
