"""Embed everything anew with the model of the settings, while the index of the other model serves."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from service.domain.caller import DEFAULT_CALLER, Caller
from service.domain.chunk_text import embedding_text
from service.domain.documents import Chunk, Document, DocumentState
from service.errors import NotFound, RagsqlError, UpstreamUnavailable
from service.ports import BlobStore, Cache, EmbeddedChunk, Embedder, IndexRebuild, Parser, RecordStore, VectorIndex
from service.usecases.process_document import FileToProcess, ProcessDocument, file_key
from service.usecases.retrieve_knowledge import embed_missing

_BATCH = 64
_BATCHES_AT_ONCE = 4
_MOST_ROUNDS = 1_000
_LONGEST_COMMIT_SECONDS = 30.0
_PAUSE_SECONDS = 0.05


class ReindexProgress(NamedTuple):
    """Documents that are done, of how many, and chunks that were embedded."""

    documents: int
    total: int
    chunks: int


@dataclass(slots=True)
class Reindexed:
    """What was done. The index was of model and dimension before; needed is False when these were right already.

    rechunked counts the documents that were cut anew because the model reads shorter passages, cut_off those for which
    that could not be done: the end of their longest passages is found by words alone.
    """

    model: str
    dimension: int
    needed: bool
    documents: int = 0
    chunks: int = 0
    rechunked: int = 0
    cut_off: int = 0
    knowledge: int = 0


Report = Callable[[ReindexProgress], None]


@dataclass(frozen=True, slots=True)
class Reindex:
    """Document by document: what is done when the process is killed is not done again.

    Documents that come or go meanwhile are followed until the index has not changed between the last look and the
    switch. Chunks are embedded as they are stored. Where one is too long for the model, its document is processed
    anew from its file.
    """

    vectors: VectorIndex
    records: RecordStore
    blobs: BlobStore
    parser: Parser
    embedder: Embedder
    cache: Cache

    async def __call__(self, report: Report) -> Reindexed:
        """Raises UpstreamUnavailable, NotConfigured, and what the embedder raises; the old index serves then."""
        rebuild = await self.vectors.rebuild()
        try:
            done = Reindexed(rebuild.model, rebuild.dimension, rebuild.needed)
            tenants = sorted({DEFAULT_CALLER.tenant, *await self.records.list_tenants()})
            for tenant in tenants:
                done.knowledge += await embed_missing(self.records, self.embedder, Caller(tenant))
            if rebuild.needed:
                await self._until_switched(rebuild, done, report)
            await rebuild.tidy()
            return done
        finally:
            await asyncio.to_thread(rebuild.close)

    async def _until_switched(self, rebuild: IndexRebuild, done: Reindexed, report: Report) -> None:
        for _ in range(_MOST_ROUNDS):
            tenants = sorted({DEFAULT_CALLER.tenant, *await self.records.list_tenants()})
            epochs = {tenant: await rebuild.serving.epoch(Caller(tenant)) for tenant in tenants}
            for tenant in tenants:
                await self._follow(rebuild, Caller(tenant), done, report)
            if await rebuild.switch(epochs):
                return
        raise UpstreamUnavailable(
            "Documents change faster than they can be embedded. Run `ragsql reindex` again when fewer are uploaded: it "
            "goes on where it was."
        )

    async def _follow(self, rebuild: IndexRebuild, caller: Caller, done: Reindexed, report: Report) -> None:
        """Make the next index hold the documents of the one that serves."""
        wanted, there = await rebuild.serving.document_ids(caller), await rebuild.next.document_ids(caller)
        for document_id in set(there) - set(wanted):
            await rebuild.next.delete(caller, document_id)
        missing = [document_id for document_id in wanted if document_id not in set(there)]
        for place, document_id in enumerate(missing):
            report(ReindexProgress(done.documents, done.documents + len(missing) - place, done.chunks))
            await self._embed(rebuild, caller, document_id, done, report)

    async def _embed(
        self, rebuild: IndexRebuild, caller: Caller, document_id: str, done: Reindexed, report: Report
    ) -> None:
        try:
            document = await self.records.get_document(caller, document_id)
        except NotFound:
            return  # deleted just now
        stored = await rebuild.serving.read(caller, document_id)
        if stored is None:
            return
        chunks = [embedded.chunk for embedded in stored.chunks]
        anew: list[EmbeddedChunk] | None = None
        if await asyncio.to_thread(self._too_long, chunks):
            anew = await self._process(caller, document)
            done.rechunked += anew is not None
            done.cut_off += anew is None
        if anew is None:
            anew = await self._embedded(caller, chunks, done, report)
        await rebuild.next.replace(caller, document, anew)
        done.documents += 1

    async def _embedded(
        self, caller: Caller, chunks: Sequence[Chunk], done: Reindexed, report: Report
    ) -> list[EmbeddedChunk]:
        embedded: list[EmbeddedChunk] = []
        step = _BATCH * _BATCHES_AT_ONCE
        for start in range(0, len(chunks), step):
            batches = [chunks[at : at + _BATCH] for at in range(start, min(start + step, len(chunks)), _BATCH)]
            for batch in await asyncio.gather(*(self.embedder.embed_chunks(caller, batch) for batch in batches)):
                embedded += batch
                done.chunks += len(batch)
            report(ReindexProgress(done.documents, 0, done.chunks))
        return embedded

    def _too_long(self, chunks: Sequence[Chunk]) -> bool:
        most = self.embedder.max_tokens
        return any(self.embedder.count_tokens(embedding_text(chunk)) > most for chunk in chunks)

    async def _process(self, caller: Caller, document: Document) -> list[EmbeddedChunk] | None:
        """The document's chunks, cut anew for this model; None when its file cannot be had or read any more."""
        try:
            content = await self.blobs.get(caller, file_key(document.id))
            if await asyncio.to_thread(_sha256, content) != document.sha256:
                return None
            file = FileToProcess(document.filename, document.media_type, document.sha256, content)
            processed, _ = await ProcessDocument(self.blobs, self.parser, self.embedder, self.cache)(caller, file)
        except UpstreamUnavailable:
            raise
        except RagsqlError:
            return None
        await self._count(caller, document.id, len(processed.chunks), processed.page_count)
        return list(processed.chunks)

    async def _count(self, caller: Caller, document_id: str, chunks: int, pages: int) -> None:
        """Put them on record, after the process that uploads the document has: its own count would come later."""
        ends = time.monotonic() + _LONGEST_COMMIT_SECONDS
        while time.monotonic() < ends:
            try:
                document = await self.records.get_document(caller, document_id)
            except NotFound:
                return
            counted = replace(document, chunk_count=chunks, page_count=pages)
            if document.state is DocumentState.ACTIVE and await self.records.swap_document(caller, document, counted):
                return
            await asyncio.sleep(_PAUSE_SECONDS)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
