"""The database behind the record store: opened and given its tables on first use."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from service.errors import NotConfigured, UpstreamUnavailable

if TYPE_CHECKING:
    from collections.abc import Generator

    from sqlalchemy import Connection, Engine

_BUSY_MILLISECONDS = 30_000
_SETUP_LOCK = 7_242_685_101  # any number that no other program takes as its advisory lock


class RecordEngine:
    """Transactions on the database at url, `sqlite:///file` or `postgresql://…`.

    Raises NotConfigured for tables of a newer version and UpstreamUnavailable when the database fails.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._engine: Engine | None = None

    @contextmanager
    def begin(self, *, write: bool) -> Generator[Connection]:
        """A transaction, committed unless the block raises. One that writes waits for its turn at once."""
        from sqlalchemy.exc import SQLAlchemyError

        try:
            with self._open().connect().execution_options(ragsql_write=write) as connection, connection.begin():
                yield connection
        except (SQLAlchemyError, OSError) as error:
            raise UpstreamUnavailable(
                "The database of records does not work. Check that RAGSQL_DATA_DIR is writable and has free space, "
                "or that the server is up."
            ) from error

    def close(self) -> None:
        """Close the connections. They open again on use."""
        if self._engine:
            self._engine.dispose()

    def _open(self) -> Engine:
        with self._lock:
            if self._engine is None:
                engine = _create(self._url)
                _prepare(engine)
                self._engine = engine
            return self._engine


def _create(url: str) -> Engine:
    from pathlib import Path

    from sqlalchemy import create_engine, event
    from sqlalchemy.engine import make_url

    target = make_url(url)
    if target.get_backend_name() != "sqlite":
        return create_engine(target.set(drivername="postgresql+psycopg"), pool_pre_ping=True, pool_size=5)
    Path(target.database or "").parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(target)
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: Any, _record: object) -> None:
    # The driver would begin too late for reads and writes to be one transaction: _begin_sqlite does it instead.
    connection.isolation_level = None
    for pragma in (f"busy_timeout={_BUSY_MILLISECONDS}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options()["ragsql_write"] else "BEGIN")


def _prepare(engine: Engine) -> None:
    """Make the tables that are missing. Only one process does so at a time."""
    from sqlalchemy import func, insert, select, update

    from service.adapters.records import schema

    with engine.connect().execution_options(ragsql_write=True) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(_SETUP_LOCK)))
        schema.metadata.create_all(connection)
        version = connection.execute(select(func.max(schema.schema_version.c.version))).scalar()
        if version is None:
            connection.execute(insert(schema.schema_version).values(version=schema.VERSION))
        elif version < schema.VERSION:
            # Each version has a table more, which create_all made. A changed table would be altered here.
            connection.execute(update(schema.schema_version).values(version=schema.VERSION))
        elif version > schema.VERSION:
            raise NotConfigured(
                f"The records were written by a newer version of ragsql (schema {version}, this one knows "
                f"{schema.VERSION}). Upgrade, or set RAGSQL_DATA_DIR to another folder."
            )
