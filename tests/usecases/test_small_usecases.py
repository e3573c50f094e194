"""Caches, counts and the lock of a data folder, over the real local adapters."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.adapters.caches.memory import MemoryCache
from service.adapters.records.sql import SqlRecordStore
from service.adapters.vectors.sqlite import SqliteVectorStore
from service.domain.caller import Caller
from service.domain.documents import Document, DocumentState
from service.domain.health import Stats
from service.domain.questions import Usage
from service.domain.sql import KnowledgeItem
from service.errors import InvalidRequest
from service.ports import CacheCounters
from service.startup import sole_server
from service.usecases.check_health import CheckHealth
from service.usecases.manage_caches import ManageCaches

pytestmark = pytest.mark.anyio
CALLER = Caller()
LONG_AGO = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
def records(tmp_path: Path) -> SqlRecordStore:
    return SqlRecordStore(f"sqlite:///{tmp_path}/records.db")


async def test_caches_are_counted_and_cleared_by_kind() -> None:
    cache = MemoryCache(10_000)
    documents: Any = None  # Nothing is asked of documents here.
    caches = ManageCaches(cache, documents)
    await cache.set(CALLER, "answer", "k", b"v", 60)
    cache.count(CALLER, "answer", Usage())
    stats = await caches.stats(CALLER)
    assert list(stats) == ["document", "embedding", "answer", "sql", "sql_result"]
    assert stats["answer"] == CacheCounters(hits=1)
    assert (await caches.clear(CALLER, "sql"), await caches.clear(CALLER, "answer")) == (0, 1)
    with pytest.raises(InvalidRequest, match="kind"):
        await caches.clear(CALLER, "everything")


async def test_stats_count_what_is_stored(tmp_path: Path) -> None:
    records = SqlRecordStore(f"sqlite:///{tmp_path}/records.db")
    use_case = CheckHealth({}, {}, records, records, SqliteVectorStore(tmp_path / "v.db", "m", 4), "1")
    assert await use_case.stats(CALLER) == Stats(0, 0, 0)
    document = Document("d", "d.txt", "text/plain", 1, "0", DocumentState.ACTIVE, LONG_AGO, LONG_AGO)
    await records.save_document(CALLER, document)
    await records.save_items(CALLER, [KnowledgeItem("k", LONG_AGO, ddl="x")], np.eye(1, 4, dtype=np.float32), "m")
    assert await use_case.stats(CALLER) == Stats(document_count=1, chunk_count=0, knowledge_item_count=1)


def test_one_server_alone_recovers_what_is_in_a_folder(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "new"
    with sole_server(folder) as first, sole_server(folder) as second, sole_server(tmp_path / "other") as other:
        assert (first, second, other) == (True, False, True)
    assert str(folder) in caplog.text
    with sole_server(folder) as again:
        assert again
