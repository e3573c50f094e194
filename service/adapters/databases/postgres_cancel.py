"""Stopping what runs in a PostgreSQL server when nobody waits for it any more."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from service.errors import UpstreamUnavailable

if TYPE_CHECKING:
    from psycopg import Connection

_CANCEL_SECONDS = 2.0


class Running:
    """The connection that one call uses, to be cancelled from another thread and never after it was given back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._cancelled = False

    @contextmanager
    def on(self, connection: Connection) -> Generator[None]:
        """While this lasts, cancel stops the connection's statement. Raises UpstreamUnavailable if it came before."""
        with self._lock:
            if self._cancelled:
                raise UpstreamUnavailable("The request was cancelled.")
            self._connection = connection
        try:
            yield
        finally:
            with self._lock:
                self._connection = None

    def cancel(self) -> None:
        """Ask the server to stop, over a connection of its own."""
        import psycopg

        with self._lock:
            self._cancelled = True
            if self._connection is not None:
                try:
                    self._connection.cancel_safe(timeout=_CANCEL_SECONDS)
                except psycopg.Error:
                    # The statement's own timeout stops it.
                    return
