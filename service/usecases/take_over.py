"""Finish what other processes accepted and did not live to finish, where many share the stores."""

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
from service.usecases.heartbeat import LEASE
from service.usecases.process_document import file_key
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
    clock: Callable[[], dt.datetime] = now

    async def __call__(self) -> list[tuple[Caller, Document]]:
        """The documents whose processing is to be done again. A store that is down is tried again next time."""
        again: list[tuple[Caller, Document]] = []
        try:
            for tenant, document in await self.records.claim_documents(self.clock() - LEASE, self.clock()):
                if await self._is_to_be_processed(Caller(tenant), document):
                    again.append((Caller(tenant), replace(document, state=DocumentState.PENDING)))
        except RagsqlError as error:
            _log.warning("Unfinished documents of other processes could not be taken over. %s", error.message)
        except Exception:
            _log.exception("Unfinished documents of other processes could not be taken over.")
        return again

    async def _is_to_be_processed(self, caller: Caller, document: Document) -> bool:
        """Make ACTIVE what searches find already, and forget what was never acknowledged."""
        if document.id in await self.vectors.document_ids(caller):
            others = await self.records.find_documents(caller, filename=document.filename)
            older = [other for other in others if other.create_time < document.create_time]
            await self.commit.finish(caller, document, older)
            return False
        try:
            await self.blobs.describe(caller, file_key(document.id))
        except NotFound:
            # In a folder, the file may be on the machine of another process.
            if self.blobs.shared and document.create_time < self.clock() - LONGEST_UPLOAD:
                await self.records.delete_document(caller, document.id)
            return False
        return True
