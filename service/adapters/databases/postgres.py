"""The user's PostgreSQL, read only: transaction, timeouts inside it, named cursor, rollback, clean sessions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Literal, TypeVar

from service.adapters.databases.known import KnownSchema
from service.adapters.databases.postgres_role import can_write, read_access
from service.adapters.databases.postgres_schema import fingerprint, index_values, read_schema
from service.adapters.databases.postgres_sessions import Sessions
from service.adapters.databases.postgres_types import type_columns
from service.adapters.databases.values import Privacy, ValueIndex
from service.adapters.postgres_address import CONNECTIONS
from service.adapters.postgres_cancel import Running, run_in
from service.adapters.postgres_errors import connection_error
from service.domain.caller import Caller
from service.domain.health import ComponentHealth, HealthStatus
from service.domain.sql import Access, ExecutionLimits, Schema, ValueMatch
from service.domain.tables import Table
from service.errors import RagsqlError, SqlExecutionFailed, SqlTimeout, UpstreamUnavailable

if TYPE_CHECKING:
    from psycopg import Connection, ServerCursor

T = TypeVar("T")

_CHECK_SECONDS = 1.0
_INTROSPECTION_SECONDS = 30.0
_EXPLAIN_SECONDS = 5.0
_PROOF_SECONDS = 5.0
_SETTING = "DATABASE_URL"
_THREADS = 32
_FIRST_BATCH = 10
_BATCH = 200


class PostgresDatabase:
    """A Database over a PostgreSQL server or a session pooler, by so many connections at most, made on use."""

    dialect: Literal["sqlite", "postgresql"] = "postgresql"

    def __init__(self, url: str, hidden: Sequence[str] = (), connections: int = CONNECTIONS) -> None:
        self._url = url
        self._sessions = Sessions(url, _SETTING, connections)
        # Those who wait for a server take no threads from the rest of the service.
        self._threads = ThreadPoolExecutor(_THREADS, "database")
        self._privacy = Privacy(tuple(hidden))
        self._known = KnownSchema(_CHECK_SECONDS)

    async def check(self) -> ComponentHealth:
        try:
            await self._run(lambda connection: connection.execute("SELECT 1").fetchone(), 5.0)
        except RagsqlError as error:
            return ComponentHealth("database", "postgres", HealthStatus.NOT_SERVING, error.message)
        return ComponentHealth("database", "postgres", HealthStatus.SERVING)

    async def schema(self, caller: Caller, *, fresh: bool = False) -> Schema:
        return await self._run(lambda connection: self._read_schema(connection, fresh), _INTROSPECTION_SECONDS)

    async def is_read_only(self, caller: Caller) -> bool:
        # Asked anew each time: a connection may have been renewed, and rights may have changed.
        try:
            return not await self._run(can_write, _PROOF_SECONDS)
        except RagsqlError:
            return False

    async def access(self, caller: Caller) -> Access:
        return await self._run(read_access, _INTROSPECTION_SECONDS)

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
                rows, truncated = _fetch(cursor, limits)
                columns, typed = type_columns(cursor.description or [], rows)
                return Table(columns, tuple(typed), truncated)

        return await self._run(run, limits.timeout_seconds)

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._sessions.close()

    def _read_schema(self, connection: Connection, fresh: bool) -> Schema:
        return self._known.schema(
            lambda: fingerprint(connection), lambda: read_schema(connection, self._privacy), fresh
        )

    def _read_index(self, connection: Connection) -> ValueIndex:
        return self._known.index(
            lambda: fingerprint(connection),
            lambda: read_schema(connection, self._privacy),
            lambda schema: index_values(connection, schema, self._privacy),
        )

    async def _run(self, work: Callable[[Connection], T], seconds: float) -> T:
        """Run work in a thread on a connection; a cancelled caller stops what runs in the server."""
        return await run_in(self._threads, lambda running: self._work(work, seconds, running))

    def _work(self, work: Callable[[Connection], T], seconds: float, running: Running) -> T:
        import psycopg

        try:
            with self._sessions.transaction(seconds, running.asked) as connection, running.on(connection):
                return work(connection)
        except psycopg.errors.QueryCanceled:
            raise SqlTimeout(f"The database took longer than {seconds:g} seconds. Ask for less.") from None
        except psycopg.errors.LockNotAvailable:
            raise UpstreamUnavailable("Others have locked what the statement reads. Try again in a moment.") from None
        except psycopg.Error as error:
            if unusable := connection_error(error, "database", _SETTING, self._url):
                # Whatever the reason, documents can still answer, and a statement was not used up.
                raise UpstreamUnavailable(unusable.message) from None
            words = (error.diag.message_primary or str(error)).strip().rstrip(".")
            raise SqlExecutionFailed(f"The database refused the statement: {words}.") from None


def _query(sql: str) -> bytes:
    return sql.encode()


def _fetch(cursor: ServerCursor, limits: ExecutionLimits) -> tuple[list[tuple[object, ...]], bool]:
    """Rows until a cap, in batches that grow as long as the rows are short."""
    rows: list[tuple[object, ...]] = []
    size, batch = 0, _FIRST_BATCH
    while found := cursor.fetchmany(batch):
        for row in found:
            size += sum(len(value) if isinstance(value, (str, bytes)) else 8 for value in row)
            if len(rows) == limits.max_rows or size > limits.max_bytes:
                return rows, True
            rows.append(row)
        batch = max(1, min(_BATCH, (limits.max_bytes - size) * len(rows) // max(1, size)))
    return rows, False
