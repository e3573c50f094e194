"""The PostgreSQL server behind the pgvector store: address, connections, tables, identity, errors in words."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Generator
from contextlib import contextmanager
from queue import Empty, LifoQueue
from typing import TYPE_CHECKING, Any, LiteralString, TypeVar

from service.adapters.circuit import Circuit
from service.adapters.postgres_address import SETUP_LOCK, conninfo
from service.adapters.postgres_cancel import Running
from service.adapters.postgres_errors import connection_error
from service.adapters.vectors.identity import Identity, newer
from service.adapters.vectors.idle import close_idle
from service.adapters.vectors.pgvector_turns import Turns
from service.errors import NotConfigured, Overloaded, RagsqlError, UpstreamUnavailable

if TYPE_CHECKING:
    from psycopg import Connection, Error

    from service.adapters.postgres_connection import BoundedConnection

T = TypeVar("T")

SCHEMA = "ragsql"
_SCHEMA_VERSION = 1
_PLACE = "The index of passages"
_SETTING = "RAGSQL_VECTORS_URL"
_FAILURES = 2
_RETRY_SECONDS = 2.0
_READ_SECONDS = 25.0
_CHANGE_SECONDS = 600.0

# Words stay in the row as they are: a search looks into those of thousands of rows.
_TABLES: LiteralString = """
CREATE EXTENSION IF NOT EXISTS vector;
CREATE TABLE IF NOT EXISTS ragsql.passage_index (key text PRIMARY KEY, value text NOT NULL);
CREATE TABLE IF NOT EXISTS ragsql.passage_tenants (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE, epoch bigint NOT NULL DEFAULT 0,
    chunks bigint NOT NULL DEFAULT 0, length bigint NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS ragsql.passage_documents (
    tenant integer NOT NULL REFERENCES ragsql.passage_tenants, id text NOT NULL, filename text NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE TABLE IF NOT EXISTS ragsql.passages (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant integer NOT NULL, document text NOT NULL,
    length integer NOT NULL, words tsvector NOT NULL, embedding vector(%s) NOT NULL, payload bytea NOT NULL,
    FOREIGN KEY (tenant, document) REFERENCES ragsql.passage_documents ON DELETE CASCADE
);
ALTER TABLE ragsql.passages SET (toast_tuple_target = 8160), ALTER COLUMN words SET STORAGE EXTERNAL;
CREATE TABLE IF NOT EXISTS ragsql.passage_terms (
    tenant integer NOT NULL, term text NOT NULL, chunks integer NOT NULL, PRIMARY KEY (tenant, term)
);
CREATE INDEX IF NOT EXISTS passages_document ON ragsql.passages (tenant, document);
CREATE INDEX IF NOT EXISTS passages_words ON ragsql.passages USING gin (words);
CREATE INDEX IF NOT EXISTS passages_embedding ON ragsql.passages USING hnsw (embedding vector_cosine_ops);
"""

# It divides by zero when no row says so: an error needs no round trip of its own to be seen.
_SAME_INDEX = "SELECT 1 / count(*) FROM ragsql.passage_index WHERE key = 'store_id' AND value = %s"


class PgVectorServer:
    """Transactions on the server at url. Nothing is kept in a session, so a pooler may stand between.

    connections bounds those of this process. Raises NotConfigured for a wrong password, a server without pgvector, or
    tables made with another embedding model, Overloaded when all connections stay busy, and UpstreamUnavailable when
    the server fails; it is then asked again once in two seconds.
    """

    def __init__(self, url: str, identity: Identity, schema: str, connections: int) -> None:
        self._url = url
        self.turns = Turns(connections)
        self._identity = identity
        self._schema = schema
        self._idle: LifoQueue[BoundedConnection] = LifoQueue()
        self._opening = threading.Lock()
        self._circuit = Circuit(_FAILURES, _RETRY_SECONDS)
        self.store_id = ""

    def sql(self, statement: str) -> bytes:
        """A statement that names the schema ragsql, for the schema of this server."""
        return in_schema(statement, self._schema)

    def guard(self, connection: Connection) -> None:
        """Inside a transaction: run raises NotConfigured when another model's index has taken this one's place."""
        connection.execute(self.sql(_SAME_INDEX), (self.store_id,))

    def run(self, running: Running, work: Callable[[Connection], T]) -> T:
        """What work returns on a connection outside of a transaction. It is called again if the connection was dead.

        The connection is autocommit; work begins and ends its transaction itself. Cancelling running stops it.
        """
        with self.turns.turn(running.asked):
            return self._run(running, work, _READ_SECONDS)

    def change(self, work: Callable[[Connection], T]) -> T:
        """Likewise, when it is the caller's turn among those who change passages. Nothing stops it."""
        with self.turns.writing() as asked, self.turns.turn(asked):
            return self._run(Running(), work, _CHANGE_SECONDS)

    def close(self) -> None:
        """Close the connections that are not in use."""
        close_idle(self._idle)

    def _run(self, running: Running, work: Callable[[Connection], T], longest: float) -> T:
        """A server that is silent for longest seconds is taken for dead."""
        import psycopg

        if not self._circuit.may_call():
            raise UpstreamUnavailable(
                "The PostgreSQL server of passages did not answer just now and is asked again in a moment. "
                "Check RAGSQL_VECTORS_URL and the server."
            )
        begun = self._circuit.clock()
        try:
            try:
                result = self._work(running, work, longest)
            except psycopg.OperationalError as error:
                if error.sqlstate and not error.sqlstate.startswith(("57P", "08")):
                    raise
                self.close()  # the others are as old as this one
                result = self._work(running, work, longest)
            except psycopg.errors.DivisionByZero:
                self.close()
                self.store_id = ""
                result = self._work(running, work, longest)
        except psycopg.Error as error:
            told = as_domain_error(error, self._url)
            stopped = running.cancelled and isinstance(error, psycopg.errors.QueryCanceled)
            if isinstance(error, psycopg.OperationalError) and not stopped and not isinstance(told, Overloaded):
                self._circuit.failed(begun)
            raise told from error
        self._circuit.succeeded()
        return result

    def _work(self, running: Running, work: Callable[[Connection], T], longest: float) -> T:
        with self._connection() as connection, running.on(connection):
            connection.longest = longest
            return work(connection)

    @contextmanager
    def _connection(self) -> Generator[BoundedConnection]:
        connection = self._take()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self._idle.put(connection)

    def _take(self) -> BoundedConnection:
        try:
            return self._idle.get_nowait()
        except Empty:
            connection = connect(self._url)
        with self._opening:
            if not self.store_id:
                try:
                    self.store_id = self._prepare(connection)
                except BaseException:
                    connection.close()
                    raise
        return connection

    def _prepare(self, connection: Connection) -> str:
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (SETUP_LOCK,))
            stored = read_index(connection, self._schema)
            if stored is None:
                self._make_schema(connection)
                for statement in (_TABLES % self._identity.dimension).split(";"):
                    if statement.strip():
                        connection.execute(self.sql(statement))
                stored = {"schema_version": str(_SCHEMA_VERSION), "store_id": uuid.uuid4().hex}
                stored |= self._identity.fields()
                insert = self.sql("INSERT INTO ragsql.passage_index VALUES (%s, %s)")
                connection.cursor().executemany(insert, list(stored.items()))
        if int(stored["schema_version"]) > _SCHEMA_VERSION:
            raise newer(_PLACE, _SETTING)
        self._identity.check(stored, _PLACE, _SETTING)
        return stored["store_id"]

    def _make_schema(self, connection: Connection) -> None:
        """One that an owner has made for a user who may not is taken as it is."""
        made: Any = connection.execute("SELECT to_regnamespace(%s)", (self._schema,)).fetchone()
        if made[0] is None:
            connection.execute(f"CREATE SCHEMA {self._schema}".encode())


def connect(url: str) -> BoundedConnection:
    """A connection that commits every statement outside of a transaction. Raises what psycopg raises."""
    from service.adapters import postgres_connection

    return postgres_connection.connect(conninfo(url, _SETTING), _CHANGE_SECONDS)


def in_schema(statement: str, schema: str) -> bytes:
    """A statement that names the schema ragsql, for another one."""
    return statement.replace("ragsql.", f"{schema}.").encode()


def read_index(connection: Connection, schema: str) -> dict[str, str] | None:
    """What is stored about the index in a schema, None when there is none."""
    made = connection.execute("SELECT to_regclass(%s)", (f"{schema}.passage_index",)).fetchone()
    if made is None or made[0] is None:
        return None
    rows: list[Any] = connection.execute(in_schema("SELECT key, value FROM ragsql.passage_index", schema)).fetchall()
    return dict(rows)


def as_domain_error(error: Error, url: str) -> RagsqlError:
    """What an error of psycopg means here."""
    import psycopg

    if isinstance(error, psycopg.errors.UndefinedFile | psycopg.errors.FeatureNotSupported):
        return NotConfigured("The server at RAGSQL_VECTORS_URL does not have the extension pgvector. Install it there.")
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return NotConfigured(
            "The user of RAGSQL_VECTORS_URL may not make tables. As an owner, run CREATE EXTENSION vector and "
            "CREATE SCHEMA ragsql (and ragsql_next for `ragsql reindex`), and grant the user all on that schema."
        )
    if isinstance(error, psycopg.errors.QueryCanceled):
        return UpstreamUnavailable("The PostgreSQL server of passages took too long. Try again.")
    return connection_error(error, "PostgreSQL database of passages", _SETTING, url) or UpstreamUnavailable(
        "The PostgreSQL server of passages cannot be used. Check RAGSQL_VECTORS_URL and the server."
    )
