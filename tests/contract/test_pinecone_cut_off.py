"""Pinecone is cut off at any request of a change, for a moment or until the process is gone, its answer lost or not.

Readers see the old document or the new one, what was acknowledged is found, what was deleted is not, and nothing stays.
"""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from service.adapters.caches.memory import MemoryCache
from service.adapters.vectors.pinecone import PineconeVectorStore
from service.domain.caller import Caller
from service.domain.documents import UNFINISHED, Document, DocumentState
from service.errors import NotFound, RagsqlError
from service.usecases.manage_documents import ManageDocuments
from tests.documents.killing import NEW, an_hour_later
from tests.documents.memory_models import LengthEmbedder, LineParser
from tests.documents.world import TEXT, World
from tests.pinecone_emulator import PineconeEmulator
from tests.pinecone_index import Index

pytestmark = pytest.mark.anyio
SECONDS = 60


class Process:
    """The stores as a process of its own sees them."""

    def __init__(self) -> None:
        self.vectors = PineconeVectorStore("key", "rag-documents", "lengths", 2, grace_seconds=0.0)
        self.embedder = LengthEmbedder()

    def documents(self, world: World) -> ManageDocuments:
        ports = world.records, self.vectors, world.blobs, LineParser(), self.embedder, MemoryCache(1000)
        return ManageDocuments(*ports, max_bytes=4096, workers=1)

    async def found(self, caller: Caller) -> set[str]:
        """The documents that a search returns."""
        vector = await self.embedder.embed_query(caller, "sentence")
        return {one.document_id for one in await self.vectors.search(caller, "sentence", vector, 1000)}


Act = Callable[[ManageDocuments, Caller, World, Document], Awaitable[object]]


async def upload(documents: ManageDocuments, caller: Caller, world: World, old: Document) -> None:
    await documents.upload(caller, "a.txt", NEW)


async def delete(documents: ManageDocuments, caller: Caller, world: World, old: Document) -> None:
    await documents.delete(caller, old.id)


async def ingest(documents: ManageDocuments, caller: Caller, world: World, old: Document) -> None:
    """Its work ends in the background, as far as it gets."""
    reserved = await documents.create_upload(caller, "a.txt", len(NEW), hashlib.sha256(NEW).hexdigest())
    await world.blobs.put(caller, f"files/{reserved.upload.id}", NEW)
    await documents.ingest(caller, reserved.upload.id)
    while any(one.state in UNFINISHED and not one.retry_time for one in world.records.stored.values()):
        await asyncio.sleep(0.001)


async def change(
    emulator: PineconeEmulator, first: Process, second: Process, act: Act, outage: range, *, lost: bool
) -> bool:
    """Whether the outage met the change. Checks what is seen then, and once another process has put it in order."""
    caller, world = Caller(uuid.uuid4().hex), World()
    world.records.shared = world.blobs.shared = True
    documents = first.documents(world)
    other = (await documents.upload(caller, "other.txt", b"A sentence that is always here.")).document
    old = (await documents.upload(caller, "a.txt", TEXT)).document
    acknowledged = True
    async with documents.working(recover=False), asyncio.timeout(SECONDS):
        emulator.plan(outage, lost=lost)
        try:
            await act(documents, caller, world, old)
        except RagsqlError:
            acknowledged = False
        met = emulator.met >= outage.start
    emulator.plan(range(0))
    shown = await second.found(caller)
    assert other.id in shown
    assert len(shown) == 2 or (act is delete and len(shown) == 1)
    if acknowledged and act is not ingest:
        assert old.id not in shown
    an_hour_later(world)
    async with second.documents(world).working(recover=True), asyncio.timeout(SECONDS):
        while any(one.state is not DocumentState.ACTIVE or one.delete_time for one in world.records.stored.values()):
            await asyncio.sleep(0.001)
    await assert_in_order(emulator, second, caller, world)
    assert not acknowledged or old.id not in await second.found(caller)
    if act is delete:
        with pytest.raises(NotFound):
            await documents.get(caller, old.id)
    return met


async def assert_in_order(emulator: PineconeEmulator, process: Process, caller: Caller, world: World) -> None:
    """Searches find what the records know, and nothing else takes space."""
    ids = {one.id for one in world.records.stored.values()}
    assert await process.found(caller) == ids == set(await process.vectors.document_ids(caller))
    index = emulator.indexes["rag-documents"]
    heads = [name for name in index.namespace(f"{caller.tenant}/state") if name.startswith("d/")]
    chunks = sum(one.chunk_count for one in world.records.stored.values())
    assert (len(index.namespace(caller.tenant)), len(heads)) == (chunks, len(ids))


@pytest.fixture
async def second(pinecone_emulator: PineconeEmulator) -> AsyncIterator[Process]:
    pinecone_emulator.indexes["rag-documents"] = Index(2)
    process = Process()
    yield process
    process.vectors.close()


@pytest.mark.parametrize("act", [upload, ingest, delete])
@pytest.mark.parametrize("lost", [False, True])
async def test_a_request_is_cut(pinecone_emulator: PineconeEmulator, second: Process, act: Act, lost: bool) -> None:
    process, first = Process(), 1
    while await change(pinecone_emulator, process, second, act, range(first, first + 1), lost=lost):
        first += 1
    process.vectors.close()
    assert first > 5


@pytest.mark.parametrize("act", [ingest, delete])
@pytest.mark.parametrize("lost", [False, True])
async def test_all_is_cut_until_the_process_has_ended(
    pinecone_emulator: PineconeEmulator, second: Process, act: Act, lost: bool
) -> None:
    first, met = 0, True
    while met:
        first, process = first + 1, Process()
        met = await change(pinecone_emulator, process, second, act, range(first, 10_000), lost=lost)
        process.vectors.close()
    assert first > 5
