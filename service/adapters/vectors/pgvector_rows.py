"""The rows of the pgvector tables. Every function runs inside a transaction of the caller."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from psycopg import Cursor

    from service.domain.documents import Document
    from service.ports import EmbeddedChunk, Vectors

    Prepared = tuple[EmbeddedChunk, bytes, Counter[str]]

_MAX_TIMES = 255
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
_COUNT_TERMS = """
INSERT INTO ragsql.passage_terms (tenant, term, chunks)
SELECT %s, * FROM unnest(%s::text[], %s::integer[])
ON CONFLICT (tenant, term) DO UPDATE SET chunks = ragsql.passage_terms.chunks + excluded.chunks
"""


def begin(cursor: Cursor, name: str) -> int:
    """The tenant's id. Its other writers wait until this transaction ends."""
    cursor.execute(_TIMEOUT)
    cursor.execute("INSERT INTO ragsql.passage_tenants (name) VALUES (%s) ON CONFLICT DO NOTHING", (name,))
    found: Any = cursor.execute("SELECT id FROM ragsql.passage_tenants WHERE name = %s FOR UPDATE", (name,)).fetchone()
    return found[0]


def remove(cursor: Cursor, tenant: int, documents: Sequence[str]) -> int:
    """Forget documents and say how many of them were here."""
    cursor.execute(_REMOVE, {"tenant": tenant, "documents": list(documents)})
    cursor.execute("DELETE FROM ragsql.passage_documents WHERE tenant = %s AND id = ANY(%s)", (tenant, list(documents)))
    return cursor.rowcount


def insert(cursor: Cursor, tenant: int, document: Document, chunks: Sequence[Prepared]) -> None:
    """Add a document that is not here. Each chunk comes with its payload and its counted terms."""
    cursor.execute(
        "INSERT INTO ragsql.passage_documents (tenant, id, filename) VALUES (%s, %s, %s)",
        (tenant, document.id, document.filename),
    )
    frequencies = Counter(f"{tenant}:{term}" for _, _, counted in chunks for term in counted)
    copy = "COPY ragsql.passages (tenant, document, length, words, embedding, payload) FROM STDIN"
    with cursor.copy(copy) as rows:
        for embedded, payload, counted in chunks:
            words, length = _words(tenant, counted), counted.total()
            rows.write_row((tenant, document.id, length, words, literal(embedded.vector), payload))
    cursor.execute(_COUNT_TERMS, (tenant, list(frequencies), list(frequencies.values())))
    cursor.execute(
        "UPDATE ragsql.passage_tenants SET chunks = chunks + %s, length = length + %s WHERE id = %s",
        (len(chunks), sum(counted.total() for _, _, counted in chunks), tenant),
    )


def touch(cursor: Cursor, tenant: int) -> None:
    """Begin a new epoch."""
    cursor.execute("UPDATE ragsql.passage_tenants SET epoch = epoch + 1 WHERE id = %s", (tenant,))


def literal(vector: Vectors) -> str:
    """A vector as pgvector reads it."""
    return "[" + ",".join(map(repr, vector.tolist())) + "]"


def _words(tenant: int, counted: Counter[str]) -> str:
    """A tsvector, whose positions say only how often a word occurs. The tenant is part of every word: the index of
    words is then as good as one of its own. Words are letters, digits and marks, so that nothing is to be escaped.
    """
    return " ".join(
        f"'{tenant}:{term}':" + ",".join(str(place) for place in range(1, min(times, _MAX_TIMES) + 1))
        for term, times in counted.items()
    )
