"""Turn a file that was PUT into a document: checked and accepted at once, processed in the background."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from service.domain.caller import Caller
from service.domain.documents import Document, DocumentState, Upload
from service.errors import ContentMismatch, NotFound, UploadIncomplete
from service.ports import BlobInfo, BlobStore, UploadRecords
from service.usecases.accept_document import acceptance_time, accepted_before
from service.usecases.bundle import UploadedDocument
from service.usecases.ingest_document import IngestDocument
from service.usecases.ingest_pool import IngestPool
from service.usecases.name_locks import NameLocks
from service.usecases.process_document import ProcessDocument, file_key
from service.usecases.shielding import to_the_end

_REMEMBERED = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class IngestUpload:
    """The document of an upload has the upload's id, so that its file is where it was PUT.

    elsewhere says that another process is told of the file too, and does the work.
    """

    records: UploadRecords
    blobs: BlobStore
    processor: ProcessDocument
    ingest: IngestDocument
    pool: IngestPool
    locks: NameLocks
    elsewhere: bool = False

    async def __call__(self, caller: Caller, upload_id: str) -> UploadedDocument:
        """The document, PENDING or already ACTIVE. For the same upload it is the same document again.

        Raises NotFound, UploadIncomplete, ContentMismatch and UpstreamUnavailable.
        """
        return await to_the_end(self._start(caller, await self._checked(caller, upload_id)))

    async def accept(self, caller: Caller, upload_id: str) -> Document:
        """The document alone, which nobody works on yet. Raises like a call."""
        document, _ = await to_the_end(self._accept(caller, await self._checked(caller, upload_id)))
        return document

    async def _checked(self, caller: Caller, upload_id: str) -> Upload:
        upload = await self._upload(caller, upload_id)
        if not upload.document_id:
            await self._check(caller, upload)
        return upload

    async def _upload(self, caller: Caller, upload_id: str) -> Upload:
        upload = await self.records.get_upload(caller, upload_id)
        if upload.expire_time <= dt.datetime.now(dt.UTC):
            raise NotFound(f"The upload {upload_id} has expired. Call CreateUpload again.")
        return upload

    async def _check(self, caller: Caller, upload: Upload) -> None:
        try:
            arrived = await self.blobs.describe(caller, file_key(upload.id))
        except NotFound:
            raise UploadIncomplete("Nothing was PUT for this upload yet. PUT the file to its URL first.") from None
        if arrived != BlobInfo(upload.size_bytes, upload.sha256):
            await self.blobs.delete(caller, file_key(upload.id))
            raise ContentMismatch(
                f"{arrived.size_bytes} bytes with the SHA-256 {arrived.sha256} arrived, {upload.size_bytes} bytes with "
                f"{upload.sha256} were announced. PUT the file again, or call CreateUpload for this one."
            )

    async def _start(self, caller: Caller, upload: Upload) -> UploadedDocument:
        document, is_new = await self._accept(caller, upload)
        if not is_new:
            active = document.state is DocumentState.ACTIVE
            if active:
                self.processor.count_reused(caller)
            return UploadedDocument(document, cache_hit=active)
        if kept := await self.processor.reuse(caller, document.sha256):
            self.processor.count_reused(caller, kept.tokens)
            await self.ingest(caller, document, kept)
        elif not self.elsewhere:
            await self.pool.submit(caller, document, lambda: self.ingest(caller, document))
        now = await self.records.get_document(caller, document.id)
        return UploadedDocument(now, cache_hit=kept is not None)

    async def _accept(self, caller: Caller, upload: Upload) -> tuple[Document, bool]:
        """A document for the upload and True, or the one that it has already."""
        async with self.locks.hold(caller.tenant, upload.filename):
            upload = await self.records.get_upload(caller, upload.id)
            if upload.document_id:
                return await self.records.get_document(caller, upload.document_id), False
            others = await self.records.find_documents(caller, filename=upload.filename)
            now = acceptance_time(others)
            if known := accepted_before(others, upload.sha256):
                done = replace(upload, document_id=known.id, expire_time=now + _REMEMBERED)
                await self.records.save_upload(caller, done)
                if known.id != upload.id:  # another process may just have accepted this very upload
                    await self.blobs.delete(caller, file_key(upload.id))
                return known, False
            document = Document(
                id=upload.id,
                filename=upload.filename,
                media_type="",
                size_bytes=upload.size_bytes,
                sha256=upload.sha256,
                state=DocumentState.PENDING,
                create_time=now,
                update_time=now,
            )
            done = replace(upload, document_id=document.id, expire_time=now + _REMEMBERED)
            await self.records.save_upload(caller, done, document)
            stored = await self.records.get_document(caller, document.id)
            return stored, stored == document
