"""Every RecordStore keeps what it is given, apart by tenant, and pages through it without losing its place."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from service.adapters.records.sql import SqlRecordStore
from service.domain.caller import Caller
from service.domain.documents import Document, DocumentState
from service.domain.health import HealthStatus
from service.domain.sql import KnowledgeItem, StatementState
from service.errors import NotFound, UpstreamUnavailable
from service.ports import RecordStore
from tests.contract.records import START, UNIT, all_ids, event, statement

pytestmark = pytest.mark.anyio
EXECUTED = (StatementState.PROPOSED, StatementState.EXECUTED)
MakeDocument = Callable[..., Document]


async def test_a_document_comes_back_equal_with_aware_times(
    record_store: RecordStore, caller: Caller, make_document: MakeDocument
) -> None:
    elsewhere = dt.timezone(dt.timedelta(hours=5, minutes=30))
    document = make_document(
        "a",
        filename="Größe 大小 'x'.pdf",
        size_bytes=5_000_000_000,
        state=DocumentState.FAILED,
        update_time=START.astimezone(elsewhere),
        page_count=3,
        chunk_count=4,
        failure_reason="No text.",
        error_reason="UNREADABLE_DOCUMENT",
        parser="plain",
    )
    await record_store.save_document(caller, document)
    found = await record_store.get_document(caller, "a")
    assert found == document
    assert found.update_time.utcoffset() == dt.timedelta(0)
    assert found.state is DocumentState.FAILED


async def test_any_text_is_taken(record_store: RecordStore, caller: Caller, make_document: MakeDocument) -> None:
    document = make_document("a", filename="a\0b", failure_reason="\U0001f600 \ufeff\r\n")
    await record_store.save_document(caller, document)
    found = await record_store.get_document(caller, "a")
    assert found.filename in ("a\0b", "a\ufffdb")
    assert found.failure_reason == "\U0001f600 \ufeff\r\n"
    assert await record_store.find_documents(caller, filename="a\0b") == [found]


async def test_saving_again_updates_and_replaces_in_one_step(
    record_store: RecordStore, caller: Caller, make_document: MakeDocument
) -> None:
    for document_id in ("old", "older", "other"):
        await record_store.save_document(caller, make_document(document_id))
    await record_store.save_document(caller, make_document("new", state=DocumentState.PENDING))
    await record_store.save_document(
        caller, make_document("new", chunk_count=9), replaces=["old", "older", "new", "absent"]
    )
    assert sorted(await all_ids(record_store, caller)) == ["new", "other"]
    assert (await record_store.get_document(caller, "new")).chunk_count == 9


async def test_documents_are_found_by_every_given_property(
    record_store: RecordStore, caller: Caller, make_document: MakeDocument
) -> None:
    for i, (name, digest) in enumerate([("a.txt", "1"), ("a.txt", "2"), ("b.txt", "1")]):
        await record_store.save_document(caller, make_document(f"d{i}", minutes=i, filename=name, sha256=digest))
    assert [d.id for d in await record_store.find_documents(caller, filename="a.txt")] == ["d1", "d0"]
    assert [d.id for d in await record_store.find_documents(caller, sha256="1")] == ["d2", "d0"]
    assert [d.id for d in await record_store.find_documents(caller, filename="a.txt", sha256="1")] == ["d0"]
    assert await record_store.find_documents(caller, filename="A.TXT") == []


async def test_updating_what_is_gone_changes_nothing(
    record_store: RecordStore, caller: Caller, make_document: MakeDocument
) -> None:
    for document_id in ("old", "new"):
        await record_store.save_document(caller, make_document(document_id))
    changed = make_document("new", state=DocumentState.FAILED, failure_reason="It is empty.")
    assert await record_store.update_document(caller, changed)
    assert await record_store.get_document(caller, "new") == changed
    assert await record_store.update_document(caller, changed, ["old", "new", "absent"])
    assert await all_ids(record_store, caller) == ["new"]
    await record_store.save_document(caller, make_document("old"))
    await record_store.delete_document(caller, "new")
    assert not await record_store.update_document(caller, changed, ["old"])
    assert not await record_store.update_document(Caller("other"), make_document("old"))
    assert await all_ids(record_store, caller) == ["old"]


async def test_listing_filters_by_state_and_counts_only_active(
    record_store: RecordStore, caller: Caller, make_document: MakeDocument
) -> None:
    for i, state in enumerate(DocumentState):
        await record_store.save_document(caller, make_document(state.value, minutes=i, state=state))
    page = await record_store.list_documents(caller, 10, "", [DocumentState.ACTIVE, DocumentState.PENDING])
    assert [d.id for d in page.items] == ["ACTIVE", "PENDING"]
    assert page.next_token == ""
    assert await record_store.count_documents(caller) == 1


async def test_deleting_what_is_not_there_is_not_found(
    record_store: RecordStore, caller: Caller, make_document: MakeDocument
) -> None:
    await record_store.save_document(caller, make_document("a"))
    await record_store.delete_document(caller, "a")
    for act in (record_store.get_document, record_store.delete_document):
        with pytest.raises(NotFound, match="no document a"):
            await act(caller, "a")
    with pytest.raises(NotFound):
        await record_store.delete_item(caller, "a")


async def test_nothing_is_visible_to_another_tenant(
    record_store: RecordStore, caller: Caller, make_document: MakeDocument
) -> None:
    stranger = dataclasses.replace(caller, tenant=caller.tenant + "x")
    await record_store.save_document(caller, make_document("a"))
    await record_store.save_statement(caller, statement("s"), event("s"))
    await record_store.save_items(caller, [KnowledgeItem("k", START, ddl="CREATE TABLE t (a int)")], UNIT, "m")
    await record_store.save_answer(caller, "an", "Why?")
    for attempt in (
        record_store.get_document(stranger, "a"),
        record_store.delete_document(stranger, "a"),
        record_store.get_statement(stranger, "s"),
        record_store.delete_item(stranger, "k"),
        record_store.save_feedback(stranger, "an", "GOOD", "", ""),
    ):
        with pytest.raises(NotFound):
            await attempt
    await record_store.save_document(stranger, make_document("b"), replaces=["a"])
    assert await all_ids(record_store, caller) == ["a"]
    assert await record_store.find_documents(stranger, filename="a.txt") == []
    assert await record_store.count_items(stranger) == 0
    assert not await record_store.move_statement(stranger, "s", *EXECUTED, event("s"))
    assert (await record_store.list_statements(stranger, 5, "")).items == ()


async def test_what_breaks_is_told_without_the_drivers_words(tmp_path: Path) -> None:
    (tmp_path / "broken.db").write_bytes(b"this is not a database" * 100)
    for url in (f"sqlite:///{tmp_path}/broken.db", "postgresql://user:hunter2@127.0.0.1:1/none"):
        store = SqlRecordStore(url)
        with pytest.raises(UpstreamUnavailable) as failure:
            await store.count_documents(Caller())
        assert "hunter2" not in failure.value.message
        assert (await store.check()).status is HealthStatus.NOT_SERVING


async def test_health_names_the_adapter(record_store: RecordStore) -> None:
    health = await record_store.check()
    assert (health.component, health.status, health.detail) == ("records", HealthStatus.SERVING, "")
