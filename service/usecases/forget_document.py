"""Remove the files of a document that is gone."""

from __future__ import annotations

from service.domain.caller import Caller
from service.domain.documents import Document, DocumentState
from service.ports import BlobStore, DocumentRecords
from service.usecases.process_document import file_key, processed_key


async def forget_blobs(caller: Caller, blobs: BlobStore, records: DocumentRecords, document: Document) -> None:
    """Delete the file, and what processing it gave unless another document has the same content."""
    await blobs.delete(caller, file_key(document.id))
    sharing = await records.find_documents(caller, sha256=document.sha256)
    if all(other.id == document.id or other.state is DocumentState.FAILED for other in sharing):
        await blobs.delete(caller, processed_key(document.sha256))
