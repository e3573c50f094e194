"""Chunks in PostgreSQL: pgvector for meaning, tsvector for words, fused in one statement."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from service.adapters.postgres_address import CONNECTIONS
from service.adapters.vectors import codec
from service.adapters.vectors import pgvector_rows as rows
from service.adapters.vectors.identity import Identity
from service.adapters.vectors.pgvector_search import EXACT_UP_TO, occurrence_ranks, search_statement
from service.adapters.vectors.pgvector_server import SCHEMA, PgVectorServer
from service.domain.documents import Passage
from service.domain.health import ComponentHealth, HealthStatus
from service.domain.terms import terms
from service.errors import RagsqlError

if TYPE_CHECKING:
    from psycopg import Connection

    from service.adapters.postgres_cancel import Running
    from service.adapters.vectors.pgvector_rebuild import PgVectorRebuild
    from service.domain.caller import Caller
    from service.domain.documents import Document
    from service.ports import EmbeddedChunk, StoredChunks, Vectors

_MIN_CANDIDATES = 100
_SEARCH_SETTINGS = (
    "SELECT set_config('statement_timeout', '15000', true), set_config('jit', 'off', true), "
    "set_config('hnsw.ef_search', '200', true), set_config('hnsw.iterative_scan', 'strict_order', true), "
    "set_config('hnsw.max_scan_tuples', '100000', true)"
)


class PgVectorStore:
    """A VectorStore in the schema ragsql of a PostgreSQL database with pgvector. Many processes may share it.

    model and dimension are those of the embedder; tables that were made with others raise NotConfigured. A tenant's
    search is exact up to exact_up_to chunks and uses the HNSW index beyond. connections bounds those of this process.
    """

    def __init__(
        self,
        url: str,
        model: str,
        dimension: int,
        exact_up_to: int = EXACT_UP_TO,
        schema: str = SCHEMA,
        connections: int = CONNECTIONS,
    ) -> None:
        self._url = url
        self._identity = Identity(model, dimension)
        self._server = PgVectorServer(url, self._identity, schema, connections)
        self._exact_up_to = exact_up_to
        self._call = self._server.turns.call
        self._sizes: dict[str, int] = {}

    async def replace(
        self, caller: Caller, document: Document, chunks: Sequence[EmbeddedChunk], replaces: Sequence[str] = ()
    ) -> None:
        """See VectorStore. One transaction."""
        await self._call(self._replace, caller.tenant, document, chunks, replaces)

    async def delete(self, caller: Caller, document_id: str) -> None:
        """See VectorStore."""
        await self._call(self._delete, caller.tenant, document_id)

    async def forget(self, caller: Caller) -> None:
        """See VectorIndex."""
        await self._call(self._forget, caller.tenant)

    async def read(self, caller: Caller, document_id: str) -> StoredChunks | None:
        """See VectorStore."""
        return await self._call(self._read_document, caller.tenant, document_id)

    async def rebuild(self) -> PgVectorRebuild:
        """See VectorStore."""
        from service.adapters.vectors.pgvector_rebuild import PgVectorRebuild

        return await asyncio.to_thread(PgVectorRebuild, self._url, self._identity)

    async def search(
        self, caller: Caller, query: str, vector: Vectors, limit: int, documents: Sequence[str] = ()
    ) -> list[Passage]:
        """See VectorStore."""
        return await self._call(self._search, caller.tenant, query, vector, limit, documents)

    async def count(self, caller: Caller) -> int:
        """See VectorStore."""
        found = await self._read("SELECT chunks FROM ragsql.passage_tenants WHERE name = %s", caller)
        return found[0][0] if found else 0

    async def document_ids(self, caller: Caller) -> list[str]:
        """See VectorStore."""
        of_tenant = (
            "SELECT d.id FROM ragsql.passage_documents d JOIN ragsql.passage_tenants t ON t.id = d.tenant "
            "WHERE t.name = %s"
        )
        return [row[0] for row in await self._read(of_tenant, caller)]

    async def epoch(self, caller: Caller) -> str:
        """See VectorStore."""
        found = await self._read("SELECT epoch FROM ragsql.passage_tenants WHERE name = %s", caller)
        return f"{self._server.store_id}.{found[0][0] if found else 0}"

    async def check(self) -> ComponentHealth:
        """See Checkable."""
        try:
            await self._call(self._server.run, lambda connection: connection.execute("SELECT 1").fetchone())
        except RagsqlError as error:
            return ComponentHealth("vectors", "pgvector", HealthStatus.NOT_SERVING, error.message)
        return ComponentHealth("vectors", "pgvector", HealthStatus.SERVING)

    def close(self) -> None:
        """Close the connections. They open again on use."""
        self._server.close()

    async def _read(self, statement: str, caller: Caller) -> list[Any]:
        def work(connection: Connection) -> list[Any]:
            with connection.pipeline():
                self._server.guard(connection)
                return connection.execute(self._server.sql(statement), (caller.tenant,)).fetchall()

        return await self._call(self._server.run, work)

    def _read_document(self, running: Running, name: str, document_id: str) -> StoredChunks | None:
        def work(connection: Connection) -> StoredChunks | None:
            with connection.transaction(), connection.cursor() as cursor:
                self._server.guard(connection)
                return rows.read(cursor, self._server.sql, name, document_id)

        return self._server.run(running, work)

    def _search(
        self, running: Running, name: str, query: str, vector: Vectors, limit: int, documents: Sequence[str]
    ) -> list[Passage]:
        values = {
            "name": name,
            "terms": list(dict.fromkeys(terms(query))),
            "vector": rows.literal(vector),
            "documents": list(documents),
            "depth": max(_MIN_CANDIDATES, 2 * limit),
            "limit": limit,
            "ranks": occurrence_ranks(),
        }

        exact = bool(documents) or self._sizes.get(name, 0) <= self._exact_up_to
        statement = search_statement(exact=exact, some_documents=bool(documents))

        def work(connection: Connection) -> list[Any]:
            # One round trip. The settings end with the transaction, whichever session a pooler gives it.
            with connection.pipeline():
                connection.execute("BEGIN READ ONLY")
                connection.execute(_SEARCH_SETTINGS)
                self._server.guard(connection)
                result = connection.execute(self._server.sql(statement), values)
                connection.execute("COMMIT")
                return result.fetchall()

        found = self._server.run(running, work)
        if found:
            self._sizes[name] = found[0][-1]
        return [
            Passage(document, filename, codec.decode_chunk(payload), score, dense, lexical)
            for document, filename, payload, score, dense, lexical, _ in found
        ]

    def _replace(
        self, _: Running, name: str, document: Document, chunks: Sequence[EmbeddedChunk], replaces: Sequence[str]
    ) -> None:
        payloads = [codec.encode_chunk(embedded.chunk) for embedded in chunks]
        counted = [Counter(terms("\n".join((*e.chunk.headings, e.chunk.text)))) for e in chunks]
        sql = self._server.sql

        def work(connection: Connection) -> None:
            with connection.transaction(), connection.cursor() as cursor:
                self._server.guard(connection)
                tenant = rows.begin(cursor, sql, name)
                rows.remove(cursor, sql, tenant, [document.id, *replaces])
                rows.insert(cursor, sql, tenant, document, list(zip(chunks, payloads, counted, strict=True)))
                rows.touch(cursor, sql, tenant)

        self._server.change(work)

    def _delete(self, _: Running, name: str, document_id: str) -> None:
        sql = self._server.sql

        def work(connection: Connection) -> None:
            with connection.transaction(), connection.cursor() as cursor:
                self._server.guard(connection)
                tenant = rows.begin(cursor, sql, name)
                if rows.remove(cursor, sql, tenant, [document_id]):
                    rows.touch(cursor, sql, tenant)

        self._server.change(work)

    def _forget(self, _: Running, name: str) -> None:
        def work(connection: Connection) -> None:
            with connection.transaction(), connection.cursor() as cursor:
                self._server.guard(connection)
                rows.forget(cursor, self._server.sql, name)

        self._server.change(work)
