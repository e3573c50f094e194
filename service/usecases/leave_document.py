"""Take a file in one message and leave its processing to whoever the store tells of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from service.domain.caller import Caller
from service.domain.documents import DocumentState
from service.usecases.accept_document import ACCEPTED, check_file
from service.usecases.bundle import UploadedDocument
from service.usecases.document_intake import DocumentIntake
from service.usecases.ingest_document import IngestDocument
from service.usecases.process_document import FileToProcess, file_key
from service.usecases.shielding import to_the_end


@dataclass(frozen=True, slots=True)
class LeaveDocument(DocumentIntake):
    """max_bytes bounds the file."""

    max_bytes: int
    ingest: IngestDocument

    async def __call__(self, caller: Caller, filename: str, content: bytes) -> UploadedDocument:
        """The PENDING document, ACTIVE when its content was processed before. Raises as UploadDocument does."""
        check_file(filename, len(content), self.max_bytes, "content")
        file = await asyncio.to_thread(self.look_at, filename, content)
        return await to_the_end(self._leave(caller, file))

    async def _leave(self, caller: Caller, file: FileToProcess) -> UploadedDocument:
        document, known = await self.accept(caller, file, DocumentState.PENDING, ACCEPTED)
        if known:
            return UploadedDocument(document, cache_hit=document.state is DocumentState.ACTIVE)
        try:
            await self.blobs.put(caller, file_key(document.id), file.content)
        except BaseException:
            await self.records.delete_document(caller, document.id)
            raise
        kept = await self.process.reuse(caller, file.sha256)
        if kept:
            await self.ingest(caller, document, kept)
        return UploadedDocument(await self.records.get_document(caller, document.id), cache_hit=kept is not None)
