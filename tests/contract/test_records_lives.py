"""Every RecordStore says how far a document is, who is to work on it next, and what is left of its deletion."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
from collections.abc import Callable

import pytest

from service.domain.caller import Caller
from service.domain.documents import Document, DocumentState, IngestPhase, IngestProgress
from service.domain.questions import Usage
from service.errors import NotFound
from service.ports import RecordStore
from tests.contract.records import START, all_ids

pytestmark = pytest.mark.anyio
MakeDocument = Callable[..., Document]


async def test_progress_is_shown_until_the_document_changes(
    record_store: RecordStore, caller: Caller, make_document: MakeDocument
) -> None:
    processing = make_document("d", state=DocumentState.PROCESSING)
    pending = make_document("p", state=DocumentState.PENDING)
    for document in (processing, pending):
        await record_store.save_document(caller, document)
    progress = IngestProgress(IngestPhase.EMBEDDING, 1, 2)
    await record_store.touch_documents(caller, {"d": progress, "p": progress, "absent": None}, START)
    assert (await record_store.get_document(caller, "d")).progress == progress
    assert (await record_store.get_document(caller, "p")).progress is None
    listed = await record_store.list_documents(caller, 9, "", [DocumentState.PROCESSING])
    assert [one.progress for one in listed.items] == [progress]
    await record_store.touch_documents(caller, {"d": None}, START)
    assert (await record_store.get_document(caller, "d")).progress is None
    await record_store.touch_documents(caller, {"d": progress}, START)
    active = dataclasses.replace(processing, state=DocumentState.ACTIVE, progress=progress)
    assert await record_store.update_document(caller, active)
    assert await record_store.get_document(caller, "d") == dataclasses.replace(active, progress=None)


async def test_a_document_keeps_what_it_cost_and_waits_for(
    record_store: RecordStore, caller: Caller, make_document: MakeDocument
) -> None:
    spent = Usage(embedding_tokens=7, cost_usd=0.25, models=("m",)) + Usage(input_tokens=1, models=("n",))
    document = make_document("d", attempts=3, retry_time=START, usage=spent)
    await record_store.save_document(caller, document)
    kept = await record_store.get_document(caller, "d")
    assert kept == document
    assert kept.usage
    assert [one.models for one in kept.usage.by_model] == [("m",), ("n",)]


async def test_a_document_whose_attempt_is_due_is_given_to_one_of_many(
    record_store: RecordStore, caller: Caller, make_document: MakeDocument
) -> None:
    ancient, due, later = (START + dt.timedelta(days=days) for days in (-9500, -9400, -9300))
    times = {"state": DocumentState.PENDING, "create_time": ancient, "update_time": later}
    await record_store.save_document(caller, dataclasses.replace(make_document("due"), **times, retry_time=due))
    await record_store.save_document(caller, dataclasses.replace(make_document("later"), **times, retry_time=later))
    claims = await asyncio.gather(*(record_store.claim_documents(ancient, due) for _ in range(6)))
    found = [(tenant, one.id, one.update_time, one.retry_time) for claim in claims for tenant, one in claim]
    assert found == [(caller.tenant, "due", due, None)]
    assert (await record_store.get_document(caller, "due")).retry_time is None
    assert await record_store.claim_documents(ancient, due) == []
    for name in ("due", "later"):
        await record_store.delete_document(caller, name)


@pytest.mark.parametrize("state", DocumentState)
async def test_one_that_is_being_deleted_is_seen_while_it_may_be_found_and_stays_as_it_is(
    record_store: RecordStore, caller: Caller, make_document: MakeDocument, state: DocumentState
) -> None:
    document = make_document("d", state=state)
    await record_store.save_document(caller, document)
    marked = await record_store.start_delete(caller, "d", START)
    assert marked == dataclasses.replace(document, delete_time=START)
    found = state is DocumentState.ACTIVE
    assert await all_ids(record_store, caller) == ["d"] * found
    assert await record_store.find_documents(caller, filename=document.filename) == [marked] * found
    assert await record_store.count_documents(caller) == found
    changed = dataclasses.replace(document, state=DocumentState.ACTIVE)
    assert not await record_store.update_document(caller, changed)
    assert not await record_store.swap_document(caller, document, changed)
    await record_store.touch_documents(caller, {"d": None}, START)
    await record_store.hide_document(caller, "d")
    for act in (record_store.get_document(caller, "d"), record_store.start_delete(caller, "d", START)):
        with pytest.raises(NotFound, match="no document d"):
            await act
    assert await all_ids(record_store, caller) == []
    await record_store.delete_document(caller, "d")
    with pytest.raises(NotFound):
        await record_store.delete_document(caller, "d")
    await record_store.hide_document(caller, "d")


async def test_what_was_not_deleted_to_the_end_is_given_to_one_of_many(
    record_store: RecordStore, caller: Caller, make_document: MakeDocument
) -> None:
    ancient, now = (START + dt.timedelta(days=days) for days in (-9000, -8000))
    for name, time in (("begun", ancient), ("hidden", ancient), ("later", now), ("kept", None)):
        await record_store.save_document(caller, make_document(name))
        if time:
            await record_store.start_delete(caller, name, time)
    await record_store.hide_document(caller, "hidden")
    claims = await asyncio.gather(*(record_store.claim_deleted(ancient, now) for _ in range(6)))
    found = [(tenant, one.id, one.delete_time) for claim in claims for tenant, one in claim]
    assert sorted(found) == [(caller.tenant, "begun", now), (caller.tenant, "hidden", now)]
    assert await record_store.claim_deleted(ancient, now) == []


async def test_an_unfinished_document_that_nobody_touches_is_given_to_one_of_many(
    record_store: RecordStore, caller: Caller, make_document: MakeDocument
) -> None:
    """The server is shared with other tests, so this one is far before them."""
    ancient, touched, now = (dt.timedelta(days=days) for days in (-9000, -8000, -7000))
    for i, state in enumerate(DocumentState):
        for kind, age in (("left", ancient), ("held", touched)):
            document = make_document(f"{kind} {state}", minutes=i, state=state)
            times = {"create_time": document.create_time + ancient, "update_time": document.update_time + age}
            await record_store.save_document(caller, dataclasses.replace(document, **times))
    held = [f"held {state}" for state in DocumentState]
    await record_store.touch_documents(caller, dict.fromkeys([*held, "absent"]), START + now)
    claims = await asyncio.gather(*(record_store.claim_documents(START + touched, START + now) for _ in range(6)))
    found = [(tenant, one.id, one.update_time) for claim in claims for tenant, one in claim]
    assert sorted(found) == [(caller.tenant, f"left {state}", START + now) for state in ("PENDING", "PROCESSING")]
    assert await record_store.claim_documents(START + touched, START + now) == []
    for state in DocumentState:
        moved = state in (DocumentState.PENDING, DocumentState.PROCESSING)
        kept = await record_store.get_document(caller, f"held {state}")
        assert (kept.update_time == START + now) is moved
