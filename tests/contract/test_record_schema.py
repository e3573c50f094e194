"""A record file that is new, older or newer than this version of ragsql."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from service.adapters.records.schema import VERSION
from service.adapters.records.sql import SqlRecordStore
from service.domain.caller import Caller
from service.domain.documents import Document
from service.domain.health import HealthStatus
from service.errors import NotConfigured
from service.ports import Page
from tests.contract.records import all_ids, upload

pytestmark = pytest.mark.anyio
MakeDocument = Callable[..., Document]


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
        connection.executescript(
            "DROP TABLE uploads; DROP TABLE knowledge_vectors; DROP TABLE promotions; DROP TABLE usage"
        )
        connection.execute("ALTER TABLE documents DROP COLUMN error_reason")
        connection.execute("UPDATE schema_version SET version = 1")
    store = SqlRecordStore(sqlite_url)
    assert await all_ids(store, Caller()) == ["kept"]
    await store.save_upload(Caller(), upload("u"))
    assert await store.get_upload(Caller(), "u") == upload("u")
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
