"""Upload a file in one message and make it searchable."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace

from service.domain.caller import Caller
from service.domain.documents import Document, DocumentState
from service.domain.spending import spending
from service.errors import NotFound
from service.usecases.accept_document import check_file
from service.usecases.bundle import UploadedDocument
from service.usecases.document_intake import DocumentIntake
from service.usecases.forget_document import forget_blobs
from service.usecases.heartbeat import Heartbeat
from service.usecases.shielding import to_the_end

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class UploadDocument(DocumentIntake):
    """Of several uploads of one name the last that was accepted stays. max_bytes bounds the file."""

    max_bytes: int
    heartbeat: Heartbeat

    async def __call__(self, caller: Caller, filename: str, content: bytes) -> UploadedDocument:
        """The ACTIVE document, in place of any other of this name. A failed upload leaves nothing behind.

        Its file is stored last, so that a process killed meanwhile leaves a record without one, which the next start
        removes. Raises InvalidRequest, PayloadTooLarge, UnsupportedMediaType, UnreadableDocument, UpstreamUnavailable,
        and NotFound when it was deleted meanwhile.
        """
        check_file(filename, len(content), self.max_bytes, "content")
        file = await asyncio.to_thread(self.look_at, filename, content)
        accepting = self.accept(caller, file, DocumentState.PROCESSING, (DocumentState.ACTIVE,))
        document, known = await to_the_end(accepting)
        if known:
            self.process.count_reused(caller)
            return UploadedDocument(document, cache_hit=True)
        try:
            async with self.heartbeat.hold(caller, document):
                with spending() as spent:
                    processed, reused = await self.process(caller, file)
                charged = replace(document, usage=spent())
                active = await self.commit(caller, charged, processed, content)
        except BaseException:
            await to_the_end(self._discard(caller, document))
            raise
        return UploadedDocument(active or await self._successor(caller, document), cache_hit=reused)

    async def _discard(self, caller: Caller, document: Document) -> None:
        """Remove what was accepted, unless it was stored whole all the same."""
        try:
            async with self.locks.hold(caller.tenant, document.filename):
                if (await self.records.get_document(caller, document.id)).state is DocumentState.ACTIVE:
                    return
                await self.commit.take_back(caller, document)
                await self.records.delete_document(caller, document.id)
                await forget_blobs(caller, self.blobs, self.records, document)
        except NotFound:
            await forget_blobs(caller, self.blobs, self.records, document)
        except Exception:
            _log.exception("An upload failed and could not be taken back; that is done later.")

    async def _successor(self, caller: Caller, document: Document) -> Document:
        """The document that a later upload put in place of this one."""
        others = await self.records.find_documents(caller, filename=document.filename)
        if active := next((other for other in others if other.state is DocumentState.ACTIVE), None):
            return active
        raise NotFound(f'The document "{document.filename}" was deleted while it was uploaded. Upload it again.')
