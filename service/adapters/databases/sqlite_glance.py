"""Whether the schema of a SQLite file is the one last read, told so fast that no thread is needed."""

from __future__ import annotations

import os
import sqlite3
import struct
import threading
from contextlib import suppress
from pathlib import Path

_HEADER_BYTES = 44
_READ_VERSION, _COOKIE = 19, 40
_ROLLBACK_JOURNAL = 1


class Glance:
    """Reads the head of the file, where a commit puts SQLite's count of schema changes. Safe for threads.

    A file in WAL mode has no such place: what was committed last may still be in its log.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._open: tuple[int, int, int] | None = None

    def __del__(self) -> None:
        if self._open is not None:
            os.close(self._open[0])

    def fingerprint(self) -> str | None:
        """As fingerprint below returns it; None when it cannot be had at once."""
        try:
            with self._lock:
                stat = self._path.stat()
                # Closed only when the file was replaced: closing one gives up the locks of this process's connections.
                if self._open is None or self._open[1:] != (stat.st_dev, stat.st_ino):
                    self._open = self._opened()
                descriptor, device, inode = self._open
                head = os.pread(descriptor, _HEADER_BYTES, 0)
        except OSError:
            return None
        if len(head) < _HEADER_BYTES or head[_READ_VERSION] != _ROLLBACK_JOURNAL:
            return None
        return f"{device} {inode} {struct.unpack_from('>I', head, _COOKIE)[0]}"

    def _opened(self) -> tuple[int, int, int]:
        descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        stat = os.fstat(descriptor)
        if self._open is not None:
            with suppress(OSError):
                os.close(self._open[0])
        return descriptor, stat.st_dev, stat.st_ino


def fingerprint(path: Path, connection: sqlite3.Connection) -> str:
    """SQLite's own count of schema changes, and which file it is."""
    stat = path.stat()
    return f"{stat.st_dev} {stat.st_ino} {connection.execute('PRAGMA schema_version').fetchone()[0]}"
