"""The rows of the index file. Every function runs inside a transaction of the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from service.adapters.vectors.epochs import step
from service.adapters.vectors.lexical import LexicalIndex

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from service.domain.documents import Document
    from service.ports import EmbeddedChunk, StoredChunks


class Tenant(NamedTuple):
    """A tenant's row. id and epoch are 0 when nothing was ever stored for it."""

    id: int
    epoch: int
    chunk_count: int


def find_tenant(connection: sqlite3.Connection, name: str) -> Tenant:
    """The tenant's row as the transaction sees it."""
    row = connection.execute("SELECT id, epoch, chunk_count FROM tenants WHERE name = ?", (name,)).fetchone()
    return Tenant(*row) if row else Tenant(0, 0, 0)


def add_tenant(connection: sqlite3.Connection, name: str) -> int:
    """Make a tenant and return its id. Its epochs are later than those of every tenant that was forgotten."""
    found = connection.execute("SELECT value FROM meta WHERE key = 'last_epoch'").fetchone()
    new = "INSERT INTO tenants (name, epoch, chunk_count) VALUES (?, ?, 0)"
    tenant = connection.execute(new, (name, int(found[0]) if found else 0)).lastrowid
    assert tenant
    LexicalIndex.create(connection, tenant)
    return tenant


def forget(connection: sqlite3.Connection, name: str) -> None:
    """Remove a tenant with all its documents, if it is here."""
    tenant = find_tenant(connection, name)
    if not tenant.id:
        return
    for document_id in document_ids(connection, tenant.id):
        remove(connection, tenant.id, document_id)
    LexicalIndex.drop(connection, tenant.id)
    connection.execute("DELETE FROM tenants WHERE id = ?", (tenant.id,))
    connection.execute(
        "INSERT INTO meta VALUES ('last_epoch', ?1) ON CONFLICT (key) DO UPDATE SET value = ?1 "
        "WHERE CAST(value AS INTEGER) < CAST(?1 AS INTEGER)",
        (str(tenant.epoch),),
    )


def document_ids(connection: sqlite3.Connection, tenant: int) -> list[str]:
    """The documents that are here."""
    found = connection.execute("SELECT document_id FROM documents WHERE tenant = ?", (tenant,))
    return [document_id for (document_id,) in found]


def read(connection: sqlite3.Connection, tenant: int, document_id: str) -> StoredChunks | None:
    """The chunks of a document with their vectors, None when it is not here."""
    import numpy as np

    from service.adapters.vectors import codec
    from service.ports import EmbeddedChunk, StoredChunks

    row = connection.execute(
        "SELECT filename, first_chunk, chunk_count, vectors FROM documents WHERE tenant = ? AND document_id = ?",
        (tenant, document_id),
    ).fetchone()
    if not row:
        return None
    filename, first, count, content = row
    found = connection.execute(
        "SELECT payload FROM chunks WHERE id >= ? AND id < ? ORDER BY id", (first, first + count)
    )
    vectors = np.frombuffer(content, np.float32).reshape(count, -1) if count else ()
    chunks = (codec.decode_chunk(payload) for (payload,) in found)
    return StoredChunks(filename, tuple(EmbeddedChunk(*pair) for pair in zip(chunks, vectors, strict=True)))


def touch(connection: sqlite3.Connection, tenant: int, growth: int) -> None:
    """Begin a new epoch with so many chunks more.

    It is later by a random step: after a backup was put back, no change begins an epoch that another began before.
    """
    connection.execute(
        "UPDATE tenants SET epoch = epoch + ?, chunk_count = chunk_count + ? WHERE id = ?",
        (step(), growth, tenant),
    )


def remove(connection: sqlite3.Connection, tenant: int, document_id: str) -> int | None:
    """Forget a document and say how many chunks it had, None when it is not here."""
    row = connection.execute(
        "SELECT id, first_chunk, chunk_count FROM documents WHERE tenant = ? AND document_id = ?", (tenant, document_id)
    ).fetchone()
    if not row:
        return None
    key, first, count = row
    LexicalIndex.remove(connection, tenant, first, count)
    connection.execute("DELETE FROM chunks WHERE id >= ? AND id < ?", (first, first + count))
    connection.execute("DELETE FROM documents WHERE id = ?", (key,))
    return count


def insert(connection: sqlite3.Connection, tenant: int, document: Document, chunks: Sequence[EmbeddedChunk]) -> None:
    """Add a document that is not here yet."""
    import numpy as np

    from service.adapters.vectors import codec

    first = int(connection.execute("SELECT value FROM meta WHERE key = 'next_chunk'").fetchone()[0])
    connection.execute("UPDATE meta SET value = ? WHERE key = 'next_chunk'", (str(first + len(chunks)),))
    vectors = b"".join(np.asarray(embedded.vector, np.float32).tobytes() for embedded in chunks)
    key = connection.execute(
        "INSERT INTO documents (tenant, document_id, filename, first_chunk, chunk_count, vectors) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (tenant, document.id, document.filename, first, len(chunks), vectors),
    ).lastrowid
    connection.executemany(
        "INSERT INTO chunks (id, document, payload) VALUES (?, ?, ?)",
        ((first + i, key, codec.encode_chunk(embedded.chunk)) for i, embedded in enumerate(chunks)),
    )
    texts = ((first + i, "\n".join((*e.chunk.headings, e.chunk.text))) for i, e in enumerate(chunks))
    LexicalIndex.add(connection, tenant, texts)
