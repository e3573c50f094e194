"""The user's PostgreSQL, read only: transaction, timeouts inside it, named cursor, rollback, clean sessions."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, TypeVar

from service.adapters.databases.postgres_schema import can_write, index_values, read_schema
from service.adapters.databases.postgres_types import type_columns
from service.adapters.databases.values import ValueIndex
from service.domain.caller import Caller
from service.domain.health import ComponentHealth, HealthStatus
from service.domain.sql import ExecutionLimits, Schema, ValueMatch
from service.domain.tables import Table
from service.errors import RagsqlError, SqlExecutionFailed, SqlTimeout, UpstreamUnavailable

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg_pool import ConnectionPool

T = TypeVar("T")

_SCHEMA_SECONDS = 60.0
_INTROSPECTION_SECONDS = 30.0
_EXPLAIN_SECONDS = 5.0
_CONNECT_SECONDS = 5
_POOL_SIZE = 4
_BATCH = 200


class PostgresDatabase:
    """A Database over a PostgreSQL server or a session pooler. Connects on first use."""

    dialect: Literal["sqlite", "postgresql"] = "postgresql"

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._lock = threading.Lock()
        self._pool: ConnectionPool | None = None
        self._schema: tuple[float, Schema] | None = None
        self._index: tuple[str, ValueIndex] | None = None

    async def check(self) -> ComponentHealth:
        try:
            await self._run(lambda connection: connection.execute("SELECT 1").fetchone(), 5.0)
        except RagsqlError as error:
            return ComponentHealth("database", "postgres", HealthStatus.NOT_SERVING, error.message)
        return ComponentHealth("database", "postgres", HealthStatus.SERVING)

    async def schema(self, caller: Caller, *, fresh: bool = False) -> Schema:
        if fresh:
            self._schema = None
        return await self._run(self._read_schema, _INTROSPECTION_SECONDS)

    async def is_read_only(self, caller: Caller) -> bool:
        return not await self._run(can_write, _INTROSPECTION_SECONDS)

    async def find_values(self, caller: Caller, words: Sequence[str]) -> list[ValueMatch]:
        index = await self._run(self._read_index, _INTROSPECTION_SECONDS)
        return index.find(words)

    async def explain(self, caller: Caller, sql: str) -> None:
        def plan(connection: Connection) -> None:
            # A binary result makes the client use the protocol that takes one statement only.
            connection.cursor().execute(_query(f"EXPLAIN (FORMAT JSON) {sql}"), binary=True)

        await self._run(plan, _EXPLAIN_SECONDS)

    async def execute(self, caller: Caller, sql: str, limits: ExecutionLimits) -> Table:
        def run(connection: Connection) -> Table:
            with connection.cursor(name="ragsql") as cursor:
                cursor.execute(_query(sql))
                rows, truncated = _fetch(iter(lambda: cursor.fetchmany(_BATCH), []), limits)
                columns, typed = type_columns(cursor.description or [], rows)
                return Table(columns, tuple(typed), truncated)

        return await self._run(run, limits.timeout_seconds)

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            if self._pool is not None:
                self._pool.close()
                self._pool = None

    def _read_schema(self, connection: Connection) -> Schema:
        cached = self._schema
        if cached is None or cached[0] < time.monotonic():
            cached = (time.monotonic() + _SCHEMA_SECONDS, read_schema(connection))
            self._schema = cached
        return cached[1]

    def _read_index(self, connection: Connection) -> ValueIndex:
        schema = self._read_schema(connection)
        cached = self._index
        if cached is None or cached[0] != schema.epoch:
            cached = (schema.epoch, index_values(connection, schema))
            self._index = cached
        return cached[1]

    async def _run(self, work: Callable[[Connection], T], seconds: float) -> T:
        return await asyncio.to_thread(self._work, work, seconds)

    def _work(self, work: Callable[[Connection], T], seconds: float) -> T:
        import psycopg
        from psycopg_pool import PoolTimeout

        try:
            with self._transaction(seconds) as connection:
                return work(connection)
        except psycopg.errors.QueryCanceled:
            raise SqlTimeout(f"The database took longer than {seconds:g} seconds. Ask for less.") from None
        except psycopg.errors.LockNotAvailable:
            raise UpstreamUnavailable("Others have locked what the statement reads. Try again in a moment.") from None
        except (PoolTimeout, psycopg.errors.ConnectionTimeout, psycopg.errors.AdminShutdown):
            raise UpstreamUnavailable("The database does not answer. Check DATABASE_URL and the server.") from None
        except psycopg.Error as error:
            if error.sqlstate is None and isinstance(error, psycopg.OperationalError):
                raise UpstreamUnavailable("The connection to the database broke. Try again.") from None
            words = (error.diag.message_primary or str(error)).strip().rstrip(".")
            raise SqlExecutionFailed(f"The database refused the statement: {words}.") from None

    @contextmanager
    def _transaction(self, seconds: float) -> Generator[Connection]:
        """A read-only transaction with its own timeouts, always rolled back."""
        from psycopg import OperationalError

        with self._opened_pool().connection(timeout=_CONNECT_SECONDS) as connection:
            milliseconds = str(int(seconds * 1000))
            connection.execute("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            try:
                # A session pooler drops settings given at connection time, so they are set here, for here.
                connection.execute(
                    "SELECT set_config('statement_timeout', %s, true), set_config('lock_timeout', '2000', true), "
                    "set_config('idle_in_transaction_session_timeout', '60000', true)",
                    (milliseconds,),
                )
                yield connection
            finally:
                try:
                    connection.execute("ROLLBACK")
                except OperationalError:
                    connection.close()

    def _opened_pool(self) -> ConnectionPool:
        from psycopg_pool import ConnectionPool

        with self._lock:
            if self._pool is None:
                self._pool = ConnectionPool(
                    self._dsn,
                    min_size=0,
                    max_size=_POOL_SIZE,
                    max_idle=60,
                    reset=_reset,
                    check=ConnectionPool.check_connection,
                    kwargs={"autocommit": True, "connect_timeout": _CONNECT_SECONDS, "prepare_threshold": None},
                    open=True,
                )
            return self._pool


def _query(sql: str) -> bytes:
    return sql.encode()


def _reset(connection: Connection) -> None:
    connection.execute("DISCARD ALL")


def _fetch(
    batches: Iterator[Sequence[tuple[object, ...]]], limits: ExecutionLimits
) -> tuple[list[tuple[object, ...]], bool]:
    rows: list[tuple[object, ...]] = []
    size = 0
    for batch in batches:
        for row in batch:
            size += sum(len(value) if isinstance(value, (str, bytes)) else 8 for value in row)
            if len(rows) == limits.max_rows or size > limits.max_bytes:
                return rows, True
            rows.append(row)
    return rows, False
