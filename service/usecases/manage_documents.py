"""Upload, read, list and delete documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from service.domain.caller import Caller
from service.domain.documents import Document, DocumentState
from service.ports import BlobStore, DocumentRecords, Embedder, Page, Parser, VectorStore
from service.usecases.bundle import UploadedDocument
from service.usecases.forget_document import forget_blobs
from service.usecases.name_locks import NameLocks
from service.usecases.process_document import ProcessDocument
from service.usecases.upload_document import UploadDocument

LARGEST_FILE = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ManageDocuments:
    """Implements bundle.DocumentUseCases. max_bytes bounds an uploaded file."""

    records: DocumentRecords
    vectors: VectorStore
    blobs: BlobStore
    parser: Parser
    embedder: Embedder
    max_bytes: int = LARGEST_FILE
    _locks: NameLocks = field(default_factory=NameLocks, init=False)

    async def upload(self, caller: Caller, filename: str, content: bytes) -> UploadedDocument:
        """See UploadDocument."""
        processor = ProcessDocument(self.blobs, self.parser, self.embedder)
        verb = UploadDocument(self.records, self.vectors, self.blobs, processor, self._locks, self.max_bytes)
        return await verb(caller, filename, content)

    async def get(self, caller: Caller, document_id: str) -> Document:
        """Raises NotFound."""
        return await self.records.get_document(caller, document_id)

    async def list(self, caller: Caller, size: int, token: str, states: Sequence[DocumentState]) -> Page[Document]:
        """A page, newest first. Raises InvalidRequest for a token that is not ours."""
        return await self.records.list_documents(caller, size, token, states)

    async def delete(self, caller: Caller, document_id: str) -> None:
        """Delete the document with its chunks and files; no search finds it from here on. Raises NotFound."""
        document = await self.records.get_document(caller, document_id)
        async with self._locks.hold(caller.tenant, document.filename):
            await self.vectors.delete(caller, document_id)
            await self.records.delete_document(caller, document_id)
            await forget_blobs(caller, self.blobs, self.records, document)
