"""A store that files are PUT to in place of the server, on a real socket."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Store:
    """A store that takes every PUT and keeps how large it was."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    @contextmanager
    def serving(self) -> Generator[str]:
        sizes = self.sizes

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                left = size = int(self.headers["content-length"])
                while left:
                    left -= len(self.rfile.read(min(left, 1024 * 1024)))
                sizes.append(size)
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
