"""The SQLite file behind the local vector store: schema, identity, connections, transactions."""

from __future__ import annotations

import sqlite3
import threading
import uuid
from contextlib import closing, contextmanager
from queue import Empty, LifoQueue
from typing import TYPE_CHECKING

from service.adapters.sqlite_wal import use_wal
from service.adapters.vectors.identity import Identity, newer
from service.adapters.vectors.idle import close_idle
from service.adapters.vectors.lexical import LexicalIndex
from service.errors import UpstreamUnavailable

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

_SCHEMA_VERSION = 3
_BUSY_SECONDS = 30.0
_PLACE = "The search index"
_BROKEN = (
    "The search index cannot be read or written. Check that RAGSQL_DATA_DIR is writable, has free space "
    "and that the index file in it is intact."
)

# The blob stays last in documents: a row's other columns are then read without following its overflow pages.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tenants (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, epoch INTEGER NOT NULL, chunk_count INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS documents (
    id INTEGER PRIMARY KEY AUTOINCREMENT, tenant INTEGER NOT NULL REFERENCES tenants, document_id TEXT NOT NULL,
    filename TEXT NOT NULL, first_chunk INTEGER NOT NULL, chunk_count INTEGER NOT NULL, vectors BLOB NOT NULL,
    UNIQUE (tenant, document_id)
);
CREATE TABLE IF NOT EXISTS chunks (
    id INTEGER PRIMARY KEY, document INTEGER NOT NULL REFERENCES documents, payload BLOB NOT NULL
);
"""


class IndexFile:
    """Opens the file on first use; hands out connections that only one thread uses at a time.

    Raises NotConfigured when the file was made with another embedding model or by a newer version, and
    UpstreamUnavailable when SQLite fails.
    """

    def __init__(self, path: Path, identity: Identity) -> None:
        self._path = path
        self._identity = identity
        self._idle: LifoQueue[sqlite3.Connection] = LifoQueue()
        self._write_lock = threading.Lock()
        self._open_lock = threading.Lock()
        self.store_id = ""

    @contextmanager
    def read(self) -> Generator[sqlite3.Connection]:
        """A transaction that sees one state of the file until it ends."""
        with self._connection() as connection:
            connection.execute("BEGIN")
            try:
                self._follow(connection)
                yield connection
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    @contextmanager
    def write(self) -> Generator[sqlite3.Connection]:
        """A transaction that alone may change the file, committed unless the block raises."""
        with self._write_lock, self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                self._follow(connection)
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close the connections that are not in use."""
        close_idle(self._idle)

    @contextmanager
    def _connection(self) -> Generator[sqlite3.Connection]:
        try:
            connection = self._take()
            try:
                yield connection
            except BaseException:
                connection.close()
                raise
            self._idle.put(connection)
        except sqlite3.Error as error:
            raise UpstreamUnavailable(_BROKEN) from error

    def _take(self) -> sqlite3.Connection:
        try:
            return self._idle.get_nowait()
        except Empty:
            connection = self._connect()
        with self._open_lock:
            if not self.store_id:
                try:
                    self.store_id = self._prepare(connection)
                except BaseException:
                    connection.close()
                    raise
        return connection

    def _connect(self) -> sqlite3.Connection:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise sqlite3.OperationalError("unable to create the folder of the index") from error
        connection = sqlite3.connect(
            self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        try:
            use_wal(connection, _BUSY_SECONDS)
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute("PRAGMA foreign_keys=ON")
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> str:
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            fresh = {"schema_version": str(_SCHEMA_VERSION), "store_id": uuid.uuid4().hex, "next_chunk": "1"}
            if not connection.execute("SELECT count(*) FROM meta").fetchone()[0]:
                connection.executemany("INSERT INTO meta VALUES (?, ?)", (fresh | self._identity.fields()).items())
            stored = self._checked(connection)
            if stored["schema_version"] == "1":
                connection.execute("ALTER TABLE chunks DROP COLUMN unit_vectors")
            if int(stored["schema_version"]) < 3:
                for (tenant,) in connection.execute("SELECT id FROM tenants").fetchall():
                    LexicalIndex.create_places(connection, tenant)
            connection.execute("UPDATE meta SET value = ? WHERE key = 'schema_version'", (str(_SCHEMA_VERSION),))
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        return stored["store_id"]

    def _follow(self, connection: sqlite3.Connection) -> None:
        """Whether the index is still the one that was opened: another model may have taken its place."""
        if connection.execute("SELECT value FROM meta WHERE key = 'store_id'").fetchone()[0] != self.store_id:
            self.store_id = self._checked(connection)["store_id"]

    def _checked(self, connection: sqlite3.Connection) -> dict[str, str]:
        """What is stored about the index. Raises NotConfigured when it is not for this version and model."""
        stored: dict[str, str] = dict(connection.execute("SELECT key, value FROM meta").fetchall())
        if int(stored["schema_version"]) > _SCHEMA_VERSION:
            raise newer(_PLACE, "RAGSQL_DATA_DIR")
        self._identity.check(stored, _PLACE, "RAGSQL_DATA_DIR")
        return stored


def stored_identity(path: Path) -> Identity | None:
    """What the file was made with, None when it is not there or has nothing in it. Raises UpstreamUnavailable."""
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(path, timeout=_BUSY_SECONDS)) as connection:
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
                return None
            stored: dict[str, str] = dict(connection.execute("SELECT key, value FROM meta").fetchall())
            return Identity.of(stored) if stored else None
    except sqlite3.Error as error:
        raise UpstreamUnavailable(_BROKEN) from error
