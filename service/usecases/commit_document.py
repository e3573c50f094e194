"""Make a processed document ACTIVE in place of the earlier ones of its name, in one step for every reader."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from service.domain.caller import Caller
from service.domain.documents import Document, DocumentState
from service.errors import NotFound, RagsqlError
from service.ports import BlobStore, Cache, DocumentRecords, VectorStore
from service.usecases import answer_cache
from service.usecases.embedded_chunks import Processed
from service.usecases.forget_document import forget_blobs
from service.usecases.ingest_pool import IngestPool
from service.usecases.name_locks import NameLocks
from service.usecases.process_document import ProcessDocument, file_key
from service.usecases.shielding import to_the_end
from service.usecases.steps import step

_LOOK_PAUSES = (0.0, 0.5, 2.0, 5.0)
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
        older = await self._older(caller, document)
        now = dt.datetime.now(dt.UTC)
        ready = replace(processed.describe(document), state=DocumentState.PROCESSING, update_time=now)
        if not await self.records.update_document(caller, ready):
            await forget_blobs(caller, self.blobs, self.records, document)
            return None
        try:
            with step("index") as span:
                span.set(chunks=len(processed.chunks))
                await self.vectors.replace(caller, ready, processed.chunks, [other.id for other in older])
        except Exception:
            # Only the answer may have been lost. While that is unknown the record says that there is work to do.
            if document.id not in await self.vectors.document_ids(caller):
                await self._undo(caller, document, [])
                raise
            return await self.take_up(caller, ready)
        return await self.finish(caller, ready, older)

    async def take_up(self, caller: Caller, ready: Document) -> Document | None:
        """Finish what a process has left that ended, or lost its stores, after ready could be found."""
        older = await self._older(caller, ready)
        for other in older:  # a switch that was cut off may have left something of them
            await self.vectors.delete(caller, other.id)
        return await self.finish(caller, ready, older)

    async def take_back(self, caller: Caller, document: Document) -> None:
        """Make searchable again what document has replaced, if it has, and forget it."""
        found = document.id in await self.vectors.document_ids(caller)
        await self._restore(caller, document, await self._older(caller, document) if found else [])

    async def finish(self, caller: Caller, ready: Document, older: Sequence[Document]) -> Document | None:
        """Tell the records what can be found already, and forget the older documents."""
        active = replace(ready, state=DocumentState.ACTIVE, update_time=dt.datetime.now(dt.UTC))
        try:
            known = await self.records.update_document(caller, active, [other.id for other in older])
        except Exception as error:
            if not await self._is_stored(caller, active, error):
                await self._undo(caller, ready, older)
                raise
            known = True
        if not known:
            await self._undo(caller, ready, older)
            await forget_blobs(caller, self.blobs, self.records, ready)
            return None
        await self._clean_up(caller, older)
        return active

    async def _is_stored(self, caller: Caller, active: Document, error: Exception) -> bool:
        """Whether only the records' answer was lost. Raises error while they do not say: then nothing may be undone."""
        for pause in _LOOK_PAUSES:
            await asyncio.sleep(pause)
            try:
                return (await self.records.get_document(caller, active.id)).state is DocumentState.ACTIVE
            except NotFound:
                return False
            except RagsqlError:
                continue
        raise error

    async def _older(self, caller: Caller, document: Document) -> list[Document]:
        """Those that document replaces."""
        others = await self.records.find_documents(caller, filename=document.filename)
        return [other for other in others if other.create_time < document.create_time]

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
        try:
            await self._restore(caller, document, older)
        except Exception:
            _log.exception("A document could not be stored and could not be taken back; that is done later.")

    async def _restore(self, caller: Caller, document: Document, older: Sequence[Document]) -> None:
        """Make searchable again what document had replaced. What is not kept is to be processed again."""
        for other in older:
            if other.state is not DocumentState.ACTIVE or other.delete_time:
                continue
            if kept := await self.processor.reuse(caller, other.sha256):
                await self.vectors.replace(caller, other, kept.chunks, [document.id])
            else:
                now = dt.datetime.now(dt.UTC)
                pending = replace(other, state=DocumentState.PENDING, retry_time=now, update_time=now)
                await self.records.update_document(caller, pending)
        await self.vectors.delete(caller, document.id)
