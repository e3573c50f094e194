"""What becomes of files that a store tells of: once or often, to one process or to several."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import hashlib

import pytest

from service.domain.documents import Document, DocumentState
from service.errors import UnreadableDocument, UpstreamUnavailable
from service.usecases.manage_documents import ManageDocuments
from tests.documents.world import ME, TEXT, World

pytestmark = pytest.mark.anyio
SHA = hashlib.sha256(TEXT).hexdigest()


def process(world: World, from_bytes: int = 0) -> ManageDocuments:
    """The use cases of a process of their own, over the same stores."""
    ports = world.records, world.vectors, world.blobs, world.parser, world.embedder, world.cache
    return ManageDocuments(*ports, max_bytes=4096, left_from_bytes=from_bytes)


async def announced(world: World, documents: ManageDocuments) -> str:
    """The id of an upload whose file was PUT."""
    reserved = await documents.create_upload(ME, "a.txt", len(TEXT), SHA)
    await world.blobs.put(ME, f"files/{reserved.upload.id}", TEXT)
    return reserved.upload.id


async def only(world: World) -> Document:
    (document,) = world.records.stored.values()
    return document


async def test_a_file_that_was_announced_becomes_its_document(world: World) -> None:
    file_id = await announced(world, process(world))
    document = await process(world).arrived(ME, file_id)
    assert document is not None
    assert document == await only(world)
    assert (document.id, document.state, document.filename) == (file_id, DocumentState.ACTIVE, "a.txt")
    again = await process(world).arrived(ME, file_id)
    assert again == document
    assert world.work() == (1, 1)


async def test_ingest_accepts_and_leaves_the_work_to_the_arrival(world: World) -> None:
    documents = process(world)
    file_id = await announced(world, documents)
    ingested = await documents.ingest(ME, file_id)
    assert (ingested.document.state, world.work()) == (DocumentState.PENDING, (0, 0))
    arrived = await process(world).arrived(ME, file_id)
    assert arrived is not None
    assert (arrived.id, arrived.state) == (file_id, DocumentState.ACTIVE)
    assert (await documents.ingest(ME, file_id)).document == arrived


async def test_one_that_read_the_upload_before_another_accepted_it_keeps_the_file(world: World) -> None:
    file_id = await announced(world, process(world))
    seen = await world.records.get_upload(ME, file_id)
    accepted = (await process(world).ingest(ME, file_id)).document
    await world.records.save_upload(ME, seen)
    assert (await process(world).ingest(ME, file_id)).document == accepted
    arrived = await process(world).arrived(ME, file_id)
    assert arrived is not None
    assert (arrived.id, arrived.state) == (file_id, DocumentState.ACTIVE)


async def test_two_deliveries_at_once_make_one_document(world: World) -> None:
    file_id = await announced(world, process(world))
    world.vectors.gate = asyncio.Event()
    first = asyncio.create_task(process(world).arrived(ME, file_id))
    await world.vectors.reached.wait()
    second = await process(world).arrived(ME, file_id)
    assert second is not None
    assert second.state is DocumentState.PROCESSING
    world.vectors.gate.set()
    done = await first
    assert done is not None
    assert (done.state, world.work()) == (DocumentState.ACTIVE, (1, 1))
    assert await only(world) == done


async def test_deliveries_that_start_together_work_once(world: World) -> None:
    file_id = await announced(world, process(world))
    await asyncio.gather(*(process(world).arrived(ME, file_id) for _ in range(5)))
    assert ((await only(world)).state, world.work()) == (DocumentState.ACTIVE, (1, 1))


@pytest.mark.parametrize(("silent", "parsed"), [(5, 0), (120, 1)])
async def test_one_that_was_killed_is_taken_over_once_it_is_silent(world: World, silent: int, parsed: int) -> None:
    documents = process(world)
    file_id = await announced(world, documents)
    pending = (await documents.ingest(ME, file_id)).document
    left = dataclasses.replace(
        pending,
        state=DocumentState.PROCESSING,
        update_time=dt.datetime.now(dt.UTC) - dt.timedelta(seconds=silent),
    )
    assert await world.records.swap_document(ME, pending, left)
    await process(world).arrived(ME, file_id)
    assert world.work()[0] == parsed
    state = DocumentState.ACTIVE if parsed else DocumentState.PROCESSING
    assert (await only(world)).state is state


async def test_what_is_down_is_raised_and_the_next_delivery_finishes(world: World) -> None:
    file_id = await announced(world, process(world))
    world.embedder.fail_at = "embed"
    with pytest.raises(UpstreamUnavailable):
        await process(world).arrived(ME, file_id)
    failed = await only(world)
    assert (failed.state, failed.error_reason) == (DocumentState.FAILED, "UPSTREAM_UNAVAILABLE")
    assert (ME.tenant, f"files/{file_id}") in world.blobs.stored
    world.embedder.fail_at = ""
    await process(world).arrived(ME, file_id)
    document = await only(world)
    assert (document.state, document.failure_reason, document.error_reason) == (DocumentState.ACTIVE, "", "")


async def test_what_cannot_be_read_fails_for_good(world: World) -> None:
    file_id = await announced(world, process(world))
    world.parser.error = UnreadableDocument("It is empty.")
    for _ in range(2):
        document = await process(world).arrived(ME, file_id)
        assert document is not None
        assert (document.state, document.failure_reason) == (DocumentState.FAILED, "It is empty.")
    assert world.parser.calls == {"parse": 1}
    assert world.blobs.stored == {}


async def test_a_file_that_nobody_announced_is_left_alone(world: World) -> None:
    await world.blobs.put(ME, "files/stranger", TEXT)
    assert await process(world).arrived(ME, "stranger") is None
    assert (ME.tenant, "files/stranger") in world.blobs.stored
    assert world.records.stored == {}


async def test_large_files_in_a_message_are_left_and_small_ones_are_not(world: World) -> None:
    documents = process(world, len(TEXT))
    small = await documents.upload(ME, "small.txt", TEXT[:-1])
    large = await documents.upload(ME, "large.txt", TEXT)
    assert (small.document.state, large.document.state) == (DocumentState.ACTIVE, DocumentState.PENDING)
    assert await documents.upload(ME, "large.txt", TEXT) == large
    assert await process(world).arrived(ME, small.document.id) == small.document
    done = await process(world).arrived(ME, large.document.id)
    assert done is not None
    assert (done.id, done.state) == (large.document.id, DocumentState.ACTIVE)
    known = await documents.upload(ME, "other.txt", TEXT)
    assert (known.document.state, known.cache_hit) == (DocumentState.ACTIVE, True)


async def test_nothing_is_left_behind_when_a_large_file_cannot_be_stored(world: World) -> None:
    world.blobs.fail_at = "put"
    with pytest.raises(UpstreamUnavailable):
        await process(world).upload(ME, "a.txt", TEXT)
    assert world.left() == (set(), set(), set())
