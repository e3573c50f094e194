"""The PostgreSQL server of records, directly or through a session pooler. The tables have a schema of their own."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from service.adapters.postgres_address import TURN_SECONDS, conninfo
from service.adapters.postgres_errors import connection_error, no_turn
from service.errors import NotConfigured, RagsqlError, UpstreamUnavailable

if TYPE_CHECKING:
    import psycopg
    from sqlalchemy import Connection, Engine

SCHEMA = "ragsql"
_SETTING = "RAGSQL_RECORDS_URL"
_SERVER = "database of records"
_LONGER_SECONDS = 10.0
# One round trip. A session pooler drops settings given at connection time, so they are set here, for here.
_BEGIN = (
    "BEGIN ISOLATION LEVEL {mode}; SET LOCAL search_path = ragsql; SET LOCAL statement_timeout = '{seconds:g}s'; "
    "SET LOCAL lock_timeout = '10s'; SET LOCAL idle_in_transaction_session_timeout = '60s'"
)


class Conflict(UpstreamUnavailable):
    """Two transactions stood in each other's way and this one was taken back whole. It may be tried again."""


class PostgresServer:
    """The server at url, as libpq takes it. connections bounds those of this process, seconds each statement."""

    name = "postgresql"

    def __init__(self, url: str, connections: int, seconds: float) -> None:
        self._url = url
        self._connections = connections
        self._seconds = seconds
        self._turns = threading.BoundedSemaphore(connections)

    @contextmanager
    def turn(self, asked: float) -> Generator[None]:
        """While this lasts there is a connection for the caller, who began to wait at asked. Raises Overloaded."""
        if not self._turns.acquire(timeout=max(0.0, asked + TURN_SECONDS - time.monotonic())):
            raise no_turn(_SERVER, self._connections)
        try:
            yield
        finally:
            self._turns.release()

    def engine(self) -> Engine:
        """An engine that connects on use. Raises NotConfigured for an address that cannot be used."""
        from sqlalchemy import create_engine, event

        from service.adapters.records.postgres_text import connect_for_text

        words = conninfo(self._url, _SETTING)
        engine = create_engine(
            "postgresql+psycopg://",
            creator=lambda: connect_for_text(words, self._seconds + _LONGER_SECONDS),
            pool_size=self._connections,
            max_overflow=0,
            pool_use_lifo=True,
            use_native_hstore=False,
        )
        event.listen(engine, "begin", self._begin)
        return engine

    def told(self, error: Exception) -> RagsqlError:
        """The error in words that name the setting."""
        import psycopg

        cause = getattr(error, "orig", None)
        if not isinstance(cause, psycopg.Error):
            return UpstreamUnavailable(f"The {_SERVER} does not work. Check {_SETTING} and the server.")
        return connection_error(cause, _SERVER, _SETTING, self._url) or _refusal(cause)

    def _begin(self, connection: Connection) -> None:
        write = connection.get_execution_options()["ragsql_write"]
        mode = "READ COMMITTED READ WRITE" if write else "REPEATABLE READ READ ONLY"
        connection.exec_driver_sql(_BEGIN.format(mode=mode, seconds=self._seconds))


def _refusal(error: psycopg.Error) -> RagsqlError:
    match error.sqlstate:
        case "40001" | "40P01":
            return Conflict(f"The {_SERVER} had two changes stand in each other's way. Try again.")
        case "55P03" | "57014":
            return UpstreamUnavailable(f"The {_SERVER} took too long, or others hold what is wanted. Try again.")
        case "25006":
            return NotConfigured(
                f"The {_SERVER} can only be read. Set {_SETTING} to its primary and to a user who writes."
            )
        case "42501":
            return NotConfigured(
                f"The user of {_SETTING} may not make or use the tables. As an owner, run "
                f"CREATE SCHEMA {SCHEMA}, and make the user its owner."
            )
        case _:
            return UpstreamUnavailable(
                f"The {_SERVER} refused what it was asked ({error.sqlstate}). See the server's log."
            )
