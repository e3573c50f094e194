"""Process a document whose file is stored: PENDING to PROCESSING to ACTIVE or FAILED."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import secrets
from dataclasses import dataclass, replace

from service.domain.caller import Caller
from service.domain.documents import Document, DocumentState
from service.errors import ContentMismatch, OtherEmbeddingModel, Overloaded, RagsqlError, UpstreamUnavailable
from service.usecases.document_intake import DocumentIntake
from service.usecases.embedded_chunks import Processed
from service.usecases.forget_document import failed_with, forget_blobs
from service.usecases.process_document import FileToProcess, file_key
from service.usecases.shielding import to_the_end

MENDABLE: tuple[type[RagsqlError], ...] = (UpstreamUnavailable, Overloaded)
"""What may go well at another attempt."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class IngestDocument(DocumentIntake):
    """One document. What goes wrong becomes the reason of its failure; what it would have replaced stays."""

    async def __call__(self, caller: Caller, document: Document, processed: Processed | None = None) -> None:
        """Never raises. processed is what is known of the content already. A deleted document stays deleted."""
        await self._work(caller, document, processed, ())

    async def attempt(self, caller: Caller, document: Document) -> None:
        """Like a call. What another attempt may mend is raised too, and the file is kept for it."""
        await self._work(caller, document, None, MENDABLE)

    async def _work(
        self,
        caller: Caller,
        document: Document,
        processed: Processed | None,
        mendable: tuple[type[RagsqlError], ...],
    ) -> None:
        try:
            claimed = replace(
                document,
                state=DocumentState.PROCESSING,
                failure_reason="",
                error_reason="",
                update_time=dt.datetime.now(dt.UTC),
            )
            if not await self.records.update_document(caller, claimed):
                return
            file = await self._file(caller, document)
            document = replace(claimed, media_type=file.media_type)
            if processed is None:
                processed, _ = await self.process(caller, file)
            await self.commit(caller, document, processed)
        except OtherEmbeddingModel as error:
            await self._put_back(caller, document, error)
            if mendable:
                raise
        except mendable as error:
            _log.warning("The document %s failed for now. %s", document.id, error.message)
            async with self.locks.hold(caller.tenant, document.filename):
                await to_the_end(self.records.update_document(caller, failed_with(document, error)))
            raise
        except Exception as error:
            await self._fail(caller, document, error)

    async def _file(self, caller: Caller, document: Document) -> FileToProcess:
        content = await self.blobs.get(caller, file_key(document.id))
        file = await asyncio.to_thread(self.look_at, document.filename, content)
        if file.sha256 != document.sha256:
            raise ContentMismatch("The stored file is damaged: its SHA-256 has changed. Upload it again.")
        return file

    async def _put_back(self, caller: Caller, document: Document, error: OtherEmbeddingModel) -> None:
        """Leave what was accepted to the next start: the index is of another model, and so will the setting be."""
        _log.warning("A document waits for the next start. %s", error.message)
        pending = replace(document, state=DocumentState.PENDING, update_time=dt.datetime.now(dt.UTC))
        try:
            await self.records.update_document(caller, pending)
        except RagsqlError:
            _log.exception("That a document waits could not be stored; the next start finds it all the same.")

    async def _fail(self, caller: Caller, document: Document, error: Exception) -> None:
        if not isinstance(error, RagsqlError):
            error_id = secrets.token_hex(8)
            _log.error("error %s", error_id, exc_info=error)
            error = RagsqlError(f"The service failed. Its log says why under the error id {error_id}.")
        async with self.locks.hold(caller.tenant, document.filename):
            await to_the_end(self._save_failure(caller, failed_with(document, error)))

    async def _save_failure(self, caller: Caller, failed: Document) -> None:
        try:
            await self.vectors.delete(caller, failed.id)
            await self.records.update_document(caller, failed)
            await forget_blobs(caller, self.blobs, self.records, failed)
        except RagsqlError:
            _log.exception("That a document failed could not be stored; the next start tries it again.")
