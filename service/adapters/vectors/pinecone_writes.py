"""Writing chunks to Pinecone, waiting until they can be found, reading them back, and removing them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from service.adapters.vectors.pinecone_heads import Head, state_of
from service.adapters.vectors.pinecone_identity import marker
from service.adapters.vectors.pinecone_records import Batch, batches, content_of, piece_id
from service.adapters.vectors.pinecone_sdk import WRITE_SECONDS, PineconeIndex
from service.adapters.vectors.pinecone_waits import wait_until

if TYPE_CHECKING:
    from pinecone import AsyncIndex

    from service.domain.documents import Chunk, Document
    from service.ports import EmbeddedChunk, StoredChunks

_REQUESTS_AT_ONCE = 8
_MOST_RESULTS = 10_000
_PER_DELETE = 1_000


class PineconeWrites:
    """Chunks of one index. Tenants and documents are named as in pinecone_records.name_of."""

    def __init__(self, index: PineconeIndex) -> None:
        self._index = index

    async def write(self, tenant: str, document: Document, generation: str, chunks: Sequence[EmbeddedChunk]) -> None:
        """Store chunks under a new generation, so many requests at once, and return when all can be found."""
        room = asyncio.Semaphore(_REQUESTS_AT_ONCE)
        made = batches(document, generation, chunks)
        pieces: list[str] = []
        try:
            async with asyncio.TaskGroup() as tasks:
                while batch := await asyncio.to_thread(next, made, None):
                    await room.acquire()
                    pieces += [piece["id"] for piece in batch.pieces]
                    tasks.create_task(self._send(tenant, batch, room))
        except ExceptionGroup as group:
            raise group.exceptions[0] from None
        for first in range(0, len(chunks), _MOST_RESULTS):
            expected = min(_MOST_RESULTS, len(chunks) - first)
            await wait_until(lambda first=first, expected=expected: self._shows(tenant, generation, first, expected))
        if pieces:
            await wait_until(lambda: self._holds(tenant, pieces))

    async def read(self, tenant: str, head: Head) -> StoredChunks | None:
        """The chunks of the generation that is in force, None when it has changed since."""
        import numpy as np

        from service.ports import EmbeddedChunk, StoredChunks

        ids = [f"{head.document}#{head.generation}#{number}" for number in range(head.chunks)]
        found = await self._index.fetch_records(tenant, ids)
        if len(found) < len(ids):
            return None
        filename, chunks = "", list[EmbeddedChunk]()
        for identifier in ids:
            filename, chunk = await self.content(tenant, identifier, found[identifier].metadata)
            chunks.append(EmbeddedChunk(chunk, np.array(found[identifier].values, np.float32)))
        return StoredChunks(filename, tuple(chunks))

    async def content(self, tenant: str, identifier: str, metadata: Mapping[str, Any]) -> tuple[str, Chunk]:
        """The name of a chunk's file and the chunk, put together if it is in pieces."""
        if "content" in metadata:
            return content_of(metadata["content"])
        ids = [piece_id(identifier, number) for number in range(int(metadata["pieces"]))]
        pieces = await self._index.fetch(state_of(tenant), ids)
        return content_of("".join(pieces[name]["content"] for name in ids))

    async def discard(
        self, tenant: str, names: Sequence[str], chosen: Callable[[str], bool], grace_seconds: float
    ) -> None:
        """After a while, remove those chunks of these documents whose ids are chosen."""
        found: list[tuple[str, str]] = []
        for name in names:
            for namespace, prefix in ((tenant, f"{name}#"), (state_of(tenant), f"p/{name}#")):
                ids = await self._index.list_ids(namespace, prefix)
                found += [(namespace, identifier) for identifier in ids if chosen(identifier)]
        if found:
            await asyncio.sleep(grace_seconds)
        for namespace in (tenant, state_of(tenant)):
            ids = [identifier for at, identifier in found if at == namespace]
            for start in range(0, len(ids), _PER_DELETE):
                await self._index.delete(namespace, ids[start : start + _PER_DELETE])

    async def forget(self, tenant: str) -> None:
        """Remove the namespaces of a tenant with what is left in them."""
        from pinecone.errors import NotFoundError

        async def remove(index: AsyncIndex, namespace: str) -> None:
            with suppress(NotFoundError):
                await index.delete_namespace(name=namespace)

        for namespace in (tenant, state_of(tenant)):
            await self._index.call(lambda index, namespace=namespace: remove(index, namespace), WRITE_SECONDS)

    async def _send(self, tenant: str, batch: Batch, room: asyncio.Semaphore) -> None:
        try:
            if batch.pieces:
                await self._index.upsert(state_of(tenant), batch.pieces)
            await self._index.upsert(tenant, batch.chunks)
        finally:
            room.release()

    async def _shows(self, tenant: str, generation: str, first: int, expected: int) -> bool:
        """Whether a search would find these chunks of a generation."""
        within = {"generation": generation, "number": {"$gte": first, "$lt": first + expected}}
        found = await self._index.call(
            lambda index: index.query(
                vector=marker(self._index.dimension), top_k=expected, namespace=tenant, filter=within
            ),
            WRITE_SECONDS,
        )
        return len(found.matches) == expected

    async def _holds(self, tenant: str, pieces: Sequence[str]) -> bool:
        return len(await self._index.fetch(state_of(tenant), pieces)) == len(pieces)
