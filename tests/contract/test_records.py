"""Every RecordStore keeps what it is given, apart by tenant, and pages through it without losing its place."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import datetime as dt
import json
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.adapters.records.sql import SqlRecordStore
from service.domain.caller import Caller
from service.domain.documents import Document, DocumentState
from service.domain.health import HealthStatus
from service.domain.sql import ExampleQuery, KnowledgeItem, SqlStatement, StatementState
from service.errors import InvalidRequest, NotConfigured, NotFound, UpstreamUnavailable
from service.ports import Page, RecordStore

pytestmark = pytest.mark.anyio
MakeDocument = Callable[..., Document]
START = dt.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=dt.UTC)
FAR = dt.datetime(2999, 1, 1, tzinfo=dt.UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Iterator[RecordStore]:
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    store = SqlRecordStore(url)
    yield store
    store.close()


@pytest.fixture
def caller() -> Caller:
    """A tenant of this test's own: the PostgreSQL server is shared."""
    return Caller(tenant=uuid.uuid4().hex, principal="ann")


def statement(statement_id: str, *, minutes: int = 0, **changed: object) -> SqlStatement:
    values = SqlStatement(
        id=statement_id,
        question="How many?",
        sql="SELECT 1",
        dialect="sqlite",
        explanation="One.",
        tables=("albums", "Größe"),
        etag="e",
        state=StatementState.PROPOSED,
        create_time=START + dt.timedelta(minutes=minutes),
        expire_time=FAR,
    )
    return dataclasses.replace(values, **changed)  # pyright: ignore[reportArgumentType]


async def all_ids(store: RecordStore, caller: Caller, size: int) -> list[str]:
    ids: list[str] = []
    token = ""
    while True:
        page = await store.list_documents(caller, size, token)
        ids += [document.id for document in page.items]
        token = page.next_token
        if not token:
            return ids


async def test_a_document_comes_back_equal_with_aware_times(
    store: RecordStore, caller: Caller, make_document: MakeDocument
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
    await store.save_document(caller, document)
    found = await store.get_document(caller, "a")
    assert found == document
    assert found.update_time.utcoffset() == dt.timedelta(0)
    assert found.state is DocumentState.FAILED


async def test_saving_again_updates_and_replaces_in_one_step(
    store: RecordStore, caller: Caller, make_document: MakeDocument
) -> None:
    for document_id in ("old", "older", "other"):
        await store.save_document(caller, make_document(document_id))
    await store.save_document(caller, make_document("new", state=DocumentState.PENDING))
    await store.save_document(caller, make_document("new", chunk_count=9), replaces=["old", "older", "new", "absent"])
    assert sorted(await all_ids(store, caller, 10)) == ["new", "other"]
    assert (await store.get_document(caller, "new")).chunk_count == 9


async def test_documents_are_found_by_every_given_property(
    store: RecordStore, caller: Caller, make_document: MakeDocument
) -> None:
    for i, (name, digest) in enumerate([("a.txt", "1"), ("a.txt", "2"), ("b.txt", "1")]):
        await store.save_document(caller, make_document(f"d{i}", minutes=i, filename=name, sha256=digest))
    assert [d.id for d in await store.find_documents(caller, filename="a.txt")] == ["d1", "d0"]
    assert [d.id for d in await store.find_documents(caller, sha256="1")] == ["d2", "d0"]
    assert [d.id for d in await store.find_documents(caller, filename="a.txt", sha256="1")] == ["d0"]
    assert await store.find_documents(caller, filename="A.TXT") == []


async def test_listing_filters_by_state_and_counts_only_active(
    store: RecordStore, caller: Caller, make_document: MakeDocument
) -> None:
    for i, state in enumerate(DocumentState):
        await store.save_document(caller, make_document(state.value, minutes=i, state=state))
    page = await store.list_documents(caller, 10, "", [DocumentState.ACTIVE, DocumentState.PENDING])
    assert [d.id for d in page.items] == ["ACTIVE", "PENDING"]
    assert page.next_token == ""
    assert await store.count_documents(caller) == 1


async def test_deleting_what_is_not_there_is_not_found(
    store: RecordStore, caller: Caller, make_document: MakeDocument
) -> None:
    await store.save_document(caller, make_document("a"))
    await store.delete_document(caller, "a")
    for act in (store.get_document, store.delete_document):
        with pytest.raises(NotFound, match="no document a"):
            await act(caller, "a")
    with pytest.raises(NotFound):
        await store.delete_item(caller, "a")


async def test_nothing_is_visible_to_another_tenant(
    store: RecordStore, caller: Caller, make_document: MakeDocument
) -> None:
    stranger = dataclasses.replace(caller, tenant=caller.tenant + "x")
    await store.save_document(caller, make_document("a"))
    await store.save_statement(caller, statement("s"))
    await store.save_item(caller, KnowledgeItem("k", START, ddl="CREATE TABLE t (a int)"))
    await store.save_answer(caller, "an", "Why?")
    for attempt in (
        store.get_document(stranger, "a"),
        store.delete_document(stranger, "a"),
        store.get_statement(stranger, "s"),
        store.delete_item(stranger, "k"),
        store.save_feedback(stranger, "an", "GOOD", "", ""),
    ):
        with pytest.raises(NotFound):
            await attempt
    await store.save_document(stranger, make_document("b"), replaces=["a"])
    assert await all_ids(store, caller, 10) == ["a"]
    assert await store.find_documents(stranger, filename="a.txt") == []
    assert await store.count_items(stranger) == 0
    assert not await store.move_statement(stranger, "s", StatementState.PROPOSED, StatementState.EXECUTED)
    assert (await store.list_statements(stranger, 5, "")).items == ()


async def test_a_statement_belongs_to_its_principal(store: RecordStore, caller: Caller) -> None:
    await store.save_statement(caller, statement("s"))
    assert await store.get_statement(caller, "s") == statement("s")
    bob = dataclasses.replace(caller, principal="bob")
    with pytest.raises(NotFound):
        await store.get_statement(bob, "s")
    assert (await store.list_statements(bob, 5, "")).items == ()
    assert not await store.move_statement(bob, "s", StatementState.PROPOSED, StatementState.REJECTED)


async def test_statements_listed_are_proposed_and_alive(store: RecordStore, caller: Caller) -> None:
    past = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
    await store.save_statement(caller, statement("first"))
    await store.save_statement(caller, statement("second", minutes=1))
    await store.save_statement(caller, statement("expired", expire_time=past))
    await store.save_statement(caller, statement("rejected", state=StatementState.REJECTED))
    page = await store.list_statements(caller, 1, "")
    assert [s.id for s in page.items] == ["second"]
    page = await store.list_statements(caller, 1, page.next_token)
    assert [s.id for s in page.items] == ["first"]
    assert page.next_token == ""


async def test_only_one_of_many_moves_a_statement(store: RecordStore, caller: Caller) -> None:
    await store.save_statement(caller, statement("s"))
    moves = (store.move_statement(caller, "s", StatementState.PROPOSED, StatementState.EXECUTED) for _ in range(8))
    assert sorted(await asyncio.gather(*moves)) == [False] * 7 + [True]
    assert (await store.get_statement(caller, "s")).state is StatementState.EXECUTED
    assert not await store.move_statement(caller, "absent", StatementState.PROPOSED, StatementState.EXECUTED)


async def test_knowledge_items_of_each_kind_come_back_equal(store: RecordStore, caller: Caller) -> None:
    items = [
        KnowledgeItem("1", START, ddl="CREATE TABLE t (a int)"),
        KnowledgeItem("2", START + dt.timedelta(microseconds=1), documentation="A quarter has three months."),
        KnowledgeItem("3", START + dt.timedelta(microseconds=2), example=ExampleQuery("How many?", "SELECT 1")),
    ]
    for item in items:
        await store.save_item(caller, item)
    assert (await store.list_items(caller, 3, "")).items == tuple(reversed(items))
    assert await store.count_items(caller) == 3
    await store.delete_item(caller, "2")
    assert [item.id for item in (await store.list_items(caller, 3, "")).items] == ["3", "1"]


async def test_feedback_needs_its_answer(store: RecordStore, caller: Caller) -> None:
    with pytest.raises(NotFound, match="no answer a"):
        await store.save_feedback(caller, "a", "GOOD", "", "")
    await store.save_answer(caller, "a", "Why?")
    await store.save_answer(caller, "a", "Why?")
    first = await store.save_feedback(caller, "a", "GOOD", "Right.", "")
    assert first != await store.save_feedback(caller, "a", "BAD", "", "SELECT 2")


async def test_items_of_one_instant_are_paged_without_loss(
    store: RecordStore, caller: Caller, make_document: MakeDocument
) -> None:
    ids = sorted((f"d{i}" for i in range(7)), reverse=True)
    for document_id in ids:
        await store.save_document(caller, make_document(document_id))
    for size in (1, 2, 3, 7, 8):
        assert await all_ids(store, caller, size) == ids


@pytest.mark.parametrize("listing", ["documents", "statements", "items"])
async def test_a_token_of_another_listing_is_refused(
    store: RecordStore, caller: Caller, make_document: MakeDocument, listing: str
) -> None:
    for i in range(2):
        await store.save_document(caller, make_document(str(i)))
        await store.save_statement(caller, statement(str(i)))
        await store.save_item(caller, KnowledgeItem(str(i), START, ddl="x"))
    pages = {"documents": store.list_documents, "statements": store.list_statements, "items": store.list_items}
    token = (await pages.pop(listing)(caller, 1, "")).next_token
    assert token
    for other in pages.values():
        with pytest.raises(InvalidRequest) as refused:
            await other(caller, 1, token)
        assert [v.field for v in refused.value.violations] == ["page_token"]


def forged(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")


FORGED = [
    ["documents", 1.5, "a"],
    ["documents", 10**30, "a"],
    ["documents", 1, 5],
    ["documents", 1, "\0"],
    ["documents", 1, "\ud800"],
    ["documents", "1", "a"],
    ["documents", None, None],
    ["documents", 1],
    {"documents": 1},
    5,
]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(token=st.text(min_size=1) | st.binary(min_size=1).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_any_other_text_is_no_token(sqlite_url: str, token: str) -> None:
    for text in (token, *map(forged, FORGED)):
        with pytest.raises(InvalidRequest):
            asyncio.run(SqlRecordStore(sqlite_url).list_documents(Caller(), 1, text))


STEPS = st.lists(st.tuples(st.sampled_from(["insert", "delete", "page"]), st.integers(0, 30)), max_size=25)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=st.integers(1, 5), before=st.sets(st.integers(0, 30), max_size=15), steps=STEPS)
def test_pages_neither_repeat_nor_miss_what_stays(
    sqlite_url: str, make_document: MakeDocument, size: int, before: set[int], steps: list[tuple[str, int]]
) -> None:
    """Whatever comes and goes between pages, what was there from first to last is listed once."""
    store, caller = SqlRecordStore(sqlite_url), Caller(tenant=uuid.uuid4().hex)

    async def scenario() -> None:
        present, stable, seen = set(before), set(before), list[int]()
        for i in before:
            await store.save_document(caller, make_document(str(i), minutes=i // 3))
        page = await store.list_documents(caller, size, "")
        seen += [int(d.id) for d in page.items]
        for act, i in [*steps, *([("page", 0)] * 40)]:
            if act == "insert" and i not in present:
                present.add(i)
                await store.save_document(caller, make_document(str(i), minutes=i // 3))
            elif act == "delete" and i in present:
                present.remove(i)
                stable.discard(i)
                await store.delete_document(caller, str(i))
            elif act == "page" and page.next_token:
                page = await store.list_documents(caller, size, page.next_token)
                seen += [int(d.id) for d in page.items]
        assert not page.next_token
        order = [(i // 3, str(i)) for i in seen]
        assert order == sorted(set(order), reverse=True)
        assert stable <= set(seen)

    asyncio.run(scenario())
    store.close()


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


async def test_health_names_the_adapter(store: RecordStore) -> None:
    health = await store.check()
    assert (health.component, health.status, health.detail) == ("records", HealthStatus.SERVING, "")
