"""A connection to PostgreSQL that breaks at a COMMIT, whose answer is lost then."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

_AT_ONCE = 65_536


class Relay:
    """Listens on a free port until closed and passes on what comes to the server's."""

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._lock = threading.Lock()
        self._commits, self._lost, self._applied = 0, 0, True
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def lose(self, number: int, *, applied: bool) -> None:
        """Break at the COMMIT of this number from now on, from 1: after the server did it, or before it heard of it."""
        with self._lock:
            self._commits, self._lost, self._applied = 0, number, applied

    @property
    def has_lost(self) -> bool:
        """Whether it came so far."""
        return self._commits >= self._lost

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        """What the client says. The server's answers are passed on beside it, until one is to be lost."""
        server, losing = socket.create_connection(self._target), threading.Event()
        threading.Thread(target=self._answer, args=(server, client, losing), daemon=True).start()
        with suppress(OSError), client, server:
            while said := client.recv(_AT_ONCE):
                if b"COMMIT" in said and self._is_lost():
                    losing.set()
                    if not self._applied:
                        break
                server.sendall(said)
            server.shutdown(socket.SHUT_RDWR)  # or else it stays open as long as the other thread reads from it

    def _is_lost(self) -> bool:
        with self._lock:
            self._commits += 1
            return self._commits == self._lost

    @staticmethod
    def _answer(server: socket.socket, client: socket.socket, losing: threading.Event) -> None:
        with suppress(OSError):
            while said := server.recv(_AT_ONCE):
                if losing.is_set():
                    break
                client.sendall(said)
            client.shutdown(socket.SHUT_RDWR)
