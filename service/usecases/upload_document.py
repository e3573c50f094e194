"""Upload a file and make it searchable."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import logging
import uuid
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from typing import TypeVar

from service.domain.caller import Caller
from service.domain.documents import Document, DocumentState
from service.domain.filenames import filename_problem
from service.errors import FieldViolation, InvalidRequest, PayloadTooLarge
from service.ports import BlobStore, DocumentRecords, VectorStore
from service.usecases.bundle import UploadedDocument
from service.usecases.embedded_chunks import Processed
from service.usecases.forget_document import forget_blobs
from service.usecases.name_locks import NameLocks
from service.usecases.process_document import ProcessDocument, file_key

T = TypeVar("T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class UploadDocument:
    """Uploads of one file name run one after the other. max_bytes bounds the file."""

    records: DocumentRecords
    vectors: VectorStore
    blobs: BlobStore
    processor: ProcessDocument
    locks: NameLocks
    max_bytes: int

    async def __call__(self, caller: Caller, filename: str, content: bytes) -> UploadedDocument:
        """The ACTIVE document, in place of any other of this name. A failed upload leaves nothing behind.

        Raises InvalidRequest, PayloadTooLarge, UnsupportedMediaType, UnreadableDocument, UpstreamUnavailable.
        """
        self._validate(filename, content)
        media_type = await asyncio.to_thread(self.processor.parser.detect, content, filename)
        sha256 = hashlib.sha256(content).hexdigest()
        async with self.locks.hold(caller.tenant, filename):
            old = await self.records.find_documents(caller, filename=filename)
            if len(old) == 1 and old[0].sha256 == sha256 and old[0].state is DocumentState.ACTIVE:
                return UploadedDocument(old[0], cache_hit=True)
            reused = await self.processor.reuse(caller, sha256)
            processed = reused or await self.processor.process(caller, content, media_type, filename)
            now = dt.datetime.now(dt.UTC)
            document = Document(
                id=uuid.uuid4().hex,
                filename=filename,
                media_type=media_type,
                size_bytes=len(content),
                sha256=sha256,
                state=DocumentState.PROCESSING,
                create_time=now,
                update_time=now,
                page_count=processed.page_count,
                chunk_count=len(processed.chunks),
                parser=processed.parser,
            )
            active = await _to_the_end(self._commit(caller, document, content, processed, old))
        return UploadedDocument(active, cache_hit=reused is not None)

    def _validate(self, filename: str, content: bytes) -> None:
        if problem := filename_problem(filename):
            raise _invalid("filename", problem)
        if not content:
            raise _invalid("content", "must not be empty: the file has 0 bytes.")
        if len(content) > self.max_bytes:
            raise PayloadTooLarge(f"The file has {len(content)} bytes, at most {self.max_bytes} are allowed.")

    async def _commit(
        self, caller: Caller, document: Document, content: bytes, processed: Processed, old: list[Document]
    ) -> Document:
        """Store all of it or nothing.

        The record is written before the chunks can be found: should the process die in between, it tells the next
        upload of this name what to replace.
        """
        replaced = [other.id for other in old]
        active = replace(document, state=DocumentState.ACTIVE, update_time=dt.datetime.now(dt.UTC))
        switched = False
        try:
            await self.blobs.put(caller, file_key(document.id), content)
            await self.processor.keep(caller, document.sha256, processed)
            await self.records.save_document(caller, document)
            await self.vectors.replace(caller, document, processed.chunks, replaced)
            switched = True
            await self.records.save_document(caller, active, replaced)
        except Exception:
            await self._undo(caller, document, old if switched else [])
            raise
        for other in old:
            await forget_blobs(caller, self.blobs, self.records, other)
        return active

    async def _undo(self, caller: Caller, document: Document, old: list[Document]) -> None:
        """Take back what was stored, and make what it had replaced searchable again."""
        try:
            await self.vectors.delete(caller, document.id)
            for other in old:
                if other.state is DocumentState.ACTIVE and (kept := await self.processor.reuse(caller, other.sha256)):
                    await self.vectors.replace(caller, other, kept.chunks)
            if await self._is_recorded(caller, document):
                await self.records.delete_document(caller, document.id)
            await forget_blobs(caller, self.blobs, self.records, document)
        except Exception:
            _log.exception("An upload failed and could not be taken back; uploading the file again repairs it.")

    async def _is_recorded(self, caller: Caller, document: Document) -> bool:
        found = await self.records.find_documents(caller, filename=document.filename, sha256=document.sha256)
        return any(other.id == document.id for other in found)


async def _to_the_end(work: Awaitable[T]) -> T:
    """Await work, which goes on to its end when the caller is cancelled."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


def _invalid(field: str, description: str) -> InvalidRequest:
    return InvalidRequest(FieldViolation(field, description))
