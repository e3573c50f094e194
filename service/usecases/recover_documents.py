"""Put records, index and files in agreement after a process ended in the middle of its work."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace

from service.domain.caller import DEFAULT_CALLER, Caller
from service.domain.documents import UNFINISHED, Document, DocumentState
from service.errors import NotFound, RagsqlError
from service.ports import BlobStore, UploadRecords, VectorStore
from service.usecases.commit_document import CommitDocument
from service.usecases.delete_document import DeleteDocument
from service.usecases.forget_document import failed_with
from service.usecases.process_document import file_key, processed_key

_PAGE = 250
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RecoverDocuments:
    """For the start of the only process that writes: what it finds unfinished nobody else is working on."""

    records: UploadRecords
    vectors: VectorStore
    blobs: BlobStore
    commit: CommitDocument
    deletion: DeleteDocument

    async def __call__(self) -> list[tuple[Caller, Document]]:
        """The documents whose processing is to be done again, in the order in which they were accepted."""
        unfinished: list[tuple[Caller, Document]] = []
        try:
            await self.blobs.tidy()
            await self.deletion.sweep(dt.datetime.now(dt.UTC))
            for tenant in {DEFAULT_CALLER.tenant, *await self.records.list_tenants()}:
                caller = Caller(tenant)
                unfinished += [(caller, document) for document in await self._recover(caller)]
        except RagsqlError as error:
            _log.warning("What an earlier process left could not be put in order. %s", error.message)
        return unfinished

    async def _recover(self, caller: Caller) -> list[Document]:
        # Before the records: every file has its record before it is there.
        keys = set(await self.blobs.list_keys(caller))
        indexed = set(await self.vectors.document_ids(caller))
        await self._finish(caller, indexed)
        documents = await self._documents(caller)
        active = {document.id for document in documents if document.state is DocumentState.ACTIVE}
        for document_id in indexed - active:
            await self.vectors.delete(caller, document_id)
        resumed: list[Document] = []
        for document in documents:
            if document.state in UNFINISHED or document.id in active - indexed:
                resumed += await self._resume(caller, document, keys)
        if not self.blobs.shared:
            await self._sweep(caller, keys)
        return sorted(resumed, key=lambda document: document.create_time)

    async def _finish(self, caller: Caller, indexed: set[str]) -> None:
        """Make ACTIVE what searches found already in place of others when the process ended."""
        for ready in await self._documents(caller):
            if ready.state in UNFINISHED and ready.id in indexed:
                await self.commit.take_up(caller, ready)

    async def _resume(self, caller: Caller, document: Document, keys: set[str]) -> list[Document]:
        """The document, PENDING again. Without its file it fails, or goes if it never was acknowledged."""
        if file_key(document.id) in keys:
            now = dt.datetime.now(dt.UTC)
            pending = replace(document, state=DocumentState.PENDING, retry_time=None, update_time=now)
            await self.records.update_document(caller, pending)
            return [pending]
        if document.state in UNFINISHED:
            await self.records.delete_document(caller, document.id)
        else:
            gone = NotFound("Its file and its index are gone from the data folder. Upload it again.")
            await self.records.update_document(caller, failed_with(document, gone))
        return []

    async def _sweep(self, caller: Caller, keys: Iterable[str]) -> None:
        """Delete files that no document and no upload has."""
        living = [one for one in await self._documents(caller) if one.state is not DocumentState.FAILED]
        wanted = {file_key(one.id) for one in living} | {processed_key(one.sha256) for one in living}
        wanted |= {file_key(upload.id) for upload in await self.records.list_uploads(caller) if not upload.document_id}
        for key in keys:
            if key not in wanted and key.startswith((file_key(""), processed_key(""))):
                await self.blobs.delete(caller, key)

    async def _documents(self, caller: Caller) -> list[Document]:
        found: list[Document] = []
        page = await self.records.list_documents(caller, _PAGE, "")
        found += page.items
        while page.next_token:
            page = await self.records.list_documents(caller, _PAGE, page.next_token)
            found += page.items
        return found
