"""Delete a document for good: what is begun is finished, by this process or by another."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

from service.domain.caller import Caller
from service.domain.documents import UNFINISHED, Document
from service.errors import NotFound, RagsqlError
from service.ports import BlobStore, Cache, UploadRecords, VectorStore
from service.usecases import answer_cache
from service.usecases.forget_document import forget_blobs
from service.usecases.ingest_pool import IngestPool
from service.usecases.name_locks import NameLocks
from service.usecases.shielding import to_the_end

T = TypeVar("T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DeleteDocument:
    """The record is marked first and removed last, so that whoever finds the mark knows what is left to do.

    Readers see the document for as long as searches may find it.
    """

    records: UploadRecords
    vectors: VectorStore
    blobs: BlobStore
    cache: Cache
    locks: NameLocks
    pool: IngestPool

    async def __call__(self, caller: Caller, document_id: str) -> None:
        """No search finds it from here on. What is being done with it ends first.

        Raises NotFound, and UpstreamUnavailable when it is not deleted yet, but will be.
        """
        document = await self.records.get_document(caller, document_id)
        async with self.locks.hold(caller.tenant, document.filename):
            await to_the_end(self._delete(caller, document_id))

    async def sweep(self, before: dt.datetime) -> None:
        """Finish what was begun before. A store that is down is tried again next time."""
        for tenant, document in await self._told(self.records.claim_deleted(before, dt.datetime.now(dt.UTC))) or ():
            await self._told(self._finish(Caller(tenant), document))

    @staticmethod
    async def _told(work: Awaitable[T]) -> T | None:
        try:
            return await work
        except RagsqlError as error:
            _log.warning("What was to be deleted is not gone yet. %s", error.message)
        except Exception:
            _log.exception("What was to be deleted is not gone yet.")
        return None

    async def _delete(self, caller: Caller, document_id: str) -> None:
        document = await self.records.start_delete(caller, document_id, dt.datetime.now(dt.UTC))
        await self.pool.stop(caller.tenant, document.id)
        await self._finish(caller, document)

    async def _finish(self, caller: Caller, document: Document) -> None:
        await self.vectors.delete(caller, document.id)
        await self.records.hide_document(caller, document.id)
        await forget_blobs(caller, self.blobs, self.records, document)
        await self.cache.clear(caller, answer_cache.KIND)
        # Another process may be at work on it and not know yet: the mark stays until what that leaves is swept.
        if not (self.records.shared and document.state in UNFINISHED):
            with contextlib.suppress(NotFound):
                await self.records.delete_document(caller, document.id)
