"""Write-ahead logging for a SQLite file of ours, in which readers and the writer do not wait for each other."""

from __future__ import annotations

import sqlite3
import time

_PAUSE_SECONDS = 0.01


def use_wal(connection: sqlite3.Connection, seconds: float) -> None:
    """Switch the file to it, for all connections and for good. Outside of a transaction.

    A file that others are using is waited for. Raises sqlite3.OperationalError when they go on for so many seconds.
    """
    deadline = time.monotonic() + seconds
    while not _switched(connection, deadline):
        time.sleep(_PAUSE_SECONDS)


def _switched(connection: sqlite3.Connection, deadline: float) -> bool:
    # The switch reads before it locks, and SQLite's busy_timeout is not for a reader that finds a writer: two of
    # them could wait for each other. It fails at once instead, and may be begun again.
    try:
        connection.execute("PRAGMA journal_mode=WAL")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY and time.monotonic() < deadline:
            return False
        raise
    return True
