"""A scripted OpenAI-compatible server on a real socket. behaviour decides how it misbehaves."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

REPLY = "The sky is blue."
USAGE = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}


class OpenAIServer:
    """Listens on a free port until closed. requests holds every body that came."""

    def __init__(self) -> None:
        self.behaviour = "ok"
        self.finish_reason = "stop"
        self.requests: list[dict[str, Any]] = []
        self.released = threading.Event()
        self.hung_up = threading.Event()
        owner = self

        class Handler(_Handler):
            script = owner

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.base_url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    script: OpenAIServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        if not self._misbehaved():
            self._json(200, {"object": "list", "data": []})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.script.requests.append(body)
        if self._misbehaved():
            return
        if self.path.endswith("/embeddings"):
            self._json(200, _embeddings(body))
        elif body.get("stream"):
            self._stream(body)
        else:
            message = {"role": "assistant", "content": REPLY}
            choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": self.script.finish_reason}
            if body.get("logprobs"):
                choice["logprobs"] = {"content": [_first_token(body["top_logprobs"])]}
            self._json(200, {**_head(body, "chat.completion"), "choices": [choice], "usage": USAGE})

    def _misbehaved(self) -> bool:
        behaviour = self.script.behaviour
        if behaviour.isdecimal():
            self._json(int(behaviour), {"error": {"message": "secret detail", "type": "x", "code": None}})
        elif behaviour == "hang":
            self.script.released.wait(30)
        elif behaviour == "flood":
            self._flood()
        elif behaviour == "malformed":
            self._send(200, "application/json", b'{"choices": [{"mess')
        elif behaviour == "empty":
            self._json(200, {"object": "list", "data": [], "choices": []})
        else:
            return False
        return True

    def _flood(self) -> None:
        """A body that does not end."""
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            while True:
                self.wfile.write(b"x" * 1_000_000)
        except OSError:
            self.script.hung_up.set()

    def _stream(self, body: dict[str, Any]) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True
        head = _head(body, "chat.completion.chunk")
        try:
            for word in re.findall(r"\S+\s*", REPLY):
                self._event({**head, "choices": [{"index": 0, "delta": {"content": word}, "finish_reason": None}]})
                if self.script.behaviour == "cut":
                    return
                while self.script.behaviour == "endless":
                    self._event({**head, "choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": None}]})
        except OSError:
            self.script.hung_up.set()
            return
        end: dict[str, Any] = {"index": 0, "delta": {}, "finish_reason": self.script.finish_reason}
        self._event({**head, "choices": [end]})
        self._event({**head, "choices": [], "usage": USAGE})
        self.wfile.write(b"data: [DONE]\n\n")

    def _event(self, data: dict[str, Any]) -> None:
        self.wfile.write(b"data: " + json.dumps(data).encode() + b"\n\n")
        self.wfile.flush()

    def _json(self, status: int, data: dict[str, Any]) -> None:
        self._send(status, "application/json", json.dumps(data).encode())

    def _send(self, status: int, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _head(body: dict[str, Any], kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": body["model"]}


def _first_token(alternatives: int) -> dict[str, Any]:
    tokens = ("Yes", "No", "It", "The", "Blue", "Sky", "A", "On", "Is", "So")[:alternatives]
    top = [{"token": token, "logprob": -1.0 - n, "bytes": None} for n, token in enumerate(tokens)]
    return {**top[0], "top_logprobs": top}


def _embeddings(body: dict[str, Any]) -> dict[str, Any]:
    data = [
        {"object": "embedding", "index": index, "embedding": _embedding(text, body["dimensions"])}
        for index, text in enumerate(body["input"])
    ]
    usage = {"prompt_tokens": 1, "total_tokens": 1}
    # In reverse, as the index alone says which is which.
    return {"object": "list", "model": body["model"], "data": data[::-1], "usage": usage}


def _embedding(text: str, dimension: int) -> str:
    """Hashed bag of words, longer than 1 on purpose."""
    vector = [0.01] * dimension
    for word in re.findall(r"\w+", text.lower()):
        number = int(hashlib.sha256(word.encode()).hexdigest(), 16)
        vector[number % dimension] += 2.0 + math.sin(number % 7)
    return base64.b64encode(struct.pack(f"<{dimension}f", *vector)).decode()
