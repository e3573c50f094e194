"""An index of another embedding model beside the one that serves, in a schema of its own.

Its vectors may have another length, so its tables are others: that they change places is the switch.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from service.adapters.vectors.identity import Identity
from service.adapters.vectors.pgvector import PgVectorStore
from service.adapters.vectors.pgvector_server import SCHEMA, as_domain_error, connect, read_index
from service.errors import UpstreamUnavailable

if TYPE_CHECKING:
    from psycopg import Connection

T = TypeVar("T")

_NEXT = "ragsql_next"
_TABLES = ("passage_index", "passage_terms", "passages", "passage_documents", "passage_tenants")
# Shorter than the second after which PostgreSQL looks for deadlocks: who waits gives way before a search is ended.
_LOCK = "SELECT set_config('lock_timeout', '200', true)"
_SECONDS = 60.0


class PgVectorRebuild:
    """See IndexRebuild."""

    def __init__(self, url: str, identity: Identity) -> None:
        self._identity = identity
        self._url = url
        stored = self._run(lambda connection: read_index(connection, SCHEMA))
        made_by = Identity.of(stored) if stored else identity
        self.model, self.dimension, self.needed = made_by.model, made_by.dimension, made_by != identity
        self._store_id = stored["store_id"] if stored else ""
        if self.needed:
            self._run(self._begin)
        self.serving = PgVectorStore(url, made_by.model, made_by.dimension)
        self.next = PgVectorStore(url, identity.model, identity.dimension, schema=_NEXT)

    async def switch(self, epochs: Mapping[str, str]) -> bool:
        """See IndexRebuild. One transaction that no search and no change can see the middle of.

        Raises UpstreamUnavailable when others do not let go of the tables for a minute.
        """
        return await asyncio.to_thread(self._switch, epochs)

    async def tidy(self) -> None:
        """See IndexRebuild. What has served before went with the switch."""
        await asyncio.to_thread(self._run, _drop_next)

    def close(self) -> None:
        """See IndexRebuild."""
        self.serving.close()
        self.next.close()

    def _run(self, work: Callable[[Connection], T]) -> T:
        from psycopg import Error, errors

        try:
            with connect(self._url) as connection:
                return work(connection)
        except errors.LockNotAvailable:
            raise
        except Error as error:
            raise as_domain_error(error, self._url) from error

    def _begin(self, connection: Connection) -> None:
        """Drop what a rebuild for another model has left."""
        left = read_index(connection, _NEXT)
        if left and Identity.of(left) != self._identity:
            _drop_next(connection)

    def _switch(self, epochs: Mapping[str, str]) -> bool:
        from psycopg import errors

        until = time.monotonic() + _SECONDS
        while True:
            try:
                return self._run(lambda connection: self._exchange(connection, epochs))
            except errors.LockNotAvailable:
                if time.monotonic() > until:
                    raise UpstreamUnavailable(
                        "The tables of passages are in use all the time. Run `ragsql reindex` again when fewer ask."
                    ) from None
                time.sleep(0.05)

    def _exchange(self, connection: Connection, epochs: Mapping[str, str]) -> bool:
        with connection.transaction():
            connection.execute(_LOCK)
            every = ", ".join(f"ragsql.{table}" for table in _TABLES)
            connection.execute(f"LOCK TABLE {every} IN ACCESS EXCLUSIVE MODE".encode())
            found: list[Any] = connection.execute("SELECT name, epoch, chunks FROM ragsql.passage_tenants").fetchall()
            if any(chunks and epochs.get(name) != f"{self._store_id}.{epoch}" for name, epoch, chunks in found):
                return False
            connection.execute(f"DROP TABLE {every}".encode())
            for table in _TABLES:
                connection.execute(f"ALTER TABLE {_NEXT}.{table} SET SCHEMA ragsql".encode())
        return True


def _drop_next(connection: Connection) -> None:
    """Drop the tables, and the schema unless somebody else has made it for us."""
    from psycopg import errors

    every = ", ".join(f"{_NEXT}.{table}" for table in _TABLES)
    connection.execute(f"DROP TABLE IF EXISTS {every}".encode())
    with suppress(errors.InsufficientPrivilege):
        connection.execute(f"DROP SCHEMA IF EXISTS {_NEXT}".encode())
