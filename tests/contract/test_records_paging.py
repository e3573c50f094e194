"""Pages of records neither repeat nor miss what stays, and only their own tokens open them."""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.adapters.records.sql import SqlRecordStore
from service.domain.caller import Caller
from service.domain.documents import Document, DocumentState
from service.domain.sql import KnowledgeItem
from service.errors import InvalidRequest
from service.ports import RecordStore
from tests.contract.records import START, UNIT, all_ids, event, statement

pytestmark = pytest.mark.anyio
MakeDocument = Callable[..., Document]


async def test_items_of_one_instant_are_paged_without_loss(
    record_store: RecordStore, caller: Caller, make_document: MakeDocument
) -> None:
    ids = sorted((f"d{i}" for i in range(7)), reverse=True)
    for document_id in ids:
        await record_store.save_document(caller, make_document(document_id))
    for size in (1, 2, 3, 7, 8):
        assert await all_ids(record_store, caller, size) == ids


@pytest.mark.parametrize("listing", ["documents", "statements", "items", "events"])
async def test_a_token_of_another_listing_is_refused(
    record_store: RecordStore, caller: Caller, make_document: MakeDocument, listing: str
) -> None:
    for i in range(2):
        await record_store.save_document(caller, make_document(str(i)))
        await record_store.save_statement(caller, statement(str(i)), event(str(i)))
        await record_store.save_items(caller, [KnowledgeItem(str(i), START, ddl="x")], UNIT, "m")
    pages = {
        "documents": record_store.list_documents,
        "statements": record_store.list_statements,
        "items": record_store.list_items,
        "events": record_store.list_events,
    }
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


FILTERS = [None, DocumentState.ACTIVE, DocumentState.FAILED]


def state_of(number: int) -> DocumentState:
    return DocumentState.FAILED if number % 3 == 0 else DocumentState.ACTIVE


STEPS = st.lists(st.tuples(st.sampled_from(["insert", "delete", "page"]), st.integers(0, 30)), max_size=25)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    size=st.integers(1, 5), before=st.sets(st.integers(0, 30), max_size=15), steps=STEPS, state=st.sampled_from(FILTERS)
)
def test_pages_neither_repeat_nor_miss_what_stays(
    sqlite_url: str,
    make_document: MakeDocument,
    size: int,
    before: set[int],
    steps: list[tuple[str, int]],
    state: DocumentState | None,
) -> None:
    """Whatever comes and goes between pages, what was there from first to last is listed once, by state too."""
    store, caller = SqlRecordStore(sqlite_url), Caller(tenant=uuid.uuid4().hex)
    states = [state] if state else []

    async def scenario() -> None:
        present, stable, seen = set(before), set(before), list[int]()
        for i in before:
            await store.save_document(caller, make_document(str(i), minutes=i // 3, state=state_of(i)))
        page = await store.list_documents(caller, size, "", states)
        seen += [int(d.id) for d in page.items]
        for act, i in [*steps, *([("page", 0)] * 40)]:
            if act == "insert" and i not in present:
                present.add(i)
                await store.save_document(caller, make_document(str(i), minutes=i // 3, state=state_of(i)))
            elif act == "delete" and i in present:
                present.remove(i)
                stable.discard(i)
                await store.delete_document(caller, str(i))
            elif act == "page" and page.next_token:
                page = await store.list_documents(caller, size, page.next_token, states)
                seen += [int(d.id) for d in page.items]
        assert not page.next_token
        order = [(i // 3, str(i)) for i in seen]
        assert order == sorted(set(order), reverse=True)
        assert {i for i in stable if state in (None, state_of(i))} <= set(seen)
        assert all(state in (None, state_of(i)) for i in seen)

    asyncio.run(scenario())
    store.close()
