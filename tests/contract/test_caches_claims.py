"""Claims in Redis: of several processes one answers, and a server that is down stops nobody."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from service.adapters.caches.redis import RedisCache
from service.domain.caller import Caller
from tests.contract.test_caches_redis import ANN, LONG_SECONDS, connected, took
from tests.redis_server import RedisServer

pytestmark = pytest.mark.anyio


@pytest.fixture
def cache(redis_server: RedisServer) -> Iterator[RedisCache]:
    cache = RedisCache(redis_server.url, wait_seconds=LONG_SECONDS)
    yield cache
    cache.close()


@pytest.fixture
def other(redis_server: RedisServer) -> Iterator[RedisCache]:
    """Another process's cache on the same server."""
    cache = RedisCache(redis_server.url, wait_seconds=LONG_SECONDS)
    yield cache
    cache.close()


async def test_a_claim_is_one_process_s_until_it_is_released_or_expires(
    cache: RedisCache, other: RedisCache, redis_server: RedisServer
) -> None:
    await connected(cache)
    assert await other.claim(ANN, "answer", "k", "first", 60)
    assert not await cache.claim(ANN, "answer", "k", "second", 60)
    assert await cache.is_claimed(ANN, "answer", "k")
    assert not await cache.is_claimed(Caller(tenant="bob"), "answer", "k")
    await cache.release(ANN, "answer", "k", "second")
    assert await cache.is_claimed(ANN, "answer", "k")
    assert await other.clear(ANN, "answer") == 0
    assert await cache.is_claimed(ANN, "answer", "k")
    await other.release(ANN, "answer", "k", "first")
    assert await cache.claim(ANN, "answer", "k", "second", 60)
    redis_server.age(60)
    assert not await cache.is_claimed(ANN, "answer", "k")


async def test_a_dead_server_holds_no_claim(cache: RedisCache, redis_server: RedisServer) -> None:
    await connected(cache)
    assert await cache.claim(ANN, "answer", "k", "first", 60)
    redis_server.kill()
    try:
        seconds, claimed = await took(cache.claim(ANN, "answer", "k", "second", 60))
        assert claimed
        assert seconds < LONG_SECONDS / 2
        assert not await cache.is_claimed(ANN, "answer", "k")
        await cache.release(ANN, "answer", "k", "second")
    finally:
        redis_server.start()
