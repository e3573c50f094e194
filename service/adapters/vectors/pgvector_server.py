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
from service.adapters.postgres_errors import connection_error
from service.domain import terms
from service.errors import NotConfigured, RagsqlError, UpstreamUnavailable

if TYPE_CHECKING:
    import psycopg
    from psycopg import Connection

T = TypeVar("T")

_SCHEMA_VERSION = 1
_SETTING = "RAGSQL_VECTORS_URL"
_FAILURES = 2
_RETRY_SECONDS = 2.0
_LONGEST_SECONDS = 600.0

# Words stay in the row as they are: a search looks into those of thousands of rows.
_TABLES: LiteralString = """
CREATE EXTENSION IF NOT EXISTS vector;
CREATE SCHEMA IF NOT EXISTS ragsql;
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


class PgVectorServer:
    """Transactions on the server at url. Nothing is kept in a session, so a pooler may stand between.

    Raises NotConfigured for a wrong password, a server without pgvector, or tables made with another embedding model,
    and UpstreamUnavailable when the server fails; it is then asked again once in two seconds.
    """

    def __init__(self, url: str, model: str, dimension: int) -> None:
        self._url = url
        self._dimension = dimension
        self._identity = {"model": model, "dimension": str(dimension), "terms_version": str(terms.VERSION)}
        self._idle: LifoQueue[Connection] = LifoQueue()
        self._opening = threading.Lock()
        self._circuit = Circuit(_FAILURES, _RETRY_SECONDS)
        self.store_id = ""

    def run(self, work: Callable[[Connection], T]) -> T:
        """What work returns on a connection outside of a transaction. It is called again if the connection was dead.

        The connection is autocommit; work begins and ends its transaction itself.
        """
        import psycopg

        if not self._circuit.may_call():
            raise UpstreamUnavailable(
                "The PostgreSQL server of passages did not answer just now and is asked again in a moment. "
                "Check RAGSQL_VECTORS_URL and the server."
            )
        begun = self._circuit.clock()
        try:
            try:
                result = self._work(work)
            except psycopg.OperationalError as error:
                if error.sqlstate and not error.sqlstate.startswith(("57P", "08")):
                    raise
                self.close()  # the others are as old as this one
                result = self._work(work)
        except psycopg.Error as error:
            if isinstance(error, psycopg.OperationalError):
                self._circuit.failed(begun)
            raise _as_domain_error(error, self._url) from error
        self._circuit.succeeded()
        return result

    def close(self) -> None:
        """Close the connections that are not in use."""
        while True:
            try:
                self._idle.get_nowait().close()
            except Empty:
                return

    def _work(self, work: Callable[[Connection], T]) -> T:
        with self._connection() as connection:
            return work(connection)

    @contextmanager
    def _connection(self) -> Generator[Connection]:
        connection = self._take()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self._idle.put(connection)

    def _take(self) -> Connection:
        try:
            return self._idle.get_nowait()
        except Empty:
            connection = self._connect()
        with self._opening:
            if not self.store_id:
                try:
                    self.store_id = self._prepare(connection)
                except BaseException:
                    connection.close()
                    raise
        return connection

    def _connect(self) -> Connection:
        from service.adapters.postgres_connection import connect

        return connect(conninfo(self._url, _SETTING), _LONGEST_SECONDS)

    def _prepare(self, connection: Connection) -> str:
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (SETUP_LOCK,))
            made = connection.execute("SELECT to_regclass('ragsql.passage_index')").fetchone()
            if made is None or made[0] is None:
                for statement in (_TABLES % self._dimension).split(";"):
                    if statement.strip():
                        connection.execute(statement.encode())
                fresh = {"schema_version": str(_SCHEMA_VERSION), "store_id": uuid.uuid4().hex} | self._identity
                connection.cursor().executemany("INSERT INTO ragsql.passage_index VALUES (%s, %s)", list(fresh.items()))
            rows: list[Any] = connection.execute("SELECT key, value FROM ragsql.passage_index").fetchall()
        stored: dict[str, str] = dict(rows)
        self._check_identity(stored)
        return stored["store_id"]

    def _check_identity(self, stored: dict[str, str]) -> None:
        if int(stored["schema_version"]) > _SCHEMA_VERSION or int(stored["terms_version"]) > terms.VERSION:
            raise NotConfigured(
                "The passages at RAGSQL_VECTORS_URL were written by a newer version of ragsql. Upgrade, or set it to "
                "another database."
            )
        if any(stored[key] != self._identity[key] for key in ("model", "dimension")):
            raise NotConfigured(
                f"The passages at RAGSQL_VECTORS_URL were stored with the embedding model {stored['model']} of "
                f"{stored['dimension']} dimensions, but the service now embeds with {self._identity['model']} of "
                f"{self._identity['dimension']}. Set RAGSQL_EMBEDDER back, or set RAGSQL_VECTORS_URL to another "
                "database and upload the documents again."
            )


def _as_domain_error(error: psycopg.Error, url: str) -> RagsqlError:
    import psycopg

    if isinstance(error, psycopg.errors.UndefinedFile | psycopg.errors.FeatureNotSupported):
        return NotConfigured("The server at RAGSQL_VECTORS_URL does not have the extension pgvector. Install it there.")
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return NotConfigured(
            "The user of RAGSQL_VECTORS_URL may not make tables. As an owner, run CREATE EXTENSION vector and "
            "CREATE SCHEMA ragsql, and grant the user all on that schema."
        )
    if isinstance(error, psycopg.errors.QueryCanceled):
        return UpstreamUnavailable("The PostgreSQL server of passages took too long. Try again.")
    return connection_error(error, "PostgreSQL database of passages", _SETTING, url) or UpstreamUnavailable(
        "The PostgreSQL server of passages cannot be used. Check RAGSQL_VECTORS_URL and the server."
    )
