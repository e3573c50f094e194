"""What was read from a SQLite file of ours, good until the next commit by any process."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")
_MOST = 1024


class UntilCommit(Generic[T]):
    """Small values by key, from a file in WAL mode, which may be replaced by another. Safe for threads.

    SQLite itself says whether somebody has committed, from memory that the processes share: that takes microseconds,
    never waits for a lock, and so needs no thread.
    """

    def __init__(self, path: Path | None) -> None:
        """Without path nothing is remembered."""
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._opened: tuple[int, int] | None = None
        self._known: dict[str, tuple[int, T]] = {}

    async def get(self, key: str, read: Callable[[], Awaitable[T]]) -> T:
        """What read returned last, or returns now when something was committed since it was called."""
        commits = self._commits()
        known = self._known.get(key)
        if known is not None and known[0] == commits:
            return known[1]
        value = await read()
        if commits is not None:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[key] = commits, value
        return value

    def close(self) -> None:
        """Close the file. It opens again on use."""
        with self._lock:
            self._forget()

    def _commits(self) -> int | None:
        """A number that every commit changes; None when it cannot be had at once."""
        if self._path is None or not self._lock.acquire(blocking=False):
            return None
        try:
            stat = self._path.stat()
            if self._connection is None or self._opened != (stat.st_dev, stat.st_ino):
                self._forget()
                # Not made here: whoever writes to it first does, with its tables.
                uri = f"{self._path.absolute().as_uri()}?mode=rw"
                self._connection = sqlite3.connect(uri, uri=True, timeout=0, check_same_thread=False)
                self._opened = stat.st_dev, stat.st_ino
            return self._connection.execute("PRAGMA data_version").fetchone()[0]
        except (sqlite3.Error, OSError):
            self._forget()
            return None
        finally:
            self._lock.release()

    def _forget(self) -> None:
        """The numbers of another connection say nothing about what was read before."""
        self._known.clear()
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None
