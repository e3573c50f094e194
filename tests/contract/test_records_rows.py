"""Rows of every table go from any RecordStore to any other and are the same there."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import pytest
from psycopg.conninfo import conninfo_to_dict

from service.adapters.records.sql import SqlRecordStore
from service.domain.audit import AuditAction
from service.domain.caller import Caller
from service.domain.documents import Document
from service.domain.questions import Usage
from service.domain.sql import ExampleQuery, KnowledgeItem, StatementState
from service.domain.usage import UsageKind, UsageTotal
from service.usecases.copy_records import CopyRecords
from tests.contract.records import START, UNIT, event, statement, upload

pytestmark = pytest.mark.anyio
MakeDocument = Callable[..., Document]
ANN = Caller("ann", "ann")


async def fill(store: SqlRecordStore, make_document: MakeDocument) -> None:
    """Something in every table, with values that databases like to change."""
    for number in range(1_100):  # more than a page
        await store.save_document(ANN, make_document(f"d{number}", filename="Größe 'x'\n.pdf"))
    await store.save_document(Caller("Bob"), make_document("d1", failure_reason="It was empty."))
    await store.save_upload(ANN, upload("u"))
    await store.save_statement(ANN, statement("s"), event("s"))
    done = event("s", action=AuditAction.EXECUTED, row_count=5_000_000_000, duration_seconds=0.1)
    await store.move_statement(ANN, "s", StatementState.PROPOSED, StatementState.EXECUTED, done)
    items = [
        KnowledgeItem("k", START, ddl="CREATE TABLE x (y int)"),
        KnowledgeItem("e", START, example=ExampleQuery("?", "SELECT 1")),
    ]
    for item in items:
        await store.save_items(ANN, [item], UNIT, "model")
    await store.save_answer(ANN, "a", "What?")
    await store.save_feedback(ANN, "a", "up", "", "SELECT 2")
    spent = Usage(5_000_000_000, 2, 3, 0.1, ("gpt-4o",))
    await store.add_usage(ANN, [UsageTotal(dt.date(2026, 1, 1), UsageKind.SQL, "gpt-4o", 1, spent)])


async def test_every_table_is_copied_and_followed(
    tmp_path: Path, postgres_database: str, make_document: MakeDocument
) -> None:
    first = SqlRecordStore(f"sqlite:///{tmp_path}/first.db")
    second = SqlRecordStore(f"postgresql:///?{urlencode(conninfo_to_dict(postgres_database))}")
    third = SqlRecordStore(f"sqlite:///{tmp_path}/third.db")
    await fill(first, make_document)
    assert await CopyRecords(first, second).is_empty()
    copied = await CopyRecords(first, second).copy(lambda _: None)
    assert copied.moved == copied.items > 1_100
    assert not await CopyRecords(first, second).is_empty()
    back = await CopyRecords(second, third).copy(lambda _: None)
    assert (back.items, back.checksum) == (copied.items, copied.checksum)
    assert await third.get_document(ANN, "d7") == await first.get_document(ANN, "d7")
    assert {one.id for one in await third.search_items(ANN, "?", UNIT[0], "model", 5)} == {"e", "k"}
    assert await third.list_usage(ANN, dt.date(2026, 1, 1), dt.date(2026, 1, 1)) == await first.list_usage(
        ANN, dt.date(2026, 1, 1), dt.date(2026, 1, 1)
    )

    await first.delete_document(ANN, "d7")
    await first.save_document(ANN, make_document("d8", filename="other.txt"))
    await first.delete_item(ANN, "e")
    await first.save_statement(ANN, statement("t"), event("t"))
    again = await CopyRecords(first, second).copy(lambda _: None)
    # The document, the epoch of knowledge, a statement with its event; gone are a document, an item and its vector.
    assert (again.moved, again.removed) == (4, 3)
    assert (await CopyRecords(first, second).copy(lambda _: None)).moved == 0
    for store in (first, second, third):
        await asyncio.to_thread(store.close)
