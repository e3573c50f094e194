"""Who may use a connection to the PostgreSQL server of passages, and where callers wait for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Concatenate, ParamSpec, TypeVar

from service.adapters.postgres_address import TURN_SECONDS
from service.adapters.postgres_cancel import Running, run_in
from service.adapters.postgres_errors import no_turn

T = TypeVar("T")
P = ParamSpec("P")

_THREADS = 32
_WRITE_SECONDS = 300.0


class Turns:
    """So many connections at once. Half of them, one at least, may change passages, so that searches go on.

    Those who wait take no threads from the rest of the service.
    """

    def __init__(self, connections: int) -> None:
        self._connections = connections
        self._all = threading.BoundedSemaphore(connections)
        self._writing = threading.BoundedSemaphore(max(1, connections // 2))
        self._threads = ThreadPoolExecutor(_THREADS, "passages")

    async def call(self, act: Callable[Concatenate[Running, P], T], *args: P.args, **options: P.kwargs) -> T:
        """What act returns in a thread. What it runs on is stopped when the caller is cancelled."""
        return await run_in(self._threads, lambda running: act(running, *args, **options))

    @contextmanager
    def turn(self, asked: float) -> Generator[None]:
        """While this lasts there is a connection for the caller, who began to wait at asked. Raises Overloaded."""
        with self._taken(self._all, asked + TURN_SECONDS):
            yield

    @contextmanager
    def writing(self) -> Generator[float]:
        """While this lasts the caller may change passages. Gives the time of now. Raises Overloaded."""
        with self._taken(self._writing, time.monotonic() + _WRITE_SECONDS):
            yield time.monotonic()

    @contextmanager
    def _taken(self, turns: threading.BoundedSemaphore, latest: float) -> Generator[None]:
        if not turns.acquire(timeout=max(0.0, latest - time.monotonic())):
            raise no_turn("PostgreSQL database of passages", self._connections)
        try:
            yield
        finally:
            turns.release()
