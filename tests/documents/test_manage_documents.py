from __future__ import annotations

import asyncio

import numpy as np
import pytest

from service.domain.caller import Caller
from service.domain.documents import DocumentState
from service.errors import (
    InvalidRequest,
    NotFound,
    PayloadTooLarge,
    RagsqlError,
    UnreadableDocument,
    UpstreamUnavailable,
)
from tests.documents.world import ME, TEXT, World

pytestmark = pytest.mark.anyio


async def test_an_upload_is_active_and_searchable(world: World) -> None:
    uploaded = await world.use_cases().upload(ME, "a.txt", TEXT)
    document = uploaded.document
    assert (document.state, document.filename, document.media_type) == (DocumentState.ACTIVE, "a.txt", "text/plain")
    assert (document.size_bytes, document.parser, uploaded.cache_hit) == (len(TEXT), "lines 1", False)
    assert document.chunk_count == len(world.vectors.stored["me", document.id]) > 1
    assert await world.use_cases().get(ME, document.id) == document
    assert (await world.use_cases().list(ME, 10, "", [DocumentState.ACTIVE])).items == (document,)
    assert world.blobs.stored["me", f"files/{document.id}"] == TEXT


async def test_the_same_file_again_does_no_work(world: World) -> None:
    first = await world.use_cases().upload(ME, "a.txt", TEXT)
    before = world.work()
    again = await world.use_cases().upload(ME, "a.txt", TEXT)
    assert (again.document, again.cache_hit) == (first.document, True)
    assert world.work() == before


async def test_the_same_content_under_another_name_reuses_the_chunks(world: World) -> None:
    first = await world.use_cases().upload(ME, "a.txt", TEXT)
    before = world.work()
    other = await world.use_cases().upload(ME, "b.txt", TEXT)
    assert other.cache_hit
    assert other.document.id != first.document.id
    assert world.work() == before
    ours, theirs = world.vectors.stored["me", first.document.id], world.vectors.stored["me", other.document.id]
    assert [embedded.chunk for embedded in ours] == [embedded.chunk for embedded in theirs]
    for left, right in zip(ours, theirs, strict=True):
        assert left.vector.dtype == right.vector.dtype
        np.testing.assert_array_equal(left.vector, right.vector)


@pytest.mark.parametrize("change", ["model", "dimension", "max_tokens", "parser", "damage"])
async def test_chunks_of_other_settings_are_not_reused(world: World, change: str) -> None:
    await world.use_cases().upload(ME, "a.txt", TEXT)
    before = world.work()
    if change == "parser":
        world.parser.version = "2"
    elif change == "damage":
        world.blobs.stored = {key: value[:-40] for key, value in world.blobs.stored.items()}
    else:
        setattr(world.embedder, change, {"model": "other", "dimension": 3, "max_tokens": 48}[change])
    assert not (await world.use_cases().upload(ME, "b.txt", TEXT)).cache_hit
    assert world.work() > before


async def test_tenants_share_nothing(world: World) -> None:
    await world.use_cases().upload(ME, "a.txt", TEXT)
    assert not (await world.use_cases().upload(Caller("you"), "a.txt", TEXT)).cache_hit


async def test_new_content_replaces_the_old_document(world: World) -> None:
    old = (await world.use_cases().upload(ME, "a.txt", TEXT)).document
    new = (await world.use_cases().upload(ME, "a.txt", b"Now something else.")).document
    assert new.id != old.id
    assert world.left() == ({new.id}, {new.id}, {f"files/{new.id}", f"processed/{new.sha256}"})


async def test_deleting_leaves_nothing(world: World) -> None:
    documents = world.use_cases()
    first = (await documents.upload(ME, "a.txt", TEXT)).document
    second = (await documents.upload(ME, "b.txt", TEXT)).document
    await documents.delete(ME, first.id)
    assert world.left() == ({second.id}, {second.id}, {f"files/{second.id}", f"processed/{second.sha256}"})
    await documents.delete(ME, second.id)
    assert world.left() == (set(), set(), set())
    with pytest.raises(NotFound):
        await documents.delete(ME, second.id)


@pytest.mark.parametrize(
    ("port", "call"),
    [
        ("records", "find"), ("parser", "parse"), ("embedder", "embed"), ("blobs", "put:1"), ("blobs", "put:2"),
        ("records", "save:1"), ("records", "update:1"), ("vectors", "replace"), ("records", "update:2"),
    ],
)  # fmt: skip
async def test_a_failed_upload_leaves_nothing_behind(world: World, port: str, call: str) -> None:
    getattr(world, port).fail_at = call
    with pytest.raises(UpstreamUnavailable):
        await world.use_cases().upload(ME, "a.txt", TEXT)
    assert world.left() == (set(), set(), set())


@pytest.mark.parametrize(
    ("port", "call"),
    [
        ("parser", "parse:2"), ("blobs", "put:3"), ("blobs", "put:4"), ("records", "save:2"), ("records", "update:3"),
        ("vectors", "replace:2"), ("records", "update:4"),
    ],
)  # fmt: skip
async def test_a_failed_replacement_keeps_the_old_document(world: World, port: str, call: str) -> None:
    old = (await world.use_cases().upload(ME, "a.txt", TEXT)).document
    before = world.left()
    getattr(world, port).fail_at = call
    with pytest.raises(UpstreamUnavailable):
        await world.use_cases().upload(ME, "a.txt", b"Now something else.")
    assert world.left() == before
    assert await world.use_cases().get(ME, old.id) == old
    assert len(world.vectors.stored["me", old.id]) == old.chunk_count


async def test_what_a_crash_left_is_repaired_by_the_next_upload(world: World) -> None:
    old = (await world.use_cases().upload(ME, "a.txt", TEXT)).document
    world.records.fail_at, world.vectors.fail_at = "update:4", "delete"
    with pytest.raises(UpstreamUnavailable):
        await world.use_cases().upload(ME, "a.txt", b"Now something else.")
    world.records.fail_at = world.vectors.fail_at = ""
    repaired = (await world.use_cases().upload(ME, "a.txt", TEXT)).document
    assert repaired.id != old.id
    records, vectors, _ = world.left()
    assert (records, vectors) == ({repaired.id}, {repaired.id})


async def test_uploads_of_one_name_run_one_after_the_other(world: World) -> None:
    documents = world.use_cases()
    uploaded = await asyncio.gather(*(documents.upload(ME, "a.txt", b"Text %d." % (n % 3)) for n in range(9)))
    records, vectors, _ = world.left()
    assert records == vectors == {uploaded[-1].document.id}


async def test_an_upload_cancelled_while_it_is_stored_is_stored_whole(world: World) -> None:
    old = (await world.use_cases().upload(ME, "a.txt", TEXT)).document
    world.vectors.gate, world.vectors.reached = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(world.use_cases().upload(ME, "a.txt", b"Now something else."))
    await world.vectors.reached.wait()
    task.cancel()
    await asyncio.sleep(0)
    world.vectors.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    (document,) = world.records.stored.values()
    assert document.id != old.id
    assert document.state is DocumentState.ACTIVE
    assert world.left() == ({document.id}, {document.id}, {f"files/{document.id}", f"processed/{document.sha256}"})


@pytest.mark.parametrize("filename", ["", "x" * 256, "a/b.txt", "a\\b.txt", "a\nb", "a\0", "..", ".", "\ud800.txt"])
async def test_bad_names_are_refused(world: World, filename: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await world.use_cases().upload(ME, filename, TEXT)
    assert [violation.field for violation in caught.value.violations] == ["filename"]


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (b"", InvalidRequest, "content"),
        (b"x" * 4097, PayloadTooLarge, "4097 bytes, at most 4096"),
        (b"\n\n", UnreadableDocument, "Nothing"),
    ],
)
async def test_bad_files_are_refused(world: World, content: bytes, error: type[RagsqlError], message: str) -> None:
    with pytest.raises(error, match=message):
        await world.use_cases().upload(ME, "a.txt", content)
    assert world.left() == (set(), set(), set())
