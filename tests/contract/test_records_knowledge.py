"""What every RecordStore does with knowledge and feedback."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING

import numpy as np
import pytest

from service.domain.caller import Caller
from service.domain.feedback import Promotion
from service.domain.sql import ExampleQuery, KnowledgeItem
from service.errors import NotFound
from service.ports import RecordStore
from tests.contract.records import START

if TYPE_CHECKING:
    from service.ports import Vectors

pytestmark = pytest.mark.anyio
AXES = np.eye(4, dtype=np.float32)
ITEMS = [
    KnowledgeItem("1", START, ddl="CREATE TABLE t (a int)"),
    KnowledgeItem("2", START + dt.timedelta(microseconds=1), documentation="A quarter has three months."),
    KnowledgeItem("3", START + dt.timedelta(microseconds=2), example=ExampleQuery("How many?", "SELECT 1")),
]


async def found(store: RecordStore, caller: Caller, question: str, vector: Vectors, limit: int = 5) -> list[str]:
    return [item.id for item in await store.search_items(caller, question, vector, "m", limit)]


async def test_items_of_each_kind_come_back_equal(record_store: RecordStore, caller: Caller) -> None:
    assert await record_store.save_items(caller, ITEMS, AXES[:3], "m") == ITEMS
    assert (await record_store.list_items(caller, 3, "")).items == tuple(reversed(ITEMS))
    assert await record_store.count_items(caller) == 3
    await record_store.delete_item(caller, "2")
    assert [item.id for item in (await record_store.list_items(caller, 3, "")).items] == ["3", "1"]


async def test_an_item_that_is_here_stays_as_it_was(record_store: RecordStore, caller: Caller) -> None:
    await record_store.save_items(caller, ITEMS[:1], AXES[:1], "m")
    epoch = await record_store.knowledge_epoch(caller)
    later = dataclasses.replace(ITEMS[0], create_time=START + dt.timedelta(days=1))
    assert await record_store.save_items(caller, [later, later], AXES[:2], "m") == [ITEMS[0], ITEMS[0]]
    assert await record_store.count_items(caller) == 1
    assert await record_store.knowledge_epoch(caller) == epoch


async def test_every_change_begins_an_epoch(record_store: RecordStore, caller: Caller) -> None:
    epochs = [await record_store.knowledge_epoch(caller)]
    await record_store.save_items(caller, ITEMS[:1], AXES[:1], "m")
    epochs.append(await record_store.knowledge_epoch(caller))
    await record_store.save_items(caller, ITEMS, AXES[:3], "m")
    epochs.append(await record_store.knowledge_epoch(caller))
    await record_store.delete_item(caller, "1")
    epochs.append(await record_store.knowledge_epoch(caller))
    assert epochs[0] == ""
    assert len(set(epochs)) == 4
    assert await record_store.knowledge_epoch(Caller("other")) == ""


async def test_items_are_found_by_meaning_and_by_words(record_store: RecordStore, caller: Caller) -> None:
    await record_store.save_items(caller, ITEMS, AXES[:3], "m")
    assert await found(record_store, caller, "xyzzy", AXES[1]) == ["2"]
    assert await found(record_store, caller, "xyzzy", AXES[3]) == []
    assert await found(record_store, caller, "Which months are in a quarter?", AXES[3]) == ["2"]
    both = np.asarray([0, 0.6, 0.8, 0], np.float32)
    assert await found(record_store, caller, "Sum of the months?", both) == ["2", "3"]
    assert await found(record_store, Caller(caller.tenant + "x"), "months", AXES[1]) == []
    await record_store.delete_item(caller, "2")
    assert await found(record_store, caller, "months of a quarter", AXES[1]) == []


async def test_at_most_limit_of_a_kind_are_found(record_store: RecordStore, caller: Caller) -> None:
    more = [KnowledgeItem(f"d{i}", START, documentation="One of many quarters.") for i in range(5)]
    await record_store.save_items(caller, [*ITEMS, *more], np.repeat(AXES[:1], 8, axis=0), "m")
    ids = await found(record_store, caller, "Quarters?", AXES[0], 2)
    assert sum(item_id.startswith(("d", "2")) for item_id in ids) == 2
    assert {"1", "3"} <= set(ids)


async def test_another_model_needs_vectors_of_its_own(record_store: RecordStore, caller: Caller) -> None:
    await record_store.save_items(caller, ITEMS, AXES[:3], "old")
    assert [item.id for item in await record_store.items_without_vector(caller, "m", 2)] == ["3", "2"]
    assert await found(record_store, caller, "months of a quarter", AXES[3]) == ["2"]
    await record_store.save_vectors(caller, ["3", "2", "1", "gone"], AXES, "m")
    assert await record_store.items_without_vector(caller, "m", 2) == []
    assert await found(record_store, caller, "xyzzy", AXES[0]) == ["3"]
    assert await record_store.items_without_vector(caller, "old", 2) == []


async def test_feedback_needs_its_answer(record_store: RecordStore, caller: Caller) -> None:
    with pytest.raises(NotFound, match="no answer a"):
        await record_store.save_feedback(caller, "a", "GOOD", "", "")
    await record_store.save_answer(caller, "a", "Why?")
    await record_store.save_answer(caller, "a", "Why?")
    first = await record_store.save_feedback(caller, "a", "GOOD", "Right.", "")
    assert first != await record_store.save_feedback(caller, "a", "BAD", "", "SELECT 2")


async def test_feedback_waits_until_it_is_promoted(record_store: RecordStore, caller: Caller) -> None:
    await record_store.save_answer(caller, "a", "Why?")
    good = await record_store.save_feedback(caller, "a", "GOOD", "Right.", "")
    bad = await record_store.save_feedback(dataclasses.replace(caller, principal="bob"), "a", "BAD", "", "SELECT 2")
    feedback = await record_store.get_feedback(caller, bad)
    assert (feedback.question, feedback.principal, feedback.answer_id) == ("Why?", "bob", "a")
    assert (feedback.rating, feedback.corrected_sql, feedback.promotion) == ("BAD", "SELECT 2", None)
    assert (await record_store.list_feedback(caller, 5, "", waiting_only=True)).items == (feedback,)
    first = Promotion("k", "ann", START)
    assert await record_store.save_promotion(caller, bad, first) == first
    assert await record_store.save_promotion(caller, bad, Promotion("x", "eve", START)) == first
    assert (await record_store.list_feedback(caller, 5, "", waiting_only=True)).items == ()
    page = await record_store.list_feedback(caller, 1, "", waiting_only=False)
    assert page.items == (dataclasses.replace(feedback, promotion=first),)
    page = await record_store.list_feedback(caller, 1, page.next_token, waiting_only=False)
    assert ([item.id for item in page.items], page.next_token) == ([good], "")
    with pytest.raises(NotFound):
        await record_store.get_feedback(Caller(caller.tenant + "x"), bad)
