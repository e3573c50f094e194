"""Whether the schema of a SQLite file is the one last read, told so fast that no thread is needed."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
from contextlib import suppress
from pathlib import Path

_HEADER_BYTES = 44
_READ_VERSION = 19
_ROLLBACK_JOURNAL = 1


class Glance:
    """Reads the head of the file, where a commit leaves SQLite's counts of changes. Safe for threads.

    A file in WAL mode has no such place: what was committed last may still be in its log.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._open: tuple[int, int, int] | None = None
        self._known: tuple[str | None, str] = None, ""

    def __del__(self) -> None:
        if self._open is not None:
            os.close(self._open[0])

    def fingerprint(self) -> str | None:
        """As it was last learnt; None when something was written since."""
        state, fingerprint = self._known
        return fingerprint if state is not None and state == self.state() else None

    def learn(self, connection: sqlite3.Connection) -> str:
        """As fingerprint below returns it, to be returned until something is written."""
        state = self.state()
        found = fingerprint(self._path, connection)
        self._known = state, found
        return found

    def state(self) -> str | None:
        """What is another one after every write to the file; None when it cannot be had at once."""
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
        return f"{device} {inode} {stat.st_mtime_ns} {head.hex()}"

    def _opened(self) -> tuple[int, int, int]:
        descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        stat = os.fstat(descriptor)
        if self._open is not None:
            with suppress(OSError):
                os.close(self._open[0])
        return descriptor, stat.st_dev, stat.st_ino


def fingerprint(path: Path, connection: sqlite3.Connection) -> str:
    """Which file it is, SQLite's own count of schema changes, and a digest of the schema's text.

    The count alone says nothing when another file was copied over this one.
    """
    stat = path.stat()
    count = connection.execute("PRAGMA schema_version").fetchone()[0]
    text = repr(connection.execute("SELECT name, tbl_name, sql FROM sqlite_master ORDER BY rowid").fetchall())
    return f"{stat.st_dev} {stat.st_ino} {count} {hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()}"
