"""Make a processed document ACTIVE in place of the earlier ones of its name, in one step for every reader."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from service.domain.caller import Caller
from service.domain.documents import Document, DocumentState
from service.ports import BlobStore, Cache, DocumentRecords, VectorStore
from service.usecases import answer_cache
from service.usecases.embedded_chunks import Processed
from service.usecases.forget_document import forget_blobs
from service.usecases.ingest_pool import IngestPool
from service.usecases.name_locks import NameLocks
from service.usecases.process_document import ProcessDocument, file_key
from service.usecases.shielding import to_the_end
from service.usecases.steps import step

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CommitDocument:
    """Documents of one name change one after the other."""

    records: DocumentRecords
    vectors: VectorStore
    blobs: BlobStore
    cache: Cache
    processor: ProcessDocument
    locks: NameLocks
    pool: IngestPool

    async def __call__(
        self, caller: Caller, document: Document, processed: Processed, content: bytes | None = None
    ) -> Document | None:
        """The ACTIVE document, or None when it was deleted or a later upload of its name is ACTIVE already.

        document has a record; content is its file, if that is not stored yet. When this raises, searches find what
        they found before.
        """
        async with self.locks.hold(caller.tenant, document.filename):
            if content is not None:
                await to_the_end(self.blobs.put(caller, file_key(document.id), content))
            return await to_the_end(self._switch(caller, document, processed))

    async def _switch(self, caller: Caller, document: Document, processed: Processed) -> Document | None:
        """The record says what is to come before the chunks can be found, so that a killed process can finish it."""
        others = await self.records.find_documents(caller, filename=document.filename)
        older = [other for other in others if other.create_time < document.create_time]
        ready = replace(
            document,
            state=DocumentState.PROCESSING,
            page_count=processed.page_count,
            chunk_count=len(processed.chunks),
            parser=processed.parser,
            update_time=dt.datetime.now(dt.UTC),
        )
        if not await self.records.update_document(caller, ready):
            await forget_blobs(caller, self.blobs, self.records, document)
            return None
        try:
            with step("index") as span:
                span.set(chunks=len(processed.chunks))
                await self.vectors.replace(caller, ready, processed.chunks, [other.id for other in older])
        except Exception:
            await self._undo(caller, document, [])
            raise
        return await self.finish(caller, ready, older)

    async def finish(self, caller: Caller, ready: Document, older: Sequence[Document]) -> Document | None:
        """Tell the records what can be found already, and forget the older documents."""
        active = replace(ready, state=DocumentState.ACTIVE, update_time=dt.datetime.now(dt.UTC))
        try:
            known = await self.records.update_document(caller, active, [other.id for other in older])
        except Exception:
            await self._undo(caller, ready, older)
            raise
        if not known:
            await self._undo(caller, ready, older)
            await forget_blobs(caller, self.blobs, self.records, ready)
            return None
        await self._clean_up(caller, older)
        return active

    async def _clean_up(self, caller: Caller, older: Sequence[Document]) -> None:
        """What fails here changes nothing for readers, and the new document is stored."""
        try:
            for other in older:
                await self.pool.stop(caller.tenant, other.id)
                await forget_blobs(caller, self.blobs, self.records, other)
            await self.cache.clear(caller, answer_cache.KIND)
        except Exception:
            _log.exception("The files of a document that was replaced could not be removed; the next start does it.")

    async def _undo(self, caller: Caller, document: Document, older: Sequence[Document]) -> None:
        """Make searchable again what document had replaced."""
        try:
            for other in older:
                if other.state is DocumentState.ACTIVE and (kept := await self.processor.reuse(caller, other.sha256)):
                    await self.vectors.replace(caller, other, kept.chunks, [document.id])
            await self.vectors.delete(caller, document.id)
        except Exception:
            _log.exception("A document could not be stored and could not be taken back; the next start repairs it.")
