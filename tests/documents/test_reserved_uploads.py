"""What may be announced, PUT and ingested, and for how long, over ports in memory."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
from dataclasses import replace

import pytest

from service.domain.caller import Caller
from service.domain.documents import DocumentState
from service.errors import (
    ContentMismatch,
    InvalidRequest,
    NotFound,
    PayloadTooLarge,
    UploadIncomplete,
    UploadUrlInvalid,
)
from service.usecases.manage_documents import LARGEST_UPLOAD
from tests.documents.uploads import ingest, reserve, stream
from tests.documents.world import ME, TEXT, World

pytestmark = pytest.mark.anyio
OTHER = b"Now something else."


async def test_ingest_before_the_put_and_of_an_unknown_upload(world: World) -> None:
    documents = world.use_cases()
    upload_id, token = await reserve(documents, "a.txt", TEXT)
    with pytest.raises(UploadIncomplete, match="PUT"):
        await documents.ingest(ME, upload_id)
    for caller, unknown in ((ME, "unknown"), (Caller("you"), upload_id)):
        with pytest.raises(NotFound):
            await documents.ingest(caller, unknown)
    await documents.receive(token, None, stream(TEXT))
    assert (await documents.ingest(ME, upload_id)).document.state is DocumentState.ACTIVE


@pytest.mark.parametrize("content", [TEXT + b"!", TEXT[:-1], TEXT[:-1] + b"!"])
async def test_other_content_than_announced_is_refused_by_ingest_too(world: World, content: bytes) -> None:
    documents = world.use_cases()
    upload_id, token = await reserve(documents, "a.txt", TEXT)
    await documents.receive(token, None, stream(content))
    with pytest.raises(ContentMismatch, match=hashlib.sha256(TEXT).hexdigest()):
        await documents.ingest(ME, upload_id)
    assert world.left() == (set(), set(), set())
    await documents.receive(token, None, stream(TEXT))
    assert (await documents.ingest(ME, upload_id)).document.state is DocumentState.ACTIVE


@pytest.mark.parametrize(
    ("filename", "size", "error"),
    [
        ("../a", 1, InvalidRequest),
        ("a.txt", 0, InvalidRequest),
        ("a.txt", -1, InvalidRequest),
        ("a.txt", LARGEST_UPLOAD + 1, PayloadTooLarge),
    ],
)
async def test_what_cannot_be_announced(world: World, filename: str, size: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        await world.use_cases().create_upload(ME, filename, size, "0" * 64)
    assert world.records.uploads == {}


async def test_a_put_may_be_repeated_while_there_is_a_document_and_not_after(world: World) -> None:
    documents = world.use_cases()
    upload_id, token = await reserve(documents, "a.txt", TEXT)
    await documents.receive(token, None, stream(TEXT))
    document = (await documents.ingest(ME, upload_id)).document
    await documents.receive(token, None, stream(TEXT))
    same_id, same = await reserve(documents, "a.txt", TEXT)
    await documents.receive(same, None, stream(TEXT))
    assert (await documents.ingest(ME, same_id)).document == document
    whole = world.left()
    with pytest.raises(UploadUrlInvalid):
        await documents.receive(same, None, stream(TEXT))
    assert world.left() == whole
    await documents.delete(ME, document.id)
    with pytest.raises(UploadUrlInvalid, match="gone"):
        await documents.receive(token, None, stream(TEXT))
    assert world.left() == (set(), set(), set())


def expire(world: World) -> None:
    long_ago = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
    world.records.uploads = {key: replace(one, expire_time=long_ago) for key, one in world.records.uploads.items()}


async def test_uploads_that_are_never_ingested_are_forgotten_when_they_expire(world: World) -> None:
    documents = world.use_cases()
    upload_id, token = await reserve(documents, "a.txt", TEXT)
    await documents.receive(token, None, stream(TEXT))
    used = await ingest(documents, "b.txt", OTHER)
    async with documents.working(recover=True):
        await asyncio.sleep(0.01)
        assert len(world.records.uploads) == 2
    expire(world)
    with pytest.raises(NotFound, match="expired"):
        await documents.ingest(ME, upload_id)
    async with documents.working(recover=True):
        async with asyncio.timeout(60):
            while world.records.uploads:
                await asyncio.sleep(0.001)
    assert world.left()[2] == {f"files/{used.id}", f"processed/{used.sha256}"}
    with pytest.raises(UploadUrlInvalid):
        await documents.receive(token, None, stream(TEXT))
    assert f"files/{upload_id}" not in world.left()[2]
