"""Ports in memory. Each can be told to fail at a call, to see what an upload leaves behind."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from service.domain.caller import Caller
from service.domain.documents import UNFINISHED, Document, DocumentState, IngestProgress, Passage, Upload
from service.domain.health import ComponentHealth, HealthStatus
from service.errors import NotFound, UpstreamUnavailable
from service.ports import BlobInfo, EmbeddedChunk, Page, PresignedPut

if TYPE_CHECKING:
    from service.ports import Vectors


@dataclass
class Flaky:
    """fail_at names the call that raises UpstreamUnavailable; "name:2" is its second call."""

    fail_at: str = ""
    calls: dict[str, int] = field(default_factory=dict[str, int])

    def called(self, name: str) -> None:
        self.calls[name] = self.calls.get(name, 0) + 1
        if self.fail_at in (f"{name}:{self.calls[name]}", name):
            raise UpstreamUnavailable(f"{name} is down.")

    async def check(self) -> ComponentHealth:
        return ComponentHealth("test", "memory", HealthStatus.SERVING)


@dataclass
class MemoryBlobs(Flaky):
    shared: bool = False
    stored: dict[tuple[str, str], bytes] = field(default_factory=dict[tuple[str, str], bytes])

    async def put(self, caller: Caller, key: str, content: bytes) -> None:
        self.called("put")
        self.stored[caller.tenant, key] = content

    async def put_new(self, caller: Caller, key: str, content: bytes) -> bool:
        self.called("put")
        return self.stored.setdefault((caller.tenant, key), content) is content

    async def get(self, caller: Caller, key: str) -> bytes:
        self.called("get")
        if (caller.tenant, key) not in self.stored:
            raise NotFound("No such blob.")
        return self.stored[caller.tenant, key]

    async def delete(self, caller: Caller, key: str) -> None:
        self.called("delete")
        self.stored.pop((caller.tenant, key), None)

    async def describe(self, caller: Caller, key: str) -> BlobInfo:
        if (content := self.stored.get((caller.tenant, key))) is None:
            raise NotFound("No such blob.")
        return BlobInfo(len(content), hashlib.sha256(content).hexdigest())

    async def list_keys(self, caller: Caller) -> list[str]:
        return [key for tenant, key in self.stored if tenant == caller.tenant]

    async def presign_put(self, caller: Caller, key: str, blob: BlobInfo, seconds: float) -> PresignedPut:
        self.called("presign")
        return PresignedPut(f"/uploads/{key}", {}, dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds))

    async def accept_put(self, token: str, size_bytes: int | None, body: AsyncIterator[bytes]) -> tuple[Caller, str]:
        await self.put(Caller("me"), token, b"".join([piece async for piece in body]))
        return Caller("me"), token

    async def tidy(self) -> None:
        self.called("tidy")


@dataclass
class MemoryVectors(Flaky):
    """Waits for gate inside replace, and says with reached that it is there."""

    gate: asyncio.Event | None = None
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    stored: dict[tuple[str, str], list[EmbeddedChunk]] = field(
        default_factory=dict[tuple[str, str], list[EmbeddedChunk]]
    )

    async def replace(
        self, caller: Caller, document: Document, chunks: Sequence[EmbeddedChunk], replaces: Sequence[str] = ()
    ) -> None:
        self.called("replace")
        self.reached.set()
        await self.gate.wait() if self.gate else await asyncio.sleep(0)
        for document_id in replaces:
            self.stored.pop((caller.tenant, document_id), None)
        self.stored[caller.tenant, document.id] = list(chunks)

    async def delete(self, caller: Caller, document_id: str) -> None:
        self.called("delete")
        self.stored.pop((caller.tenant, document_id), None)

    async def search(
        self, caller: Caller, query: str, vector: Vectors, limit: int, documents: Sequence[str] = ()
    ) -> list[Passage]:
        return []

    async def count(self, caller: Caller) -> int:
        return sum(len(chunks) for (tenant, _), chunks in self.stored.items() if tenant == caller.tenant)

    async def document_ids(self, caller: Caller) -> list[str]:
        return [document_id for tenant, document_id in self.stored if tenant == caller.tenant]

    async def epoch(self, caller: Caller) -> str:
        return str(self.calls)


@dataclass
class MemoryRecords(Flaky):
    stored: dict[tuple[str, str], Document] = field(default_factory=dict[tuple[str, str], Document])
    uploads: dict[tuple[str, str], Upload] = field(default_factory=dict[tuple[str, str], Upload])

    shared: bool = False

    async def claim_documents(self, before: dt.datetime, now: dt.datetime) -> list[tuple[str, Document]]:
        self.called("claim")
        found = [
            (tenant, replace(one, update_time=now, retry_time=None))
            for (tenant, _), one in self.stored.items()
            if self._left(one) and (one.retry_time <= now if one.retry_time else one.update_time <= before)
        ]
        for tenant, one in found:
            self.stored[tenant, one.id] = one
        return found

    async def touch_documents(
        self, caller: Caller, progress: Mapping[str, IngestProgress | None], now: dt.datetime
    ) -> None:
        self.called("touch")
        for document_id, known in progress.items():
            one = self.stored.get((caller.tenant, document_id))
            if one and self._left(one):
                self.stored[caller.tenant, document_id] = replace(one, update_time=now, progress=known)

    async def start_delete(self, caller: Caller, document_id: str, now: dt.datetime) -> Document:
        self.called("start_delete")
        document = replace(await self.get_document(caller, document_id), delete_time=now)
        self.stored[caller.tenant, document_id] = document
        return document

    async def hide_document(self, caller: Caller, document_id: str) -> None:
        self.called("hide")
        if one := self.stored.get((caller.tenant, document_id)):
            self.stored[caller.tenant, document_id] = replace(one, state=DocumentState.FAILED)

    async def claim_deleted(self, before: dt.datetime, now: dt.datetime) -> list[tuple[str, Document]]:
        self.called("claim_deleted")
        found = [
            (tenant, replace(one, delete_time=now))
            for (tenant, _), one in self.stored.items()
            if one.delete_time and one.delete_time <= before
        ]
        for tenant, one in found:
            self.stored[tenant, one.id] = one
        return found

    @staticmethod
    def _left(document: Document) -> bool:
        return document.state in UNFINISHED and document.delete_time is None

    @staticmethod
    def _seen(document: Document | None) -> bool:
        return bool(document and (document.delete_time is None or document.state is DocumentState.ACTIVE))

    async def save_document(self, caller: Caller, document: Document, replaces: Sequence[str] = ()) -> None:
        self.called("save")
        for document_id in replaces:
            self.stored.pop((caller.tenant, document_id), None)
        self.stored[caller.tenant, document.id] = document

    async def update_document(self, caller: Caller, document: Document, replaces: Sequence[str] = ()) -> bool:
        self.called("update")
        known = self.stored.get((caller.tenant, document.id))
        if known is None or known.delete_time:
            return False
        for document_id in replaces:
            self.stored.pop((caller.tenant, document_id), None)
        self.stored[caller.tenant, document.id] = document
        return True

    async def swap_document(self, caller: Caller, old: Document, new: Document) -> bool:
        self.called("update")
        stored = self.stored.get((caller.tenant, old.id))
        if stored is None or (stored.state, stored.update_time) != (old.state, old.update_time):
            return False
        self.stored[caller.tenant, old.id] = new
        return True

    async def save_upload(self, caller: Caller, upload: Upload, document: Document | None = None) -> None:
        self.called("save_upload")
        self.uploads[caller.tenant, upload.id] = upload
        if document is not None:
            self.stored.setdefault((caller.tenant, document.id), document)

    async def get_upload(self, caller: Caller, upload_id: str) -> Upload:
        if (caller.tenant, upload_id) not in self.uploads:
            raise NotFound("No such upload.")
        return self.uploads[caller.tenant, upload_id]

    async def list_uploads(self, caller: Caller, expired: dt.datetime | None = None) -> list[Upload]:
        mine = [upload for (tenant, _), upload in self.uploads.items() if tenant == caller.tenant]
        return [upload for upload in mine if expired is None or upload.expire_time <= expired]

    async def delete_upload(self, caller: Caller, upload_id: str) -> None:
        self.uploads.pop((caller.tenant, upload_id), None)

    async def list_tenants(self) -> list[str]:
        return sorted({tenant for tenant, _ in (*self.stored, *self.uploads)})

    async def get_document(self, caller: Caller, document_id: str) -> Document:
        if not self._seen(self.stored.get((caller.tenant, document_id))):
            raise NotFound("No such document.")
        return self.stored[caller.tenant, document_id]

    async def find_documents(self, caller: Caller, *, filename: str = "", sha256: str = "") -> list[Document]:
        self.called("find")
        return [
            document
            for (tenant, _), document in reversed(self.stored.items())
            if tenant == caller.tenant
            and filename in ("", document.filename)
            and sha256 in ("", document.sha256)
            and self._seen(document)
        ]

    async def list_documents(
        self, caller: Caller, size: int, token: str, states: Sequence[DocumentState] = ()
    ) -> Page[Document]:
        found = await self.find_documents(caller)
        return Page(tuple(document for document in found if not states or document.state in states)[:size])

    async def delete_document(self, caller: Caller, document_id: str) -> None:
        if (caller.tenant, document_id) not in self.stored:
            raise NotFound("No such document.")
        del self.stored[caller.tenant, document_id]

    async def count_documents(self, caller: Caller) -> int:
        return len(self.stored)
