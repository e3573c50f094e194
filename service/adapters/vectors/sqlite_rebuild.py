"""An index of another embedding model beside the one that serves, in the same SQLite file.

The next index is kept under tenants of other names: giving them the names of the old ones is the switch.
"""

from __future__ import annotations

import asyncio
import sqlite3
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from service.adapters.vectors import rows
from service.adapters.vectors.identity import Identity
from service.adapters.vectors.index_file import IndexFile, stored_identity
from service.adapters.vectors.lexical import LexicalIndex
from service.adapters.vectors.sqlite import SqliteVectorStore

if TYPE_CHECKING:
    from service.domain.caller import Caller
    from service.domain.documents import Document
    from service.ports import EmbeddedChunk, StoredChunks

_MARK = "\x01"  # no tenant of a caller begins with it
_OLD = f"{_MARK}old{_MARK}"


class SqliteRebuild:
    """See IndexRebuild. Everything that is written between begin and switch is invisible to searches."""

    def __init__(self, path: Path, identity: Identity) -> None:
        self._path = path
        self._identity = identity
        made_by = stored_identity(path) or identity
        self.model, self.dimension, self.needed = made_by.model, made_by.dimension, made_by != identity
        self._prefix = f"{_MARK}{identity.model}{_MARK}{identity.dimension}{_MARK}"
        self.serving = SqliteVectorStore(path, made_by.model, made_by.dimension)
        self.next = _Beside(self.serving, self._prefix)
        self._file = IndexFile(path, made_by)

    async def switch(self, epochs: Mapping[str, str]) -> bool:
        """See IndexRebuild. One transaction that renames tenants."""
        return await asyncio.to_thread(self._switch, epochs)

    async def tidy(self) -> None:
        """See IndexRebuild. Document by document, so that nobody waits for long."""
        await asyncio.to_thread(self._tidy)

    def close(self) -> None:
        """See IndexRebuild."""
        self.serving.close()
        self._file.close()

    def _switch(self, epochs: Mapping[str, str]) -> bool:
        with self._file.write() as connection:
            tenants: dict[str, rows.Tenant] = {
                name: rows.Tenant(*tenant)
                for name, *tenant in connection.execute("SELECT name, id, epoch, chunk_count FROM tenants")
            }
            for name, tenant in tenants.items():
                occupied = bool(rows.document_ids(connection, tenant.id))
                at = f"{self._file.store_id}.{tenant.epoch}"
                if not name.startswith(_MARK) and occupied and epochs.get(name) != at:
                    return False
            for name, tenant in tenants.items():
                if name.startswith(self._prefix):
                    real = name.removeprefix(self._prefix)
                    if real in tenants:
                        _rename(connection, tenants[real].id, f"{_OLD}{tenants[real].id}")
                    _rename(connection, tenant.id, real)
            fresh = self._identity.fields() | {"store_id": uuid.uuid4().hex}
            connection.executemany(
                "UPDATE meta SET value = ? WHERE key = ?", [(value, key) for key, value in fresh.items()]
            )
        return True

    def _tidy(self) -> None:
        if not self._path.exists():
            return
        file = IndexFile(self._path, self._identity)
        try:
            with file.read() as connection:
                names = "SELECT id FROM tenants WHERE substr(name, 1, 1) = ?"
                tenants = [tenant for (tenant,) in connection.execute(names, (_MARK,))]
            for tenant in tenants:
                _remove(file, tenant)
            if tenants:
                self._shrink()
        finally:
            file.close()

    def _shrink(self) -> None:
        """Give the space back. Where others are writing it is used for later documents instead."""
        with suppress(sqlite3.OperationalError):
            connection = sqlite3.connect(self._path)
            try:
                connection.execute("VACUUM")
            finally:
                connection.close()


class _Beside:
    """A ChunkStore under tenants of other names."""

    def __init__(self, store: SqliteVectorStore, prefix: str) -> None:
        self._store = store
        self._prefix = prefix

    async def replace(
        self, caller: Caller, document: Document, chunks: Sequence[EmbeddedChunk], replaces: Sequence[str] = ()
    ) -> None:
        await self._store.replace(self._named(caller), document, chunks, replaces)

    async def delete(self, caller: Caller, document_id: str) -> None:
        await self._store.delete(self._named(caller), document_id)

    async def read(self, caller: Caller, document_id: str) -> StoredChunks | None:
        return await self._store.read(self._named(caller), document_id)

    async def count(self, caller: Caller) -> int:
        return await self._store.count(self._named(caller))

    async def document_ids(self, caller: Caller) -> list[str]:
        return await self._store.document_ids(self._named(caller))

    async def epoch(self, caller: Caller) -> str:
        return await self._store.epoch(self._named(caller))

    def _named(self, caller: Caller) -> Caller:
        return replace(caller, tenant=self._prefix + caller.tenant)


def _rename(connection: sqlite3.Connection, tenant: int, name: str) -> None:
    connection.execute("UPDATE tenants SET name = ? WHERE id = ?", (name, tenant))


def _remove(file: IndexFile, tenant: int) -> None:
    """Remove a tenant that nobody reads, in short transactions."""
    with file.read() as connection:
        documents = rows.document_ids(connection, tenant)
    for document_id in documents:
        with file.write() as connection:
            rows.remove(connection, tenant, document_id)
    with file.write() as connection:
        LexicalIndex.drop(connection, tenant)
        connection.execute("DELETE FROM tenants WHERE id = ?", (tenant,))
