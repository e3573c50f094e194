"""Reserve uploads of large files, take what is PUT, and forget what never came."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass

from service.domain.caller import Caller
from service.domain.documents import DocumentState, Upload
from service.errors import NotFound, UploadUrlInvalid
from service.ports import BlobInfo, BlobStore, UploadRecords
from service.usecases.accept_document import check_file
from service.usecases.bundle import ReservedUpload
from service.usecases.name_locks import NameLocks
from service.usecases.process_document import file_key

URL_SECONDS = 15 * 60.0
_TIME_TO_INGEST = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class CreateUpload:
    """max_bytes bounds the file."""

    records: UploadRecords
    blobs: BlobStore
    locks: NameLocks
    max_bytes: int

    async def __call__(self, caller: Caller, filename: str, blob: BlobInfo) -> ReservedUpload:
        """An upload and the URL to PUT it to. Raises InvalidRequest, PayloadTooLarge and UpstreamUnavailable."""
        check_file(filename, blob.size_bytes, self.max_bytes, "size_bytes")
        upload_id = uuid.uuid4().hex
        target = await self.blobs.presign_put(caller, file_key(upload_id), blob, URL_SECONDS)
        upload = Upload(
            id=upload_id,
            filename=filename,
            size_bytes=blob.size_bytes,
            sha256=blob.sha256,
            create_time=dt.datetime.now(dt.UTC),
            expire_time=target.expire_time + _TIME_TO_INGEST,
        )
        await self.records.save_upload(caller, upload)
        return ReservedUpload(upload, target)

    async def receive(self, token: str, size_bytes: int | None, body: AsyncIterator[bytes]) -> None:
        """Store what is PUT. Raises UploadUrlInvalid, ContentMismatch and UpstreamUnavailable."""
        caller, key = await self.blobs.accept_put(token, size_bytes, body)
        if not await self._is_wanted(caller, key.rpartition("/")[2]):
            await self.blobs.delete(caller, key)
            raise UploadUrlInvalid("This upload has expired, or its document is gone. Call CreateUpload again.")

    async def purge(self) -> None:
        """Forget the uploads that have expired, with the files of those that were never ingested."""
        now = dt.datetime.now(dt.UTC)
        for tenant in await self.records.list_tenants():
            caller = Caller(tenant)
            for upload in await self.records.list_uploads(caller, now):
                async with self.locks.hold(tenant, upload.filename):
                    await self._forget(caller, upload.id, now)

    async def _is_wanted(self, caller: Caller, upload_id: str) -> bool:
        """Whether the file will be ingested or is the file of a document. Then PUTting it again does no harm."""
        try:
            upload = await self.records.get_upload(caller, upload_id)
            if not upload.document_id:
                return True
            return (await self.records.get_document(caller, upload_id)).state is not DocumentState.FAILED
        except NotFound:
            return False

    async def _forget(self, caller: Caller, upload_id: str, now: dt.datetime) -> None:
        upload = await self.records.get_upload(caller, upload_id)
        if upload.expire_time > now:
            return
        if not upload.document_id:
            await self.blobs.delete(caller, file_key(upload.id))
        await self.records.delete_upload(caller, upload.id)
