"""Many processes share the stores: each finishes what another left when it died, and leaves alone what is in work."""

from __future__ import annotations

import asyncio
import datetime as dt
import functools
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from service.domain.documents import DocumentState, IngestPhase, IngestProgress
from service.usecases import heartbeat, manage_documents, take_over
from service.usecases.manage_documents import ManageDocuments
from tests.documents.killing import by_name, delete, ingest, killed_at, upload
from tests.documents.uploads import put, settled
from tests.documents.world import ME, TEXT, World

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("act", [upload, ingest, delete])
@pytest.mark.parametrize("replaces", [False, True])
async def test_killed_anywhere_another_process_takes_over(
    act: Callable[[ManageDocuments], Awaitable[None]], replaces: bool
) -> None:
    if act is delete and not replaces:
        return
    steps = 1
    while not await killed_at(steps, act, replaces=replaces, shared=True):
        steps += 1
    assert steps > (10 if act is delete else 20)


async def test_what_another_process_works_on_is_left_to_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manage_documents, "TAKE_OVER_SECONDS", 0.01)
    monkeypatch.setattr(heartbeat, "LEASE", dt.timedelta(seconds=3))
    monkeypatch.setattr(take_over, "LEASE", dt.timedelta(seconds=3))
    monkeypatch.setattr(manage_documents, "Heartbeat", functools.partial(heartbeat.Heartbeat, seconds=0.02))
    world.records.shared = True
    first, second = world.use_cases(), world.use_cases()
    world.parser.gate.clear()
    async with first.working(recover=True), second.working(recover=True):
        await ingest(first)
        await world.parser.reached.wait()
        await asyncio.sleep(3.5)
        assert world.parser.calls["parse"] == 1
        world.parser.gate.set()
        async with asyncio.timeout(60):
            while by_name(world)[0].state is not DocumentState.ACTIVE:
                await asyncio.sleep(0.01)
    assert world.parser.calls["parse"] == 1
    beats = world.records.calls["touch"]
    await asyncio.sleep(0.1)
    assert world.records.calls["touch"] == beats


async def test_other_processes_show_how_far_it_is(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "PROGRESS_SECONDS", 0.01)
    world.records.shared = True
    first, second = world.use_cases(), world.use_cases()
    world.parser.gate.clear()
    async with first.working(recover=True):
        document = (await first.ingest(ME, await put(first, "a.txt", TEXT))).document
        async with asyncio.timeout(30):
            while (seen := await second.get(ME, document.id)).progress is None:
                await asyncio.sleep(0.01)
        assert seen.progress == IngestProgress(IngestPhase.PARSING, 3, 7)
        told = world.records.calls["touch"]
        await asyncio.sleep(0.1)
        assert world.records.calls["touch"] == told
        world.parser.gate.set()
        active = await settled(second, document)
    assert (active.state, active.progress) == (DocumentState.ACTIVE, None)


async def test_an_upload_in_work_elsewhere_is_not_forgotten(world: World) -> None:
    """It has no file yet, and its record may be old by a clock that runs ahead."""
    world.records.shared = world.blobs.shared = True
    world.parser.gate.clear()
    uploading = asyncio.create_task(world.use_cases().upload(ME, "a.txt", TEXT))
    await world.parser.reached.wait()
    (document,) = by_name(world)
    aged = replace(document, update_time=document.update_time - dt.timedelta(minutes=5))
    world.records.stored[ME.tenant, document.id] = aged
    async with world.use_cases().working(recover=True):
        await asyncio.sleep(0.05)
    world.parser.gate.set()
    assert (await uploading).document.state is DocumentState.ACTIVE
