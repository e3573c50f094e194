"""Upload, read, list and delete documents."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
import os
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import replace

from service.domain.caller import Caller
from service.domain.documents import Document, DocumentState
from service.errors import RagsqlError
from service.ports import BlobInfo, BlobStore, Cache, Embedder, Page, Parser, UploadRecords, VectorStore
from service.usecases.bundle import ReservedUpload, UploadedDocument
from service.usecases.commit_document import CommitDocument
from service.usecases.create_upload import CreateUpload
from service.usecases.delete_document import DeleteDocument
from service.usecases.heartbeat import LEASE, Heartbeat
from service.usecases.ingest_arrival import IngestArrival
from service.usecases.ingest_document import IngestDocument
from service.usecases.ingest_pool import IngestPool
from service.usecases.ingest_upload import IngestUpload
from service.usecases.leave_document import LeaveDocument
from service.usecases.name_locks import NameLocks
from service.usecases.process_document import ProcessDocument
from service.usecases.recover_documents import RecoverDocuments
from service.usecases.retry_later import RetryLater
from service.usecases.take_over import TakeOver
from service.usecases.upload_document import UploadDocument

LARGEST_FILE = 4 * 1024 * 1024
LARGEST_UPLOAD = 100 * 1024 * 1024
PURGE_SECONDS = 3600.0
TAKE_OVER_SECONDS = 5.0
_log = logging.getLogger(__name__)


class ManageDocuments:
    """Implements bundle.DocumentUseCases. max_bytes bounds a file in one message, workers what is ingested at once.

    Where left_from_bytes is given, arrived is called in another process for every file that the store receives: what
    was announced, and files in one message of that size or more, are left to it.
    """

    def __init__(
        self,
        records: UploadRecords,
        vectors: VectorStore,
        blobs: BlobStore,
        parser: Parser,
        embedder: Embedder,
        cache: Cache,
        *,
        max_bytes: int = LARGEST_FILE,
        workers: int | None = None,
        left_from_bytes: int | None = None,
    ) -> None:
        self._records = records
        locks, later = NameLocks(), RetryLater(records)
        self._processor = processor = ProcessDocument(blobs, parser, embedder, cache)
        heartbeat = Heartbeat(records, processor.board)
        self._pool = pool = IngestPool(workers or max(1, (os.cpu_count() or 1) // 2), heartbeat)
        commit = CommitDocument(records, vectors, blobs, cache, processor, locks, pool)
        self._ingest = IngestDocument(records, vectors, blobs, parser, processor, commit, locks, later)
        self._upload = UploadDocument(records, vectors, blobs, parser, processor, commit, locks, max_bytes, heartbeat)
        self._uploads = CreateUpload(records, blobs, locks, LARGEST_UPLOAD)
        left = left_from_bytes is not None
        self._ingest_upload = IngestUpload(records, blobs, processor, self._ingest, pool, locks, elsewhere=left)
        self._arrival = IngestArrival(records, self._ingest, self._ingest_upload, heartbeat)
        self._leave = LeaveDocument(records, vectors, blobs, parser, processor, commit, locks, max_bytes, self._ingest)
        self._left_from_bytes = left_from_bytes
        self._delete = DeleteDocument(records, vectors, blobs, cache, locks, pool)
        self._recover = RecoverDocuments(records, vectors, blobs, commit, self._delete)
        self._take_over = TakeOver(records, vectors, blobs, commit, later)

    @contextlib.asynccontextmanager
    async def working(self, *, recover: bool) -> AsyncGenerator[None]:
        """Ingest in the background, with more attempts after an outage.

        recover puts in order what an ended process left, goes on with what waits, and purges from time to time. Where
        many processes share the records, each goes on with what waits and with what nobody works on. Outside of this,
        as on AWS Lambda, Ingest returns when the document is ACTIVE or FAILED.
        """
        async with self._pool.running():
            chores: list[asyncio.Task[None]] = []
            if recover and not self._records.shared:
                for caller, document in await self._recover():
                    await self._resume(caller, document)
            if recover or self._records.shared:
                chores.append(asyncio.create_task(self._go_on_forever()))
            if recover:
                chores.append(asyncio.create_task(self._purge_forever()))
            try:
                yield
            finally:
                for chore in chores:
                    chore.cancel()

    async def clear(self, caller: Caller) -> int:
        """Forget what processing files gave, and say for how many. Their documents stay searchable."""
        return await self._processor.clear(caller)

    async def upload(self, caller: Caller, filename: str, content: bytes) -> UploadedDocument:
        """See UploadDocument, and LeaveDocument for files that are left to another process."""
        if self._left_from_bytes is not None and len(content) >= self._left_from_bytes:
            return await self._leave(caller, filename, content)
        return await self._upload(caller, filename, content)

    async def arrived(self, caller: Caller, file_id: str) -> Document | None:
        """See IngestArrival."""
        return await self._arrival(caller, file_id)

    async def tenants(self) -> list[str]:
        """Every tenant that has documents or uploads."""
        return await self._records.list_tenants()

    async def create_upload(self, caller: Caller, filename: str, size_bytes: int, sha256: str) -> ReservedUpload:
        """See CreateUpload."""
        return await self._uploads(caller, filename, BlobInfo(size_bytes, sha256))

    async def receive(self, token: str, size_bytes: int | None, body: AsyncIterator[bytes]) -> None:
        """See CreateUpload.receive."""
        await self._uploads.receive(token, size_bytes, body)

    async def ingest(self, caller: Caller, upload_id: str) -> UploadedDocument:
        """See IngestUpload."""
        return await self._ingest_upload(caller, upload_id)

    async def get(self, caller: Caller, document_id: str) -> Document:
        """Raises NotFound."""
        return self._processor.board.shown(caller, await self._records.get_document(caller, document_id))

    async def list(self, caller: Caller, size: int, token: str, states: Sequence[DocumentState]) -> Page[Document]:
        """A page, newest first. Raises InvalidRequest for a token that is not ours."""
        page = await self._records.list_documents(caller, size, token, states)
        return replace(page, items=tuple(self._processor.board.shown(caller, one) for one in page.items))

    async def delete(self, caller: Caller, document_id: str) -> None:
        """See DeleteDocument."""
        await self._delete(caller, document_id)

    async def _resume(self, caller: Caller, document: Document) -> None:
        await self._pool.submit(caller, document, lambda: self._ingest(caller, document))

    async def _go_on_forever(self) -> None:
        while True:
            await self._delete.sweep(dt.datetime.now(dt.UTC) - LEASE)
            for caller, document in await self._take_over():
                await self._resume(caller, document)
            await asyncio.sleep(TAKE_OVER_SECONDS)

    async def _purge_forever(self) -> None:
        while True:
            try:
                await self._uploads.purge()
            except RagsqlError as error:
                _log.warning("Expired uploads could not be removed. %s", error.message)
            await asyncio.sleep(PURGE_SECONDS)
