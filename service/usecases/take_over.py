"""Go on with what waited for another attempt, and with what other processes did not live to finish."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from service.domain.caller import Caller
from service.domain.documents import Document, DocumentState
from service.errors import NotFound, RagsqlError
from service.ports import BlobStore, UploadRecords, VectorStore
from service.usecases.commit_document import CommitDocument
from service.usecases.forget_document import failed_with
from service.usecases.heartbeat import LEASE
from service.usecases.process_document import file_key
from service.usecases.retry_later import MENDABLE, RetryLater
from service.usecases.sql_statements import now

LONGEST_UPLOAD = dt.timedelta(minutes=20)
"""A document without a file may be an upload that is still processed, which stores its file last."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TakeOver:
    """Each document is taken by one process only. Nothing is done twice unless clocks differ by more than LEASE."""

    records: UploadRecords
    vectors: VectorStore
    blobs: BlobStore
    commit: CommitDocument
    later: RetryLater
    clock: Callable[[], dt.datetime] = now

    async def __call__(self) -> list[tuple[Caller, Document]]:
        """The documents whose processing is to be done again. A store that is down is tried again later."""
        again: list[tuple[Caller, Document]] = []
        try:
            for tenant, document in await self.records.claim_documents(self.clock() - LEASE, self.clock()):
                if await self._is_to_be_processed(Caller(tenant), document):
                    again.append((Caller(tenant), replace(document, state=DocumentState.PENDING)))
        except RagsqlError as error:
            _log.warning("Unfinished documents could not be taken over. %s", error.message)
        except Exception:
            _log.exception("Unfinished documents could not be taken over.")
        return again

    async def _is_to_be_processed(self, caller: Caller, document: Document) -> bool:
        """Whether its file is there and searches do not find it yet. One that has to wait longer says why."""
        try:
            if document.id in await self.vectors.document_ids(caller):
                await self.commit.take_up(caller, document)
                return False
            return await self._has_file(caller, document)
        except MENDABLE as error:
            if not await self.later(caller, document, error):
                await self.records.update_document(caller, failed_with(document, error))
        except RagsqlError as error:
            await self.later.wait(caller, document, error)
        return False

    async def _has_file(self, caller: Caller, document: Document) -> bool:
        """Forgets what has none because it never was acknowledged."""
        try:
            await self.blobs.describe(caller, file_key(document.id))
        except NotFound:
            # In a folder, the file may be on the machine of another process.
            elsewhere = self.records.shared and not self.blobs.shared
            if not elsewhere and document.create_time < self.clock() - LONGEST_UPLOAD:
                await self.vectors.delete(caller, document.id)
                await self.records.delete_document(caller, document.id)
            return False
        return True
