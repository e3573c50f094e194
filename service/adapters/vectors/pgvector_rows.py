"""The rows of the pgvector tables. Every function runs inside a transaction of the caller.

Statements name the schema ragsql; sql is PgVectorServer.sql, which puts the schema of the server there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from service.adapters.vectors import codec
from service.adapters.vectors.epochs import step

if TYPE_CHECKING:
    from psycopg import Cursor

    from service.domain.documents import Document
    from service.ports import EmbeddedChunk, StoredChunks, Vectors

    Sql = Callable[[str], bytes]
    Prepared = tuple[EmbeddedChunk, bytes, Counter[str]]

MAX_TIMES = 255
_TIMEOUT = "SELECT set_config('statement_timeout', '300000', true)"

_REMOVE = """
WITH gone AS (
    DELETE FROM ragsql.passages WHERE tenant = %(tenant)s AND document = ANY(%(documents)s) RETURNING length, words
), counted AS (
    SELECT u.lexeme, count(*) AS chunks FROM gone, unnest(gone.words) u GROUP BY u.lexeme
), fewer AS (
    UPDATE ragsql.passage_terms t SET chunks = t.chunks - c.chunks FROM counted c
    WHERE t.tenant = %(tenant)s AND t.term = c.lexeme
)
UPDATE ragsql.passage_tenants t SET chunks = t.chunks - g.chunks, length = t.length - g.length
FROM (SELECT count(*) AS chunks, coalesce(sum(length), 0) AS length FROM gone) g WHERE t.id = %(tenant)s
"""
_FILENAME = """
SELECT d.filename FROM ragsql.passage_documents d JOIN ragsql.passage_tenants t ON t.id = d.tenant
WHERE t.name = %(name)s AND d.id = %(document)s
"""
_CHUNKS = """
SELECT p.payload, p.embedding::text FROM ragsql.passages p JOIN ragsql.passage_tenants t ON t.id = p.tenant
WHERE t.name = %(name)s AND p.document = %(document)s ORDER BY p.id
"""
_COUNT_TERMS = """
INSERT INTO ragsql.passage_terms (tenant, term, chunks)
SELECT %s, * FROM unnest(%s::text[], %s::integer[])
ON CONFLICT (tenant, term) DO UPDATE SET chunks = ragsql.passage_terms.chunks + excluded.chunks
"""


def begin(cursor: Cursor, sql: Sql, name: str) -> int:
    """The tenant's id. Its other writers wait until this transaction ends."""
    cursor.execute(_TIMEOUT)
    cursor.execute(sql("INSERT INTO ragsql.passage_tenants (name) VALUES (%s) ON CONFLICT DO NOTHING"), (name,))
    own = sql("SELECT id FROM ragsql.passage_tenants WHERE name = %s FOR UPDATE")
    found: Any = cursor.execute(own, (name,)).fetchone()
    return found[0]


def read(cursor: Cursor, sql: Sql, name: str, document_id: str) -> StoredChunks | None:
    """The chunks of a document with their vectors, None when it is not here."""
    import numpy as np

    from service.ports import EmbeddedChunk, StoredChunks

    place = {"name": name, "document": document_id}
    head: Any = cursor.execute(sql(_FILENAME), place).fetchone()
    if head is None:
        return None
    found = cursor.execute(sql(_CHUNKS), place).fetchall()
    chunks = (
        EmbeddedChunk(codec.decode_chunk(payload), np.fromstring(vector[1:-1], np.float32, sep=","))
        for payload, vector in found
    )
    return StoredChunks(head[0], tuple(chunks))


def remove(cursor: Cursor, sql: Sql, tenant: int, documents: Sequence[str]) -> int:
    """Forget documents and say how many of them were here."""
    cursor.execute(sql(_REMOVE), {"tenant": tenant, "documents": list(documents)})
    gone = sql("DELETE FROM ragsql.passage_documents WHERE tenant = %s AND id = ANY(%s)")
    cursor.execute(gone, (tenant, list(documents)))
    return cursor.rowcount


def forget(cursor: Cursor, sql: Sql, name: str) -> None:
    """Remove a tenant with all its documents, if it is here."""
    tenant = begin(cursor, sql, name)
    for table, column in (("passage_documents", "tenant"), ("passage_terms", "tenant"), ("passage_tenants", "id")):
        cursor.execute(sql(f"DELETE FROM ragsql.{table} WHERE {column} = %s"), (tenant,))


def insert(cursor: Cursor, sql: Sql, tenant: int, document: Document, chunks: Sequence[Prepared]) -> None:
    """Add a document that is not here. Each chunk comes with its payload and its counted terms."""
    cursor.execute(
        sql("INSERT INTO ragsql.passage_documents (tenant, id, filename) VALUES (%s, %s, %s)"),
        (tenant, document.id, document.filename),
    )
    frequencies = Counter(f"{tenant}:{term}" for _, _, counted in chunks for term in counted)
    copy = sql("COPY ragsql.passages (tenant, document, length, words, embedding, payload) FROM STDIN")
    with cursor.copy(copy) as rows:
        for embedded, payload, counted in chunks:
            words, length = _words(tenant, counted), counted.total()
            rows.write_row((tenant, document.id, length, words, literal(embedded.vector), payload))
    cursor.execute(sql(_COUNT_TERMS), (tenant, list(frequencies), list(frequencies.values())))
    cursor.execute(
        sql("UPDATE ragsql.passage_tenants SET chunks = chunks + %s, length = length + %s WHERE id = %s"),
        (len(chunks), sum(counted.total() for _, _, counted in chunks), tenant),
    )


def touch(cursor: Cursor, sql: Sql, tenant: int) -> None:
    """Begin a new epoch, later by a random step: after a backup was put back, none begins that was there before."""
    later = "UPDATE ragsql.passage_tenants SET epoch = epoch + %s WHERE id = %s"
    cursor.execute(sql(later), (step(), tenant))


def literal(vector: Vectors) -> str:
    """A vector as pgvector reads it."""
    return "[" + ",".join(map(repr, vector.tolist())) + "]"


def _words(tenant: int, counted: Counter[str]) -> str:
    """A tsvector, whose positions say only how often a word occurs. The tenant is part of every word: the index of
    words is then as good as one of its own. Words are letters, digits and marks, so that nothing is to be escaped.
    """
    return " ".join(
        f"'{tenant}:{term}':" + ",".join(str(place) for place in range(1, min(times, MAX_TIMES) + 1))
        for term, times in counted.items()
    )
