"""What an outage interrupts is done once it is over, without a restart, by whichever process lives then."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest

from service.domain.documents import Document, DocumentState
from service.usecases import manage_documents, retry_later
from service.usecases.manage_documents import ManageDocuments
from tests.documents.uploads import put, settled
from tests.documents.world import ME, TEXT, World

pytestmark = pytest.mark.anyio
OTHER = b"Now something else."
SECONDS = 30
OUTAGES = [("parser", "parse"), ("embedder", "embed"), ("blobs", "get"), ("vectors", "replace")]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow each other as soon as they can."""
    monkeypatch.setattr(manage_documents, "TAKE_OVER_SECONDS", 0.01)
    monkeypatch.setattr(retry_later, "PAUSES", (dt.timedelta(seconds=0.05),) * 3)


async def waiting(documents: ManageDocuments, document: Document, attempts: int = 1) -> Document:
    """The document once so many attempts failed and the next is waited for."""
    async with asyncio.timeout(SECONDS):
        while (now := await documents.get(ME, document.id)).attempts < attempts or now.retry_time is None:
            await asyncio.sleep(0.001)
    return now


async def accepted(documents: ManageDocuments, world: World, port: str, call: str) -> Document:
    """A document whose file arrived before the outage began."""
    upload_id = await put(documents, "a.txt", OTHER)
    getattr(world, port).fail_at = call
    return (await documents.ingest(ME, upload_id)).document


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize(("port", "call"), OUTAGES)
async def test_a_document_waits_for_the_end_of_an_outage(world: World, port: str, call: str, shared: bool) -> None:
    world.records.shared = shared
    documents = world.use_cases()
    old = (await documents.upload(ME, "a.txt", TEXT)).document
    async with documents.working(recover=True):
        document = await accepted(documents, world, port, call)
        pending = await waiting(documents, document, attempts=2)
        assert pending.state is DocumentState.PENDING
        assert f"{call} is down. Attempt {pending.attempts} of 40 failed, the next one" in pending.failure_reason
        assert pending.error_reason == "UPSTREAM_UNAVAILABLE"
        assert await documents.get(ME, old.id) == old
        assert (ME.tenant, old.id) in world.vectors.stored
        getattr(world, port).fail_at = ""
        active = await settled(documents, document)
    assert (active.state, active.failure_reason, active.error_reason) == (DocumentState.ACTIVE, "", "")
    assert world.left() == ({active.id}, {active.id}, {f"files/{active.id}", f"processed/{active.sha256}"})


@pytest.mark.parametrize("shared", [False, True])
async def test_nothing_of_it_is_in_memory_only(world: World, shared: bool) -> None:
    world.records.shared = shared
    first, second = world.use_cases(), world.use_cases()
    async with first.working(recover=True):
        document = await accepted(first, world, "vectors", "replace")
        await waiting(first, document)
    world.vectors.fail_at = ""
    async with second.working(recover=True):
        assert (await settled(second, document)).state is DocumentState.ACTIVE
    assert world.work() == (1, 1)


async def test_of_several_processes_one_makes_the_next_attempt(world: World) -> None:
    world.records.shared = True
    first, second, third = (world.use_cases() for _ in range(3))
    async with first.working(recover=True), second.working(recover=True), third.working(recover=True):
        document = await accepted(first, world, "embedder", "embed")
        await waiting(first, document)
        world.embedder.fail_at = ""
        embedded = world.work()[1]
        assert (await settled(second, document)).state is DocumentState.ACTIVE
    assert world.work()[1] == embedded + 1


async def test_after_enough_attempts_it_fails(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry_later, "MOST_ATTEMPTS", 3)
    documents = world.use_cases()
    async with documents.working(recover=True):
        document = await accepted(documents, world, "embedder", "embed")
        failed = await settled(documents, document)
    assert (failed.state, failed.failure_reason) == (DocumentState.FAILED, "embed is down.")
    assert world.work()[1] == 3
    assert world.left() == ({failed.id}, set(), set())


async def test_a_document_that_waits_can_be_deleted_and_replaced(world: World) -> None:
    documents = world.use_cases()
    async with documents.working(recover=True):
        first = await accepted(documents, world, "vectors", "replace")
        await waiting(documents, first)
        await documents.delete(ME, first.id)
        second = await accepted(documents, world, "vectors", "replace")
        await waiting(documents, second)
        world.vectors.fail_at = ""
        third = (await documents.upload(ME, "a.txt", TEXT)).document
        assert third.state is DocumentState.ACTIVE
    assert world.left() == ({third.id}, {third.id}, {f"files/{third.id}", f"processed/{third.sha256}"})


async def test_where_nothing_runs_in_the_background_it_fails(world: World) -> None:
    """Nobody would make the next attempt."""
    failed = await accepted(world.use_cases(), world, "embedder", "embed")
    assert (failed.state, failed.error_reason) == (DocumentState.FAILED, "UPSTREAM_UNAVAILABLE")
