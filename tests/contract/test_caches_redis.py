"""The Redis cache while its server is killed, stopped, slow, full or refuses: questions go on, at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from service.adapters.caches.redis import RedisCache
from service.domain.caller import Caller
from service.domain.health import HealthStatus
from tests.redis_server import RedisServer
from tests.tls import tls_in_front_of

pytestmark = pytest.mark.anyio
ANN = Caller(tenant="ann")
T = TypeVar("T")

LONG_SECONDS = 30.0


@pytest.fixture(autouse=True)
def patient_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is no slow server."""
    monkeypatch.setattr("service.adapters.caches.redis._CHECK_SECONDS", LONG_SECONDS)


@pytest.fixture
def patient_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that only wait_seconds ends a wait."""
    monkeypatch.setattr("service.adapters.caches.redis_sdk._SOCKET_SECONDS", 2 * LONG_SECONDS)


@pytest.fixture
def cache(redis_server: RedisServer) -> Iterator[RedisCache]:
    """It gives up soon, but not for a busy machine."""
    cache = RedisCache(redis_server.url, wait_seconds=0.5)
    yield cache
    cache.close()


@pytest.fixture
def patient(redis_server: RedisServer) -> Iterator[RedisCache]:
    """Another process's cache on the same server, which waits as long as it takes."""
    cache = RedisCache(redis_server.url, wait_seconds=LONG_SECONDS)
    yield cache
    cache.close()


async def took(work: Awaitable[T]) -> tuple[float, T]:
    start = time.perf_counter()
    result = await work
    return time.perf_counter() - start, result


async def connected(cache: RedisCache) -> None:
    """Wait until the cache keeps what it is given."""
    async with asyncio.timeout(60):
        while await cache.get(ANN, "probe", "k") != b"v":
            await cache.set(ANN, "probe", "k", b"v", 60)
            await asyncio.sleep(0.02)


async def test_a_dead_server_costs_nothing_and_comes_back_without_a_restart(
    patient: RedisCache, redis_server: RedisServer
) -> None:
    cache = patient
    await connected(cache)
    redis_server.kill()
    begun = time.perf_counter()
    for _ in range(50):
        assert await cache.get(ANN, "probe", "k") is None
    assert time.perf_counter() - begun < LONG_SECONDS, "50 of them take less than one wait"
    await cache.set(ANN, "answer", "k", b"v", 10)
    assert await cache.clear(ANN, "answer") == 0
    health = await cache.check()
    assert health.status is HealthStatus.NOT_SERVING
    assert "UPSTASH_REDIS_URL" in health.detail
    redis_server.start()
    await connected(cache)
    assert (await cache.check()).status is HealthStatus.SERVING


async def test_a_server_that_hangs_is_waited_for_once(
    cache: RedisCache, redis_server: RedisServer, patient_sockets: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    await connected(cache)
    redis_server.pause()
    try:
        first, _ = await took(cache.get(ANN, "probe", "k"))
        assert 0.5 <= first < LONG_SECONDS
        begun = time.perf_counter()
        for _ in range(200):
            await cache.get(ANN, "probe", "k")
        assert time.perf_counter() - begun < 200 * 0.5 / 2
        monkeypatch.setattr("service.adapters.caches.redis._CHECK_SECONDS", 0.1)
        assert (await cache.check()).status is HealthStatus.NOT_SERVING
    finally:
        redis_server.resume()
    monkeypatch.undo()
    await connected(cache)


async def test_a_server_that_is_down_at_the_start_is_found_later(redis_server: RedisServer) -> None:
    redis_server.kill()
    cache = RedisCache(redis_server.url, wait_seconds=LONG_SECONDS)
    assert await cache.get(ANN, "answer", "k") is None
    redis_server.start()
    await connected(cache)
    cache.close()


async def test_it_is_killed_and_started_again_under_load(
    cache: RedisCache, redis_server: RedisServer, patient_sockets: None
) -> None:
    """No reader gets an error or another key's value, and the cache serves again after every start."""
    loading = True
    hits, slowest = 0, 0.0

    async def ask(worker: int) -> None:
        nonlocal hits, slowest
        i = 0
        while loading:
            i += 1
            key = str((worker + i) % 20)
            await cache.set(ANN, "answer", key, key.encode() * 100, 60)
            elapsed, value = await took(cache.get(ANN, "answer", key))
            assert value is None or value == key.encode() * 100
            hits += value is not None
            slowest = max(slowest, elapsed)
            await asyncio.sleep(0.002)

    asking = [asyncio.create_task(ask(worker)) for worker in range(8)]
    try:
        for _ in range(3):
            await connected(cache)
            before = hits
            async with asyncio.timeout(60):
                while hits == before:
                    await asyncio.sleep(0.02)
            await asyncio.to_thread(redis_server.kill)
            await asyncio.sleep(0.2)
            await asyncio.to_thread(redis_server.start)
    finally:
        loading = False
        await asyncio.gather(*asking)
    await connected(cache)
    assert slowest < LONG_SECONDS


async def test_what_was_cleared_while_the_server_hung_is_gone_when_it_is_back(
    cache: RedisCache, patient: RedisCache, redis_server: RedisServer
) -> None:
    await patient.set(ANN, "answer", "k", b"of a deleted document", 60)
    await connected(cache)
    redis_server.pause()
    try:
        await cache.get(ANN, "probe", "k")
        assert await cache.clear(ANN, "answer") == 0
    finally:
        redis_server.resume()
    while not await cache.get(ANN, "probe", "k"):
        assert await cache.get(ANN, "answer", "k") is None
        await asyncio.sleep(0.01)
    assert await cache.get(ANN, "answer", "k") is None
    assert await patient.get(ANN, "answer", "k") is None


async def test_processes_share_what_they_keep_and_clear(redis_server: RedisServer, patient: RedisCache) -> None:
    other = RedisCache(redis_server.url, wait_seconds=LONG_SECONDS)
    await patient.set(ANN, "answer", "k", b"v", 60)
    assert await other.get(ANN, "answer", "k") == b"v"
    assert await other.clear(ANN, "answer") == 1
    assert await patient.get(ANN, "answer", "k") is None
    other.close()


async def test_nothing_outlives_its_time_in_the_server(patient: RedisCache, redis_server: RedisServer) -> None:
    import redis.asyncio

    for number in range(5):
        await patient.set(ANN, "answer", str(number), b"v", 0.05)
    await patient.set(ANN, "answer", "last", b"v", 90)
    client: Any = redis.asyncio.Redis(port=redis_server.port)
    kept = [await client.pttl(key) for key in await client.keys("*")]
    assert -1 not in kept
    assert 30_000 < max(kept) <= 90_000
    await asyncio.sleep(0.06)
    await patient.set(ANN, "answer", "last", b"v", 0.05)
    await asyncio.sleep(0.06)
    await patient.clear(ANN, "answer")
    # That it was cleared is known for longer than what was being worked out then may take, and no longer.
    assert 0 < max([await client.pttl(key) for key in await client.keys("*")]) <= 3_600_000
    assert len(await client.keys("*")) == 1
    await client.aclose()


async def test_a_full_server_and_a_wrong_password_are_told(redis_server: RedisServer) -> None:
    import redis.asyncio

    client: Any = redis.asyncio.Redis(port=redis_server.port)
    cache = RedisCache(redis_server.url, wait_seconds=LONG_SECONDS)
    await client.config_set("maxmemory", 1)
    try:
        await cache.set(ANN, "answer", "k", b"v", 60)
        assert await cache.get(ANN, "answer", "k") is None
    finally:
        await client.config_set("maxmemory", 0)
    await client.config_set("requirepass", "open sesame")
    try:
        refused = RedisCache(redis_server.url.replace("//", "//:wrong@"), wait_seconds=LONG_SECONDS)
        assert await refused.get(ANN, "answer", "k") is None
        health = await refused.check()
        assert health.status is HealthStatus.NOT_SERVING
        assert "password" in health.detail
        assert "wrong" not in health.detail
    finally:
        await client.config_set("requirepass", "")
        await client.aclose()
    await connected(cache)
    cache.close()


async def test_an_address_that_is_none_is_told() -> None:
    cache = RedisCache("redis://127.0.0.1:port")
    assert await cache.get(ANN, "answer", "k") is None
    assert "UPSTASH_REDIS_URL" in (await cache.check()).detail


async def test_rediss_is_encrypted_and_its_certificate_is_checked(
    redis_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with tls_in_front_of(redis_server.port, tmp_path) as port:
        refused = RedisCache(f"rediss://127.0.0.1:{port}", wait_seconds=LONG_SECONDS)
        assert (await refused.check()).status is HealthStatus.NOT_SERVING
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
        cache = RedisCache(f"rediss://127.0.0.1:{port}", wait_seconds=LONG_SECONDS)
        await cache.set(ANN, "answer", "k", b"v", 60)
        assert await cache.get(ANN, "answer", "k") == b"v"
        await asyncio.to_thread(cache.close)
