"""Caches and health, over the real local adapters."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from service.adapters.caches.memory import MemoryCache
from service.adapters.records.sql import SqlRecordStore
from service.adapters.vectors.sqlite import SqliteVectorStore
from service.domain.caller import Caller
from service.domain.documents import Document, DocumentState
from service.domain.health import ComponentHealth, HealthStatus, Stats
from service.domain.sql import KnowledgeItem
from service.errors import InvalidRequest
from service.ports import CacheCounters
from service.startup import sole_server
from service.usecases import check_health
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
    caches = ManageCaches(cache)
    await cache.set(CALLER, "answer", "k", b"v", 60)
    await cache.get(CALLER, "answer", "k")
    stats = await caches.stats(CALLER)
    assert list(stats) == ["document", "embedding", "answer", "sql", "sql_result"]
    assert stats["answer"] == CacheCounters(hits=1)
    assert (await caches.clear(CALLER, "sql"), await caches.clear(CALLER, "answer")) == (0, 1)
    with pytest.raises(InvalidRequest, match="kind"):
        await caches.clear(CALLER, "everything")


class Part:
    """A component whose health the test decides."""

    def __init__(self, status: HealthStatus = HealthStatus.SERVING) -> None:
        self.status = status
        self.asked = 0
        self.answers = asyncio.Event()
        self.answers.set()

    async def check(self) -> ComponentHealth:
        self.asked += 1
        await self.answers.wait()
        return ComponentHealth("part", "fake", self.status)


def health_of(tmp_path: Path, **parts: tuple[Part, bool]) -> CheckHealth:
    records = SqlRecordStore(f"sqlite:///{tmp_path}/records.db")
    return CheckHealth(parts, records, records, SqliteVectorStore(tmp_path / "v.db", "m", 4), "1.2.3")


@pytest.mark.parametrize(
    ("required", "optional", "overall"),
    [
        ("SERVING", "SERVING", "SERVING"),
        ("SERVING", "NOT_SERVING", "DEGRADED"),
        ("NOT_SERVING", "SERVING", "NOT_SERVING"),
        ("DEGRADED", "SERVING", "DEGRADED"),
    ],
)
async def test_health_depends_on_what_is_required(tmp_path: Path, required: str, optional: str, overall: str) -> None:
    first, second = Part(HealthStatus(required)), Part(HealthStatus(optional))
    health = await health_of(tmp_path, first=(first, True), second=(second, False)).check(CALLER)
    assert health.status == overall
    assert health.version == "1.2.3"
    assert [(c.component, c.adapter, c.status) for c in health.components] == [
        ("first", "fake", required),
        ("second", "fake", optional),
    ]


async def test_a_part_that_hangs_is_reported_and_not_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_health, "_FIRST_SECONDS", 0.1)
    monkeypatch.setattr(check_health, "_DEADLINE_SECONDS", 0.05)
    monkeypatch.setattr(check_health, "_FRESH_SECONDS", 0.0)
    stuck, fine = Part(), Part()
    stuck.answers.clear()
    use_case = health_of(tmp_path, stuck=(stuck, False), fine=(fine, True))
    for _ in range(3):
        health = await use_case.check(CALLER)
        assert health.status is HealthStatus.DEGRADED
        assert "did not answer" in health.components[0].detail
    assert (stuck.asked, fine.asked) == (1, 3)
    stuck.answers.set()
    assert (await use_case.check(CALLER)).status is HealthStatus.SERVING


async def test_the_first_time_may_take_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A component may have to load what it needs: nobody is alarmed by that."""
    monkeypatch.setattr(check_health, "_DEADLINE_SECONDS", 0.01)
    slow = Part()
    slow.answers.clear()
    checking = asyncio.create_task(health_of(tmp_path, slow=(slow, True)).check(CALLER))
    await asyncio.sleep(0.05)
    slow.answers.set()
    assert (await checking).status is HealthStatus.SERVING


async def test_a_fresh_result_is_given_again(tmp_path: Path) -> None:
    part = Part()
    use_case = health_of(tmp_path, part=(part, True))
    first = await use_case.check(CALLER)
    assert await use_case.check(CALLER) is first
    assert part.asked == 1


async def test_stats_count_what_is_stored(tmp_path: Path) -> None:
    records = SqlRecordStore(f"sqlite:///{tmp_path}/records.db")
    use_case = CheckHealth({}, records, records, SqliteVectorStore(tmp_path / "v.db", "m", 4), "1")
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
