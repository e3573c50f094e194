"""The SQLite file of records, which is made on first use."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from service.adapters.sqlite_wal import use_wal
from service.errors import RagsqlError, UpstreamUnavailable

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_BUSY_SECONDS = 30


class SqliteFile:
    """The file at url, `sqlite:///file`."""

    name = "sqlite"

    def __init__(self, url: str) -> None:
        self._url = url

    def turn(self, asked: float) -> AbstractContextManager[None]:
        """Nobody waits for a connection here."""
        return nullcontext()

    def engine(self) -> Engine:
        """An engine whose transactions wait for their turn."""
        from pathlib import Path

        from sqlalchemy import create_engine, event
        from sqlalchemy.engine import make_url

        target = make_url(self._url)
        Path(target.database or "").parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(target)
        event.listen(engine, "connect", _configure)
        event.listen(engine, "begin", _begin)
        return engine

    def told(self, error: Exception) -> RagsqlError:
        """The error in words."""
        return UpstreamUnavailable(
            "The database of records does not work. Check that RAGSQL_DATA_DIR is writable and has free space."
        )


def _configure(connection: Any, _record: object) -> None:
    # The driver would begin too late for reads and writes to be one transaction: _begin does it instead.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={_BUSY_SECONDS * 1000}")
    use_wal(connection, _BUSY_SECONDS)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options()["ragsql_write"] else "BEGIN")
