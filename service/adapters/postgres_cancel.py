"""Stopping what runs in a PostgreSQL server when nobody waits for it any more."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Executor
from contextlib import contextmanager
from contextvars import copy_context
from typing import TYPE_CHECKING, TypeVar

from service.errors import UpstreamUnavailable

if TYPE_CHECKING:
    from psycopg import Connection

T = TypeVar("T")

_CANCEL_SECONDS = 2.0


class Running:
    """The connection that one call uses, to be cancelled from another thread and never after it was given back.

    asked is when the caller began to wait, by time.monotonic.
    """

    def __init__(self) -> None:
        self.asked = time.monotonic()
        self.cancelled = False
        self._lock = threading.Lock()
        self._connection: Connection | None = None

    @contextmanager
    def on(self, connection: Connection) -> Generator[None]:
        """While this lasts, cancel stops the connection's statement. Raises UpstreamUnavailable if it came before."""
        with self._lock:
            if self.cancelled:
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
            self.cancelled = True
            if self._connection is not None:
                try:
                    self._connection.cancel_safe(timeout=_CANCEL_SECONDS)
                except psycopg.Error:
                    # The statement's own timeout stops it.
                    return


async def run_in(threads: Executor, work: Callable[[Running], T]) -> T:
    """What work returns in a thread; a cancelled caller stops what it runs in the server."""
    running, context = Running(), copy_context()
    try:
        return await asyncio.get_running_loop().run_in_executor(threads, lambda: context.run(work, running))
    except asyncio.CancelledError:
        await asyncio.shield(asyncio.to_thread(running.cancel))
        raise
