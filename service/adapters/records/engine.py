"""Transactions on the database behind the record store: opened and given its tables on first use."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from typing import TYPE_CHECKING, TypeVar

from service.adapters.circuit import Circuit
from service.adapters.postgres_errors import REPLACE_PAUSES
from service.adapters.records.postgres_server import Conflict, PostgresServer
from service.adapters.records.sqlite_file import SqliteFile
from service.errors import UpstreamUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from sqlalchemy import Connection, Engine

T = TypeVar("T")

_THREADS = 32
_REPEATS = 2
_FAILURES = 2
_RETRY_SECONDS = 2.0
_SLOW_SECONDS = 1.0


class RecordEngine:
    """Transactions on the database at url, `sqlite:///file` or `postgresql://…`.

    connections bounds those to PostgreSQL, seconds the run of each statement there. Raises NotConfigured for tables of
    a newer version, a wrong password or address, Overloaded when all connections stay busy, and UpstreamUnavailable
    when the database fails. One that keeps callers waiting is then asked again once in two seconds.
    """

    def __init__(self, url: str, connections: int, seconds: float) -> None:
        is_file = url.startswith("sqlite")
        self._server = SqliteFile(url) if is_file else PostgresServer(url, connections, seconds)
        # Those who wait for a server take no threads from the rest of the service.
        self._threads = None if is_file else ThreadPoolExecutor(_THREADS, "records")
        self._circuit = Circuit(_FAILURES, _RETRY_SECONDS)
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self.name = self._server.name

    async def run(self, act: Callable[[Connection], T], *, write: bool) -> T:
        """What act returns inside of a transaction of its own. It is called again after a conflict with another."""
        context, asked = copy_context(), time.monotonic()
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: context.run(self._run, act, write, asked)
        )

    @contextmanager
    def begin(self, *, write: bool, asked: float | None = None) -> Generator[Connection]:
        """A transaction, committed unless the block raises. One that writes waits for its turn at once.

        asked is when the caller began to wait, by time.monotonic; now, if it is None.
        """
        with self._server.turn(time.monotonic() if asked is None else asked), self._answering(write) as connection:
            yield connection

    @contextmanager
    def _answering(self, write: bool) -> Generator[Connection]:
        from sqlalchemy.exc import DBAPIError, SQLAlchemyError

        if not self._circuit.may_call():
            raise UpstreamUnavailable(
                "The database of records did not answer just now and is asked again in a moment. Check the server."
            )
        asked, answered = self._circuit.clock(), False
        try:
            with self._begun(write) as connection:
                answered = True
                self._circuit.succeeded()
                yield connection
                connection.commit()
        except (SQLAlchemyError, OSError) as error:
            silent = self._threads and not answered and isinstance(error, DBAPIError)
            if silent and self._circuit.clock() - asked > _SLOW_SECONDS:
                self._circuit.failed(asked)
            raise self._server.told(error) from error

    def upgrade(self) -> tuple[str, str]:
        """Bring the tables to this version and return the revisions before, empty if there was none, and now."""
        from sqlalchemy.exc import SQLAlchemyError

        from service.adapters.records import tables

        engine = self._server.engine()
        try:
            return tables.upgrade(engine)
        except (SQLAlchemyError, OSError) as error:
            raise self._server.told(error) from error
        finally:
            engine.dispose()

    def close(self) -> None:
        """Close the connections. They open again on use."""
        if self._engine:
            self._engine.dispose()

    def _run(self, act: Callable[[Connection], T], write: bool, asked: float) -> T:
        for _ in range(_REPEATS):
            try:
                return self._once(act, write, asked)
            except Conflict:
                continue
        return self._once(act, write, asked)

    def _once(self, act: Callable[[Connection], T], write: bool, asked: float) -> T:
        with self.begin(write=write, asked=asked) as connection:
            return act(connection)

    def _begun(self, write: bool) -> Connection:
        """A connection in a transaction. One that died while nobody used it is replaced: nothing was asked over it."""
        from sqlalchemy.exc import DBAPIError

        for pause in REPLACE_PAUSES:
            try:
                return self._begin(write)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                time.sleep(pause)
        return self._begin(write)

    def _begin(self, write: bool) -> Connection:
        connection = self._open().connect().execution_options(ragsql_write=write)
        try:
            connection.begin()
        except BaseException:
            connection.close()
            raise
        return connection

    def _open(self) -> Engine:
        with self._lock:
            if self._engine is None:
                from service.adapters.records import tables

                engine = self._server.engine()
                try:
                    tables.prepare(engine)
                except BaseException:
                    engine.dispose()
                    raise
                self._engine = engine
            return self._engine
