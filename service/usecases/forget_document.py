"""What is left of a document that failed, and of one that is gone."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from service.domain.caller import Caller
from service.domain.documents import Document, DocumentState
from service.errors import RagsqlError
from service.ports import BlobStore, DocumentRecords
from service.usecases.process_document import file_key, processed_key


def failed_with(document: Document, error: RagsqlError) -> Document:
    """The document, FAILED now for this reason."""
    return replace(
        document,
        state=DocumentState.FAILED,
        failure_reason=error.message,
        error_reason=error.reason,
        update_time=dt.datetime.now(dt.UTC),
    )


async def forget_blobs(caller: Caller, blobs: BlobStore, records: DocumentRecords, document: Document) -> None:
    """Delete the file, and what processing it gave unless another document has the same content."""
    await blobs.delete(caller, file_key(document.id))
    sharing = await records.find_documents(caller, sha256=document.sha256)
    if all(one.id == document.id or one.state is DocumentState.FAILED or one.delete_time for one in sharing):
        await blobs.delete(caller, processed_key(document.sha256))
