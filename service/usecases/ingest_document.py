"""Process a document whose file is stored: PENDING to PROCESSING to ACTIVE or FAILED."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import secrets
from dataclasses import dataclass, replace

from service.domain.caller import Caller
from service.domain.documents import Document, DocumentState
from service.domain.questions import Usage
from service.domain.spending import spending
from service.errors import ContentMismatch, OtherEmbeddingModel, RagsqlError
from service.usecases.document_intake import DocumentIntake
from service.usecases.embedded_chunks import Processed
from service.usecases.forget_document import failed_with, forget_blobs
from service.usecases.process_document import FileToProcess, file_key
from service.usecases.retry_later import MENDABLE, RetryLater
from service.usecases.shielding import to_the_end

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class IngestDocument(DocumentIntake):
    """One document. What goes wrong becomes the reason of its failure; what it would have replaced stays.

    Where work goes on in the background, what another attempt may mend waits for it instead.
    """

    later: RetryLater

    async def __call__(self, caller: Caller, document: Document, processed: Processed | None = None) -> None:
        """Never raises. processed is what is known of the content already. A deleted document stays deleted."""
        await self._work(caller, document, processed, told_again=False)

    async def attempt(self, caller: Caller, document: Document) -> None:
        """Like a call. What another attempt may mend is raised too, and the file is kept for it."""
        await self._work(caller, document, None, told_again=True)

    async def _work(self, caller: Caller, document: Document, processed: Processed | None, *, told_again: bool) -> None:
        with spending() as spent:
            indexing = False
            try:
                claimed = _claimed(document)
                if not await self.records.update_document(caller, claimed):
                    return
                file = await self._file(caller, document)
                document = replace(claimed, media_type=file.media_type)
                if processed is None:
                    processed, _ = await self.process(caller, file)
                document, indexing = processed.describe(document), True
                await self.commit(caller, _charged(document, spent()), processed)
            except OtherEmbeddingModel as error:
                await self.later.wait(caller, _charged(document, spent()), error)
                if told_again:
                    raise
            except MENDABLE as error:
                if told_again:
                    await self._fail_for_now(caller, _charged(document, spent()), error)
                    raise
                await self._try_later(caller, _charged(document, spent()), error)
            except Exception as error:
                await self._fail(caller, _charged(document, spent()), error, indexing)

    async def _file(self, caller: Caller, document: Document) -> FileToProcess:
        content = await self.blobs.get(caller, file_key(document.id))
        file = await asyncio.to_thread(self.look_at, document.filename, content)
        if file.sha256 != document.sha256:
            raise ContentMismatch("The stored file is damaged: its SHA-256 has changed. Upload it again.")
        return file

    async def _try_later(self, caller: Caller, document: Document, error: RagsqlError) -> None:
        if not (self.commit.pool.is_running and await self.later(caller, document, error)):
            await self._fail(caller, document, error, indexed=True)

    async def _fail_for_now(self, caller: Caller, document: Document, error: RagsqlError) -> None:
        _log.warning("The document %s failed for now. %s", document.id, error.message)
        async with self.locks.hold(caller.tenant, document.filename):
            await to_the_end(self.records.update_document(caller, failed_with(document, error)))

    async def _fail(self, caller: Caller, document: Document, error: Exception, indexed: bool) -> None:
        if not isinstance(error, RagsqlError):
            error_id = secrets.token_hex(8)
            _log.error("error %s", error_id, exc_info=error)
            error = RagsqlError(f"The service failed. Its log says why under the error id {error_id}.")
        async with self.locks.hold(caller.tenant, document.filename):
            await to_the_end(self._save_failure(caller, failed_with(document, error), indexed))

    async def _save_failure(self, caller: Caller, failed: Document, indexed: bool) -> None:
        """An index that is down keeps nobody waiting who never was in it."""
        try:
            if indexed:
                await self.vectors.delete(caller, failed.id)
            await self.records.update_document(caller, failed)
            await forget_blobs(caller, self.blobs, self.records, failed)
        except RagsqlError:
            _log.exception("That a document failed could not be stored; it is tried again.")


def _claimed(document: Document) -> Document:
    now = dt.datetime.now(dt.UTC)
    return replace(
        document,
        state=DocumentState.PROCESSING,
        failure_reason="",
        error_reason="",
        retry_time=None,
        update_time=now,
    )


def _charged(document: Document, spent: Usage) -> Document:
    """With what this attempt cost, beside those before it."""
    return replace(document, usage=(document.usage or Usage()) + spent)
