"""Every RecordStore keeps what it is given, apart by tenant, and pages through it without losing its place."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from service.adapters.records.schema import VERSION
from service.adapters.records.sql import SqlRecordStore
from service.domain.caller import Caller
from service.domain.documents import Document, DocumentState, IngestPhase, IngestProgress
from service.domain.health import HealthStatus
from service.domain.questions import Usage
from service.domain.sql import ExampleQuery, KnowledgeItem, StatementState
from service.domain.usage import UsageKind, UsageTotal
from service.errors import NotConfigured, NotFound, UpstreamUnavailable
from service.ports import Page, RecordStore
from tests.contract.records import START, all_ids, statement, upload

pytestmark = pytest.mark.anyio
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
        parser="plain",
    )
    await record_store.save_document(caller, document)
    found = await record_store.get_document(caller, "a")
    assert found == document
    assert found.update_time.utcoffset() == dt.timedelta(0)
    assert found.state is DocumentState.FAILED


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


async def test_progress_is_not_stored(record_store: RecordStore, caller: Caller, make_document: MakeDocument) -> None:
    processing = make_document("d", state=DocumentState.PROCESSING)
    shown = dataclasses.replace(processing, progress=IngestProgress(IngestPhase.EMBEDDING, 1, 2))
    await record_store.save_document(caller, shown)
    assert await record_store.update_document(caller, shown)
    assert await record_store.get_document(caller, "d") == processing


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
    await record_store.save_statement(caller, statement("s"))
    await record_store.save_item(caller, KnowledgeItem("k", START, ddl="CREATE TABLE t (a int)"))
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
    assert not await record_store.move_statement(stranger, "s", StatementState.PROPOSED, StatementState.EXECUTED)
    assert (await record_store.list_statements(stranger, 5, "")).items == ()


async def test_a_statement_belongs_to_its_principal(record_store: RecordStore, caller: Caller) -> None:
    await record_store.save_statement(caller, statement("s"))
    assert await record_store.get_statement(caller, "s") == statement("s")
    bob = dataclasses.replace(caller, principal="bob")
    with pytest.raises(NotFound):
        await record_store.get_statement(bob, "s")
    assert (await record_store.list_statements(bob, 5, "")).items == ()
    assert not await record_store.move_statement(bob, "s", StatementState.PROPOSED, StatementState.REJECTED)


async def test_statements_listed_are_proposed_and_alive(record_store: RecordStore, caller: Caller) -> None:
    past = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
    await record_store.save_statement(caller, statement("first"))
    await record_store.save_statement(caller, statement("second", minutes=1))
    await record_store.save_statement(caller, statement("expired", expire_time=past))
    await record_store.save_statement(caller, statement("rejected", state=StatementState.REJECTED))
    page = await record_store.list_statements(caller, 1, "")
    assert [s.id for s in page.items] == ["second"]
    page = await record_store.list_statements(caller, 1, page.next_token)
    assert [s.id for s in page.items] == ["first"]
    assert page.next_token == ""


async def test_only_one_of_many_moves_a_statement(record_store: RecordStore, caller: Caller) -> None:
    await record_store.save_statement(caller, statement("s"))
    moves = (
        record_store.move_statement(caller, "s", StatementState.PROPOSED, StatementState.EXECUTED) for _ in range(8)
    )
    assert sorted(await asyncio.gather(*moves)) == [False] * 7 + [True]
    assert (await record_store.get_statement(caller, "s")).state is StatementState.EXECUTED
    assert not await record_store.move_statement(caller, "absent", StatementState.PROPOSED, StatementState.EXECUTED)


async def test_knowledge_items_of_each_kind_come_back_equal(record_store: RecordStore, caller: Caller) -> None:
    items = [
        KnowledgeItem("1", START, ddl="CREATE TABLE t (a int)"),
        KnowledgeItem("2", START + dt.timedelta(microseconds=1), documentation="A quarter has three months."),
        KnowledgeItem("3", START + dt.timedelta(microseconds=2), example=ExampleQuery("How many?", "SELECT 1")),
    ]
    for item in items:
        await record_store.save_item(caller, item)
    assert (await record_store.list_items(caller, 3, "")).items == tuple(reversed(items))
    assert await record_store.count_items(caller) == 3
    await record_store.delete_item(caller, "2")
    assert [item.id for item in (await record_store.list_items(caller, 3, "")).items] == ["3", "1"]


async def test_feedback_needs_its_answer(record_store: RecordStore, caller: Caller) -> None:
    with pytest.raises(NotFound, match="no answer a"):
        await record_store.save_feedback(caller, "a", "GOOD", "", "")
    await record_store.save_answer(caller, "a", "Why?")
    await record_store.save_answer(caller, "a", "Why?")
    first = await record_store.save_feedback(caller, "a", "GOOD", "Right.", "")
    assert first != await record_store.save_feedback(caller, "a", "BAD", "", "SELECT 2")


def total(day: int, calls: int, kind: UsageKind = UsageKind.SQL, model: str = "gpt-4o") -> UsageTotal:
    spent = Usage(5_000_000_000 * calls, 2 * calls, 3 * calls, 0.125 * calls, (model,))
    return UsageTotal(dt.date(2026, 1, day), kind, model, calls, spent)


async def test_usage_is_added_up_by_day_kind_and_model(record_store: RecordStore, caller: Caller) -> None:
    await record_store.add_usage(caller, [total(1, 1), total(2, 1), total(1, 4, UsageKind.CACHED)])
    await record_store.add_usage(caller, [total(1, 2), total(1, 1, model="größer")])
    assert await record_store.list_usage(caller, dt.date(2026, 1, 1), dt.date(2026, 1, 2)) == [
        total(2, 1),
        total(1, 4, UsageKind.CACHED),
        total(1, 3),
        total(1, 1, model="größer"),
    ]
    assert await record_store.list_usage(caller, dt.date(2026, 1, 2), dt.date(2026, 1, 9)) == [total(2, 1)]
    assert await record_store.list_usage(Caller("other"), dt.date(2026, 1, 1), dt.date(2026, 1, 2)) == []


async def test_usage_added_at_the_same_time_is_all_kept(record_store: RecordStore, caller: Caller) -> None:
    totals = [total(1, 1, model=model) for model in ("a", "b")]
    await asyncio.gather(*(record_store.add_usage(caller, totals[:: (-1) ** i]) for i in range(20)))
    found = await record_store.list_usage(caller, dt.date(2026, 1, 1), dt.date(2026, 1, 1))
    assert [item.calls for item in found] == [20, 20]


def test_many_begin_on_one_new_file(sqlite_url: str, make_document: MakeDocument) -> None:
    """Each thread has a store of its own, as each process would."""

    def work(i: int) -> Page[Document]:
        store = SqlRecordStore(sqlite_url)
        asyncio.run(store.save_document(Caller(), make_document(str(i))))
        page = asyncio.run(store.list_documents(Caller(), 10, ""))
        store.close()
        return page

    with ThreadPoolExecutor(8) as pool:
        pages = list(pool.map(work, range(8)))
    assert max(len(page.items) for page in pages) == 8


async def test_an_older_file_is_brought_up_to_date(
    tmp_path: Path, sqlite_url: str, make_document: MakeDocument
) -> None:
    before = SqlRecordStore(sqlite_url)
    await before.save_document(Caller(), make_document("kept"))
    before.close()
    with sqlite3.connect(tmp_path / "new folder" / "records.db") as connection:
        connection.execute("DROP TABLE uploads")
        connection.execute("DROP TABLE usage")
        connection.execute("UPDATE schema_version SET version = 1")
    store = SqlRecordStore(sqlite_url)
    assert await all_ids(store, Caller()) == ["kept"]
    await store.save_upload(Caller(), upload("u"))
    assert await store.get_upload(Caller(), "u") == upload("u")
    await store.add_usage(Caller(), [total(1, 1)])
    with sqlite3.connect(tmp_path / "new folder" / "records.db") as connection:
        assert connection.execute("SELECT version FROM schema_version").fetchall() == [(VERSION,)]


async def test_a_newer_schema_is_refused(tmp_path: Path, sqlite_url: str) -> None:
    await SqlRecordStore(sqlite_url).count_documents(Caller())
    with sqlite3.connect(tmp_path / "new folder" / "records.db") as connection:
        connection.execute("UPDATE schema_version SET version = 99")
    store = SqlRecordStore(sqlite_url)
    with pytest.raises(NotConfigured, match="newer version"):
        await store.count_documents(Caller())
    assert (await store.check()).status is HealthStatus.NOT_SERVING


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
