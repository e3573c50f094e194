"""Chunks in one SQLite file: FTS5 for words, cosines over vectors kept in memory for meaning."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from contextlib import contextmanager
from typing import TYPE_CHECKING

from service.adapters.sqlite_commits import UntilCommit
from service.adapters.vectors import dense, rows
from service.adapters.vectors.fusion import Candidate, rank
from service.adapters.vectors.graph import Graphs
from service.adapters.vectors.identity import Identity
from service.adapters.vectors.index_file import IndexFile
from service.adapters.vectors.lexical import LexicalIndex
from service.domain.health import ComponentHealth, HealthStatus
from service.errors import RagsqlError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from service.adapters.vectors.sqlite_rebuild import SqliteRebuild
    from service.domain.caller import Caller
    from service.domain.documents import Document, Passage
    from service.ports import EmbeddedChunk, StoredChunks, Vectors

_MIN_CANDIDATES = 100
_WORDED = 2  # candidates by words for one that is kept: only their scores tell which
_MAX_VIEWS = 64


class SqliteVectorStore:
    """A VectorStore on one machine. Many processes may share the file.

    path is the file, made on first use. model and dimension are those of the embedder; a file that was made with
    others raises NotConfigured. Memory: 4 bytes a dimension and chunk, read on a tenant's first search. A tenant with
    more than exact_up_to chunks gets an approximate index beside that, of about half the size.
    """

    def __init__(self, path: Path, model: str, dimension: int, exact_up_to: int = 300_000) -> None:
        self._path = path
        self._identity = Identity(model, dimension)
        self._file = IndexFile(path, self._identity)
        self._words = LexicalIndex()
        self._views: OrderedDict[str, dense.DenseView] = OrderedDict()
        self._views_lock = threading.Lock()
        self._graphs = Graphs(exact_up_to)
        self._epochs = UntilCommit[str](path)

    async def replace(
        self, caller: Caller, document: Document, chunks: Sequence[EmbeddedChunk], replaces: Sequence[str] = ()
    ) -> None:
        """See VectorStore."""
        await asyncio.to_thread(self._replace, caller.tenant, document, chunks, replaces)

    async def delete(self, caller: Caller, document_id: str) -> None:
        """See VectorStore."""
        await asyncio.to_thread(self._delete, caller.tenant, document_id)

    async def forget(self, caller: Caller) -> None:
        """See VectorIndex."""
        await asyncio.to_thread(self._forget, caller.tenant)

    async def read(self, caller: Caller, document_id: str) -> StoredChunks | None:
        """See VectorStore."""
        return await asyncio.to_thread(self._read, caller.tenant, document_id)

    async def rebuild(self) -> SqliteRebuild:
        """See VectorStore."""
        from service.adapters.vectors.sqlite_rebuild import SqliteRebuild

        return await asyncio.to_thread(SqliteRebuild, self._path, self._identity)

    async def search(
        self, caller: Caller, query: str, vector: Vectors, limit: int, documents: Sequence[str] = ()
    ) -> list[Passage]:
        """See VectorStore."""
        return await asyncio.to_thread(self._search, caller.tenant, query, vector, limit, documents)

    async def count(self, caller: Caller) -> int:
        """See VectorStore."""
        return (await asyncio.to_thread(self._tenant, caller.tenant)).chunk_count

    async def document_ids(self, caller: Caller) -> list[str]:
        """See VectorStore."""
        return await asyncio.to_thread(self._document_ids, caller.tenant)

    async def epoch(self, caller: Caller) -> str:
        """See VectorStore."""
        return await self._epochs.get(caller.tenant, lambda: asyncio.to_thread(self._epoch, caller.tenant))

    async def check(self) -> ComponentHealth:
        """See Checkable."""
        try:
            await asyncio.to_thread(self._tenant, "")
        except RagsqlError as error:
            return ComponentHealth("vectors", "sqlite", HealthStatus.NOT_SERVING, error.message)
        return ComponentHealth("vectors", "sqlite", HealthStatus.SERVING)

    def close(self) -> None:
        """Close the file. It opens again on use."""
        self._graphs.close()
        self._epochs.close()
        self._file.close()

    def _tenant(self, name: str) -> rows.Tenant:
        with self._file.read() as connection:
            return rows.find_tenant(connection, name)

    def _read(self, name: str, document_id: str) -> StoredChunks | None:
        with self._file.read() as connection:
            return rows.read(connection, rows.find_tenant(connection, name).id, document_id)

    def _epoch(self, name: str) -> str:
        epoch = self._tenant(name).epoch
        return f"{self._file.store_id}.{epoch}"

    def _document_ids(self, name: str) -> list[str]:
        with self._file.read() as connection:
            return rows.document_ids(connection, rows.find_tenant(connection, name).id)

    def _replace(self, name: str, document: Document, chunks: Sequence[EmbeddedChunk], replaces: Sequence[str]) -> None:
        with self._file.write() as connection:
            tenant = rows.find_tenant(connection, name).id or rows.add_tenant(connection, name)
            removed = [rows.remove(connection, tenant, old) or 0 for old in {document.id, *replaces}]
            rows.insert(connection, tenant, document, chunks)
            rows.touch(connection, tenant, len(chunks) - sum(removed))

    def _delete(self, name: str, document_id: str) -> None:
        with self._file.write() as connection:
            tenant = rows.find_tenant(connection, name).id
            removed = rows.remove(connection, tenant, document_id)
            if removed is not None:
                rows.touch(connection, tenant, -removed)

    def _forget(self, name: str) -> None:
        with self._file.write() as connection:
            rows.forget(connection, name)
        with self._views_lock:
            self._views.pop(self._place(name), None)
            self._graphs.forget(self._place(name))

    def _search(self, name: str, query: str, vector: Vectors, limit: int, documents: Sequence[str]) -> list[Passage]:
        with self._snapshot(name) as (connection, tenant, view):
            parts = view.parts(documents)
            if not tenant.chunk_count or not parts:
                return []
            depth = max(_MIN_CANDIDATES, 2 * limit)
            ranges: list[tuple[int, int]] = []
            if documents:
                ranges = [(int(view.ids[part.start]), int(view.ids[part.stop - 1])) for part in parts]
                nearest = view.nearest(vector, depth, parts)
            else:
                nearest = self._graphs.nearest(self._place(name), view, vector, depth)
            total = tenant.chunk_count
            words = self._words.search(connection, tenant.id, query, total, _WORDED * depth, ranges)
            best = rank(
                view,
                nearest,
                parts,
                vector,
                words,
                depth,
                lambda chunks: self._words.scores(connection, tenant.id, query, total, chunks),
            )[:limit]
            return self._passages(connection, best)

    @contextmanager
    def _snapshot(self, name: str) -> Generator[tuple[sqlite3.Connection, rows.Tenant, dense.DenseView]]:
        """A transaction and the vectors of the very state it sees, so that words and meaning never disagree."""
        seen = 0
        while True:
            with self._file.read() as connection:
                tenant = rows.find_tenant(connection, name)
                if tenant.epoch < seen:
                    self._forget_view(name)
                view = self._view(connection, name, tenant)
                if view.epoch == tenant.epoch or not tenant.id:
                    yield connection, tenant, view
                    return
                seen = view.epoch

    def _view(self, connection: sqlite3.Connection, name: str, tenant: rows.Tenant) -> dense.DenseView:
        """The newest view, brought at least to this transaction's state."""
        place = self._place(name)
        with self._views_lock:
            view = self._views.get(place) or dense.empty_view(self._identity.dimension)
            if view.epoch < tenant.epoch:
                view = dense.advance(view, connection, tenant.id, tenant.epoch)
                self._views[place] = view
                if len(self._views) > _MAX_VIEWS:
                    self._graphs.forget(self._views.popitem(last=False)[0])
            if place in self._views:
                self._views.move_to_end(place)
            return view

    def _forget_view(self, name: str) -> None:
        """The file went back behind what was seen of it before this transaction: a backup was put back."""
        place = self._place(name)
        with self._views_lock:
            self._views.pop(place, None)
            self._graphs.forget(place)

    def _place(self, name: str) -> str:
        """Where the vectors of a tenant are kept. An index that takes the place of another counts anew."""
        return f"{self._file.store_id}/{name}"

    @staticmethod
    def _passages(connection: sqlite3.Connection, best: Sequence[Candidate]) -> list[Passage]:
        from service.adapters.vectors import codec
        from service.domain.documents import Passage

        passages: list[Passage] = []
        for found in best:
            document_id, filename, payload = connection.execute(
                "SELECT d.document_id, d.filename, c.payload "
                "FROM chunks c JOIN documents d ON d.id = c.document WHERE c.id = ?",
                (found.chunk,),
            ).fetchone()
            chunk = codec.decode_chunk(payload)
            passages.append(Passage(document_id, filename, chunk, found.fused, found.dense, found.lexical))
        return passages
