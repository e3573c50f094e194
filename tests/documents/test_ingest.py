"""CreateUpload, PUT, Ingest and what happens in the background, over ports in memory."""

from __future__ import annotations

import asyncio

import pytest

from service.domain.documents import DocumentState, IngestPhase, IngestProgress
from service.errors import NotConfigured, NotFound, UnreadableDocument
from tests.documents.uploads import ingest, put, settled
from tests.documents.world import ME, TEXT, World

pytestmark = pytest.mark.anyio
OTHER = b"Now something else."


async def test_ingest_returns_at_once_and_the_document_becomes_active(world: World) -> None:
    documents = world.use_cases()
    async with documents.working(recover=True):
        world.parser.gate.clear()
        upload_id = await put(documents, "a.txt", TEXT)
        started = await documents.ingest(ME, upload_id)
        assert (started.document.state, started.cache_hit) == (DocumentState.PENDING, False)
        await world.parser.reached.wait()
        processing = await documents.get(ME, started.document.id)
        assert processing.state is DocumentState.PROCESSING
        assert processing.progress == IngestProgress(IngestPhase.PARSING, 3, 7)
        assert (await documents.list(ME, 5, "", [])).items == (processing,)
        assert (await documents.ingest(ME, upload_id)).document.id == started.document.id
        world.parser.gate.set()
        active = await settled(documents, started.document)
        assert (active.state, active.media_type, active.progress) == (DocumentState.ACTIVE, "text/plain", None)
        assert active.chunk_count == len(world.vectors.stored["me", active.id])
        assert active.usage is not None
        again = await documents.ingest(ME, upload_id)
        assert (again.document, again.cache_hit) == (active, True)
    assert world.left() == ({active.id}, {active.id}, {f"files/{active.id}", f"processed/{active.sha256}"})


async def test_where_nothing_runs_in_the_background_ingest_does_the_work(world: World) -> None:
    documents = world.use_cases()
    started = await documents.ingest(ME, await put(documents, "a.txt", TEXT))
    assert (started.document.state, started.cache_hit) == (DocumentState.ACTIVE, False)


async def test_known_content_is_active_at_once_under_every_name(world: World) -> None:
    documents = world.use_cases()
    first = (await documents.upload(ME, "a.txt", TEXT)).document
    before = world.work()
    async with documents.working(recover=False):
        other = await documents.ingest(ME, await put(documents, "b.txt", TEXT))
        assert (other.document.state, other.cache_hit) == (DocumentState.ACTIVE, True)
        same = await documents.ingest(ME, await put(documents, "a.txt", TEXT))
        assert (same.document, same.cache_hit) == (first, True)
    assert world.work() == before
    records, _, blobs = world.left()
    assert records == {first.id, other.document.id}
    assert blobs == {f"files/{first.id}", f"files/{other.document.id}", f"processed/{first.sha256}"}


async def test_the_same_content_twice_at_the_same_time_is_processed_once(world: World) -> None:
    documents = world.use_cases(workers=3)
    async with documents.working(recover=False):
        world.parser.gate.clear()
        started = [await ingest(documents, f"{name}.txt", TEXT) for name in "abc"]
        upload = asyncio.create_task(documents.upload(ME, "d.txt", TEXT))
        await world.parser.reached.wait()
        await asyncio.sleep(0.01)
        world.parser.gate.set()
        assert {(await settled(documents, one)).state for one in started} == {DocumentState.ACTIVE}
        assert (await upload).cache_hit
    assert world.work()[0] == 1


async def test_only_so_many_are_ingested_at_once_and_in_order(world: World) -> None:
    documents = world.use_cases(workers=1)
    async with documents.working(recover=False):
        world.parser.gate.clear()
        first, second = [await ingest(documents, f"{n}.txt", b"Text %d." % n) for n in range(2)]
        await world.parser.reached.wait()
        await asyncio.sleep(0.01)
        assert (await documents.get(ME, first.id)).state is DocumentState.PROCESSING
        assert (await documents.get(ME, second.id)).state is DocumentState.PENDING
        world.parser.gate.set()
        assert (await settled(documents, second)).state is DocumentState.ACTIVE


@pytest.mark.parametrize(
    ("error", "reason", "kind"),
    [
        (RuntimeError("secret"), "Its log says why", "INTERNAL"),
        (UnreadableDocument("It is empty."), "It is empty.", "UNREADABLE_DOCUMENT"),
        (NotConfigured("OPENAI_API_KEY is wrong."), "OPENAI_API_KEY is wrong.", "NOT_CONFIGURED"),
    ],
)
async def test_a_failure_has_its_reason_and_leaves_the_old_document(
    world: World, error: Exception, reason: str, kind: str
) -> None:
    """What no other attempt could mend fails at once."""
    documents = world.use_cases()
    old = (await documents.upload(ME, "a.txt", TEXT)).document
    async with documents.working(recover=True):
        upload_id = await put(documents, "a.txt", OTHER)
        world.parser.error = error
        failed = await settled(documents, (await documents.ingest(ME, upload_id)).document)
    assert failed.state is DocumentState.FAILED
    assert reason in failed.failure_reason
    assert "secret" not in failed.failure_reason
    assert (failed.error_reason, failed.attempts) == (kind, 0)
    assert await documents.get(ME, old.id) == old
    assert world.left() == ({old.id, failed.id}, {old.id}, {f"files/{old.id}", f"processed/{old.sha256}"})


async def test_old_files_that_cannot_be_removed_do_not_fail_the_new_document(world: World) -> None:
    documents = world.use_cases()
    old = (await documents.upload(ME, "a.txt", TEXT)).document
    world.blobs.fail_at = "delete"
    new = await ingest(documents, "a.txt", OTHER)
    last = (await documents.upload(ME, "a.txt", b"Sent in one message.")).document
    assert (new.state, last.state) == (DocumentState.ACTIVE, DocumentState.ACTIVE)
    assert world.left()[:2] == ({last.id}, {last.id})
    assert f"files/{old.id}" in world.left()[2]
    world.blobs.fail_at = ""
    async with world.use_cases().working(recover=True):
        pass
    assert world.left()[2] == {f"files/{last.id}", f"processed/{last.sha256}"}


async def test_a_failed_document_is_replaced_by_the_next_of_its_name(world: World) -> None:
    documents = world.use_cases()
    world.parser.fail_at = "parse:1"
    failed = await ingest(documents, "a.txt", TEXT)
    assert failed.state is DocumentState.FAILED
    active = await ingest(documents, "a.txt", TEXT)
    assert active.state is DocumentState.ACTIVE
    assert world.left()[0] == {active.id}


async def test_of_competing_uploads_the_last_accepted_stays_whichever_ends_first(world: World) -> None:
    documents = world.use_cases(workers=2)
    async with documents.working(recover=False):
        world.parser.gate.clear()
        first = await ingest(documents, "a.txt", TEXT)
        await world.parser.reached.wait()
        upload = asyncio.create_task(documents.upload(ME, "a.txt", b"Sent in one message."))
        async with asyncio.timeout(60):
            while world.parser.calls["parse"] < 2:
                await asyncio.sleep(0.001)
        world.parser.ungated = OTHER
        last = await ingest(documents, "a.txt", OTHER)
        assert (await settled(documents, last)).state is DocumentState.ACTIVE
        with pytest.raises(NotFound):
            await documents.get(ME, first.id)
        world.parser.gate.set()
        assert (await upload).document.id == last.id
    assert world.left() == ({last.id}, {last.id}, {f"files/{last.id}", f"processed/{last.sha256}"})


@pytest.mark.parametrize("running", [0, 1])
async def test_deleting_what_is_in_work_ends_the_work_and_leaves_nothing(world: World, running: int) -> None:
    documents = world.use_cases(workers=1)
    async with documents.working(recover=False):
        world.parser.gate.clear()
        started = [await ingest(documents, f"{n}.txt", b"Text %d." % n) for n in range(2)]
        await world.parser.reached.wait()
        await documents.delete(ME, started[1 - running].id)
        world.parser.gate.set()
        other = await settled(documents, started[running])
    assert world.left() == ({other.id}, {other.id}, {f"files/{other.id}", f"processed/{other.sha256}"})


async def test_deleting_a_document_while_it_is_uploaded_ends_the_upload(world: World) -> None:
    documents = world.use_cases()
    world.parser.gate.clear()
    task = asyncio.create_task(documents.upload(ME, "a.txt", TEXT))
    await world.parser.reached.wait()
    (document,) = (await documents.list(ME, 5, "", [])).items
    await documents.delete(ME, document.id)
    world.parser.gate.set()
    with pytest.raises(NotFound, match="deleted while"):
        await task
    assert world.left() == (set(), set(), set())


async def test_an_upload_that_its_caller_gives_up_leaves_nothing(world: World) -> None:
    world.parser.gate.clear()
    task = asyncio.create_task(world.use_cases().upload(ME, "a.txt", TEXT))
    await world.parser.reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert world.left() == (set(), set(), set())


async def test_deleting_forgets_the_cached_answers(world: World) -> None:
    documents = world.use_cases()
    document = (await documents.upload(ME, "a.txt", TEXT)).document
    await world.cache.set(ME, "answer", "k", b"v", 60)
    await documents.delete(ME, document.id)
    assert await world.cache.get(ME, "answer", "k") is None


async def test_stopping_leaves_what_is_in_work_for_the_next_start(world: World) -> None:
    documents = world.use_cases()
    world.parser.gate.clear()
    async with documents.working(recover=False):
        started = await ingest(documents, "a.txt", TEXT)
        await world.parser.reached.wait()
    assert (await documents.get(ME, started.id)).state is DocumentState.PROCESSING
    world.parser.gate.set()
    again = world.use_cases()
    async with again.working(recover=True):
        assert (await settled(again, started)).state is DocumentState.ACTIVE


async def test_a_store_that_is_down_does_not_keep_the_service_from_starting(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.blobs.fail_at = "tidy"
    async with world.use_cases().working(recover=True):
        assert "tidy is down" in caplog.text


async def test_a_failure_that_cannot_be_stored_is_tried_again_at_the_next_start(world: World) -> None:
    documents = world.use_cases()
    upload_id = await put(documents, "a.txt", TEXT)
    world.parser.fail_at, world.records.fail_at = "parse", "update:2"
    assert (await documents.ingest(ME, upload_id)).document.state is DocumentState.PROCESSING
    world.parser.fail_at = world.records.fail_at = ""
    again = world.use_cases()
    async with again.working(recover=True):
        assert (await settled(again, (await again.list(ME, 1, "", [])).items[0])).state is DocumentState.ACTIVE
