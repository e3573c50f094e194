"""Steps of an upload of a large file."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator

from service.domain.documents import Document, DocumentState
from service.usecases.manage_documents import ManageDocuments
from tests.documents.world import ME


async def stream(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def reserve(documents: ManageDocuments, filename: str, content: bytes) -> tuple[str, str]:
    """The upload's id and the token to PUT with."""
    reserved = await documents.create_upload(ME, filename, len(content), hashlib.sha256(content).hexdigest())
    return reserved.upload.id, reserved.target.url.removeprefix("/uploads/")


async def put(documents: ManageDocuments, filename: str, content: bytes) -> str:
    upload_id, token = await reserve(documents, filename, content)
    await documents.receive(token, len(content), stream(content))
    return upload_id


async def ingest(documents: ManageDocuments, filename: str, content: bytes) -> Document:
    return (await documents.ingest(ME, await put(documents, filename, content))).document


async def settled(documents: ManageDocuments, document: Document) -> Document:
    """The document once it is neither PENDING nor PROCESSING."""
    async with asyncio.timeout(60):
        while (now := await documents.get(ME, document.id)).state not in (DocumentState.ACTIVE, DocumentState.FAILED):
            await asyncio.sleep(0.001)
    return now
