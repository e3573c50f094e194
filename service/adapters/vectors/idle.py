"""Connections that wait for their next use."""

from __future__ import annotations

from queue import Empty, LifoQueue
from typing import Protocol, TypeVar


class Closable(Protocol):
    """What is closed when nobody uses it any more."""

    def close(self) -> None: ...


C = TypeVar("C", bound=Closable)


def close_idle(idle: LifoQueue[C]) -> None:
    """Close all of them. Those that are in use stay open."""
    while True:
        try:
            idle.get_nowait().close()
        except Empty:
            return
