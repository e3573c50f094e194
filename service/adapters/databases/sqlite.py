"""The user's SQLite file, read only four times over: file mode, pragma, authorizer, deadline."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import quote

from service.adapters.databases.known import KnownSchema
from service.adapters.databases.sqlite_glance import Glance
from service.adapters.databases.sqlite_schema import index_values, read_schema
from service.adapters.databases.sqlite_types import Row, type_columns
from service.adapters.databases.values import Privacy, ValueIndex
from service.domain.caller import Caller
from service.domain.health import ComponentHealth, HealthStatus
from service.domain.sql import Access, ExecutionLimits, Schema, ValueMatch
from service.domain.tables import CellValue, Table
from service.errors import RagsqlError, SqlExecutionFailed, SqlTimeout, UpstreamUnavailable

T = TypeVar("T")

_INTROSPECTION_SECONDS = 20.0
_EXPLAIN_SECONDS = 5.0
_PROOF_SECONDS = 5.0
_MAX_VALUE_BYTES = 16 * 1024 * 1024
_STEPS_BETWEEN_CHECKS = 1000
_READS = frozenset((sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE))
_FORBIDDEN_FUNCTIONS = frozenset(
    "load_extension readfile writefile edit fts3_tokenizer zeroblob randomblob sqlite_compileoption_get "
    "sqlite_compileoption_used sqlite_log sqlite_offset sqlite_source_id".split()
)
_PLAIN_COLUMN = re.compile(r'(?:MAX|MIN)?\(?(?:\w+\.)?"?(\w+)"?\)?', re.IGNORECASE)


class SqliteDatabase:
    """A Database over one SQLite file. Every call opens its own connection in a thread."""

    dialect: Literal["sqlite", "postgresql"] = "sqlite"

    def __init__(self, path: str | Path, hidden: Sequence[str] = ()) -> None:
        self._path = Path(path)
        self._privacy = Privacy(tuple(hidden))
        self._known = KnownSchema(check_seconds=0.0)
        self._glance = Glance(self._path)

    async def check(self) -> ComponentHealth:
        try:
            await self._run(lambda connection: connection.execute("SELECT 1 FROM sqlite_master LIMIT 1"), 5.0)
        except (SqlExecutionFailed, SqlTimeout, UpstreamUnavailable) as error:
            return ComponentHealth("database", "sqlite", HealthStatus.NOT_SERVING, error.message)
        return ComponentHealth("database", "sqlite", HealthStatus.SERVING)

    async def schema(self, caller: Caller, *, fresh: bool = False) -> Schema:
        # Every schema is fresh here. Who does not ask for that goes on to work with the database, and should hear now
        # that it is locked, which a glance does not tell.
        glanced = self._glance.fingerprint() if fresh else None
        known = self._known.at(glanced) if glanced else None
        return known or await self._run(self._read_schema, _INTROSPECTION_SECONDS)

    async def is_read_only(self, caller: Caller) -> bool:
        # mode=ro and query_only hold for every connection that this class opens: tried, not believed.
        try:
            return await self._run(_refuses_writes, _PROOF_SECONDS)
        except RagsqlError:
            return False

    async def access(self, caller: Caller) -> Access:
        if await self._run(_refuses_writes, _PROOF_SECONDS):
            return Access("", ())
        return Access("", ("SQLite opened the file for writing although it was told not to.",))

    async def find_values(self, caller: Caller, words: Sequence[str]) -> list[ValueMatch]:
        index = await self._run(self._read_index, _INTROSPECTION_SECONDS)
        return index.find(words)

    async def explain(self, caller: Caller, sql: str) -> None:
        def plan(connection: sqlite3.Connection) -> None:
            # The bytecode listing compiles the whole statement and runs none of it.
            _restrict(connection)
            connection.execute(f"EXPLAIN {sql}").fetchone()

        await self._run(plan, _EXPLAIN_SECONDS)

    async def execute(self, caller: Caller, sql: str, limits: ExecutionLimits) -> Table:
        schema = await self.schema(caller)

        def run(connection: sqlite3.Connection) -> Table:
            _restrict(connection)
            cursor = connection.execute(sql)
            names = [column[0] for column in cursor.description or ()]
            rows, truncated = _fetch(cursor, limits)
            columns, typed = type_columns(names, _declared(names, schema), rows)
            return Table(columns, tuple(typed), truncated)

        return await self._run(run, limits.timeout_seconds)

    def _read_schema(self, connection: sqlite3.Connection) -> Schema:
        return self._known.schema(
            lambda: self._glance.learn(connection), lambda: read_schema(connection, self._privacy)
        )

    def _read_index(self, connection: sqlite3.Connection) -> ValueIndex:
        return self._known.index(
            lambda: self._glance.learn(connection),
            lambda: read_schema(connection, self._privacy),
            lambda schema: index_values(connection, schema, self._privacy),
        )

    async def _run(self, work: Callable[[sqlite3.Connection], T], seconds: float) -> T:
        """Run work in a thread on a new connection; a cancelled caller stops it too."""
        cancelled = threading.Event()
        try:
            return await asyncio.to_thread(self._work, work, seconds, cancelled)
        finally:
            cancelled.set()

    def _work(self, work: Callable[[sqlite3.Connection], T], seconds: float, cancelled: threading.Event) -> T:
        try:
            with self._connection(seconds, cancelled) as connection:
                return work(connection)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                raise SqlTimeout(f"The database took longer than {seconds:g} seconds. Ask for less.") from None
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                raise UpstreamUnavailable("Another program has locked the database. Try again in a moment.") from None
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR):
                raise UpstreamUnavailable(f"The database cannot be read: {error}. Check DATABASE_URL.") from None
            raise SqlExecutionFailed(f"The database refused the statement: {str(error).rstrip('.')}.") from None
        except (sqlite3.Error, sqlite3.Warning, OverflowError, ValueError) as error:
            raise SqlExecutionFailed(f"The database refused the statement: {str(error).rstrip('.')}.") from None

    @contextmanager
    def _connection(self, seconds: float, cancelled: threading.Event) -> Generator[sqlite3.Connection]:
        if not self._path.is_file():
            raise UpstreamUnavailable(f"There is no database file {self._path.name}. Check DATABASE_URL.")
        deadline = time.monotonic() + seconds
        uri = f"file:{quote(str(self._path.resolve()))}?mode=ro"
        connection = sqlite3.connect(uri, uri=True, timeout=2.0, isolation_level=None)
        try:
            connection.execute("PRAGMA query_only = ON")
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_VALUE_BYTES)
            connection.text_factory = _decode
            connection.set_progress_handler(
                lambda: int(cancelled.is_set() or time.monotonic() > deadline), _STEPS_BETWEEN_CHECKS
            )
            yield connection
        finally:
            connection.close()


def _decode(content: bytes) -> str:
    return content.decode("utf-8", "replace")


def _refuses_writes(connection: sqlite3.Connection) -> bool:
    """Whether SQLite says that the connection may not write, by the file's mode and by the pragma."""
    if connection.execute("PRAGMA query_only").fetchone() != (1,):
        return False
    connection.execute("PRAGMA query_only = OFF")
    connection.execute("BEGIN")
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        connection.execute(f"PRAGMA user_version = {version}")
    except sqlite3.OperationalError as error:
        return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_READONLY
    finally:
        connection.execute("ROLLBACK")
    return False


def _restrict(connection: sqlite3.Connection) -> None:
    """Allow this connection to read and nothing else, until it is closed."""

    def authorize(action: int, first: str | None, second: str | None, *_: str | None) -> int:
        if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in _FORBIDDEN_FUNCTIONS:
            return sqlite3.SQLITE_DENY
        if action == sqlite3.SQLITE_READ and (first or "").lower().startswith("sqlite_"):
            return sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_OK if action in _READS else sqlite3.SQLITE_DENY

    connection.set_authorizer(authorize)


def _fetch(cursor: sqlite3.Cursor, limits: ExecutionLimits) -> tuple[list[Row], bool]:
    rows: list[Row] = []
    size = 0
    for row in cursor:
        size += sum(cell_bytes(value) for value in row)
        if len(rows) == limits.max_rows or size > limits.max_bytes:
            return rows, True
        rows.append(row)
    return rows, False


def cell_bytes(value: CellValue) -> int:
    """About how many bytes a cell takes."""
    return len(value) if isinstance(value, (str, bytes)) else 8


def _declared(names: Sequence[str], schema: Schema) -> list[str]:
    """What each result column was declared as, "" unless all columns of that name agree."""
    types: dict[str, set[str]] = {}
    for table in schema.tables:
        for column in table.columns:
            types.setdefault(column.name.lower(), set()).add(column.type)
    found: list[str] = []
    for name in names:
        match = _PLAIN_COLUMN.fullmatch(name)
        known = types.get((match[1] if match else name).lower(), set())
        found.append(next(iter(known)) if len(known) == 1 else "")
    return found
