"""Process a document whose file is stored: PENDING to PROCESSING to ACTIVE or FAILED."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import logging
import secrets
from dataclasses import dataclass, replace

from service.domain.caller import Caller
from service.domain.documents import Document, DocumentState
from service.errors import ContentMismatch, RagsqlError
from service.ports import BlobStore, DocumentRecords, Parser, VectorStore
from service.usecases.commit_document import CommitDocument
from service.usecases.embedded_chunks import Processed
from service.usecases.forget_document import forget_blobs
from service.usecases.name_locks import NameLocks
from service.usecases.process_document import FileToProcess, ProcessDocument, file_key
from service.usecases.shielding import to_the_end

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class IngestDocument:
    """One document. What goes wrong becomes the reason of its failure; what it would have replaced stays."""

    records: DocumentRecords
    vectors: VectorStore
    blobs: BlobStore
    parser: Parser
    process: ProcessDocument
    commit: CommitDocument
    locks: NameLocks

    async def __call__(self, caller: Caller, document: Document, processed: Processed | None = None) -> None:
        """Never raises. processed is what is known of the content already. A deleted document stays deleted."""
        document = replace(document, state=DocumentState.PROCESSING, update_time=dt.datetime.now(dt.UTC))
        try:
            if not await self.records.update_document(caller, document):
                return
            content = await self.blobs.get(caller, file_key(document.id))
            file = await asyncio.to_thread(self._look_at, document, content)
            document = replace(document, media_type=file.media_type)
            if processed is None:
                processed, _ = await self.process(caller, file)
            await self.commit(caller, document, processed)
        except RagsqlError as error:
            await self._fail(caller, document, error.message)
        except Exception:
            error_id = secrets.token_hex(8)
            _log.exception("error %s", error_id)
            await self._fail(caller, document, f"The service failed. Its log says why under the error id {error_id}.")

    def _look_at(self, document: Document, content: bytes) -> FileToProcess:
        if hashlib.sha256(content).hexdigest() != document.sha256:
            raise ContentMismatch("The stored file is damaged: its SHA-256 has changed. Upload it again.")
        media_type = self.parser.detect(content, document.filename)
        return FileToProcess(document.filename, media_type, document.sha256, content)

    async def _fail(self, caller: Caller, document: Document, reason: str) -> None:
        failed = replace(
            document, state=DocumentState.FAILED, failure_reason=reason, update_time=dt.datetime.now(dt.UTC)
        )
        async with self.locks.hold(caller.tenant, document.filename):
            await to_the_end(self._save_failure(caller, failed))

    async def _save_failure(self, caller: Caller, failed: Document) -> None:
        try:
            await self.vectors.delete(caller, failed.id)
            await self.records.update_document(caller, failed)
            await forget_blobs(caller, self.blobs, self.records, failed)
        except RagsqlError:
            _log.exception("That a document failed could not be stored; the next start tries it again.")
