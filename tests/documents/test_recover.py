"""A process that dies before or after any call to a store: readers never see a half, and the next start mends it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from service.domain.documents import DocumentState
from service.usecases.manage_documents import ManageDocuments
from tests.documents.killing import by_name, delete, ingest, is_whole, killed_at, started_again, upload
from tests.documents.world import ME, TEXT, World

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("act", [upload, ingest, delete])
@pytest.mark.parametrize("replaces", [False, True])
async def test_killed_anywhere(act: Callable[[ManageDocuments], Awaitable[None]], replaces: bool) -> None:
    if act is delete and not replaces:
        return
    steps = 1
    while not await killed_at(steps, act, replaces=replaces):
        steps += 1
    assert steps > (10 if act is delete else 20)


async def test_what_an_index_lost_is_processed_again(world: World) -> None:
    document = (await world.use_cases().upload(ME, "a.txt", TEXT)).document
    world.vectors.stored.clear()
    await started_again(world)
    is_whole(world)
    assert by_name(world)[0].id == document.id


async def test_a_document_whose_file_and_index_are_lost_says_so(world: World) -> None:
    documents = world.use_cases()
    document = (await documents.upload(ME, "a.txt", TEXT)).document
    world.vectors.stored.clear()
    world.blobs.stored.clear()
    async with documents.working(recover=True):
        lost = await documents.get(ME, document.id)
    assert (lost.state, "Upload it again" in lost.failure_reason) == (DocumentState.FAILED, True)


async def test_in_a_shared_store_unknown_files_stay(world: World) -> None:
    world.blobs.shared = True
    await world.use_cases().upload(ME, "a.txt", TEXT)
    world.blobs.stored["me", "files/stray"] = b"x"
    async with world.use_cases().working(recover=True):
        pass
    assert "files/stray" in world.left()[2]


async def test_files_and_chunks_that_nobody_knows_are_removed_and_other_keys_are_not(world: World) -> None:
    documents = world.use_cases()
    kept = (await documents.upload(ME, "a.txt", TEXT)).document
    stray = world.vectors.stored["me", kept.id]
    world.vectors.stored["me", "stray"] = stray
    for key in ("files/stray", "processed/stray", "elsewhere/stray"):
        world.blobs.stored["me", key] = b"x"
    async with documents.working(recover=True):
        pass
    records, vectors, blobs = world.left()
    assert records == vectors == {kept.id}
    assert blobs == {f"files/{kept.id}", f"processed/{kept.sha256}", "elsewhere/stray"}
