"""Every Cache forgets in time, apart by tenant and kind, and stays within its size."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.adapters.caches.memory import MemoryCache
from service.adapters.caches.redis import RedisCache
from service.domain.caller import Caller
from service.domain.health import HealthStatus
from service.domain.questions import Usage
from service.ports import Cache, CacheCounters
from tests.redis_server import RedisServer

pytestmark = pytest.mark.anyio
ANN, BOB = Caller(tenant="ann"), Caller(tenant="bob")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class World:
    """A cache, and what time it lives in: a clock of ours, or that of a server."""

    cache: Cache
    time: Clock | RedisServer

    def wait(self, seconds: float) -> None:
        """Have so many seconds pass at once."""
        if isinstance(self.time, Clock):
            self.time.now += seconds
        else:
            self.time.age(seconds)


@pytest.fixture(params=["memory", "redis"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "memory":
        clock = Clock()
        yield World(MemoryCache(100_000, clock), clock)
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    # Patient, because a busy machine is not what is tested here.
    cache = RedisCache(server.url, wait_seconds=30)
    yield World(cache, server)
    cache.close()


@pytest.fixture
def cache(world: World) -> Cache:
    return world.cache


async def test_a_value_lives_until_its_time_is_over(cache: Cache, world: World) -> None:
    await cache.set(ANN, "answer", "k", b"v", 100)
    world.wait(40)
    assert await cache.get(ANN, "answer", "k") == b"v"
    world.wait(60)
    assert await cache.get(ANN, "answer", "k") is None


async def test_overwriting_begins_a_new_life(cache: Cache, world: World) -> None:
    await cache.set(ANN, "answer", "k", b"old", 100)
    world.wait(50)
    await cache.set(ANN, "answer", "k", b"", 100)
    world.wait(60)
    assert await cache.get(ANN, "answer", "k") == b""
    await cache.set(ANN, "answer", "k", b"gone", 0)
    assert await cache.get(ANN, "answer", "k") is None


async def test_bytes_come_back_as_they_were(cache: Cache) -> None:
    values = [b"", b"\0", bytes(range(256)) * 100, "größe".encode()]
    for number, value in enumerate(values):
        await cache.set(ANN, "answer", f"k{number}", value, 100)
        assert await cache.get(ANN, "answer", f"k{number}") == value
    # The first is still the first, however large the others.
    assert await cache.get(ANN, "answer", "k1") == b"\0"


AWKWARD = ["", ":", "a:answer", "a}:{b", "*", "größe 大小", "\ud800", "x" * 300, "a\0b"]


async def test_no_name_is_taken_for_another(cache: Cache) -> None:
    places = [(Caller(tenant), kind, key) for tenant in AWKWARD for kind in ("answer", "a:b") for key in AWKWARD]
    for number, place in enumerate(places):
        await cache.set(*place, str(number).encode(), 100)
    for number, place in enumerate(places):
        assert await cache.get(*place) == str(number).encode()
    assert await cache.clear(Caller(""), "answer") == len(AWKWARD)
    assert await cache.get(Caller(":"), "answer", "") is not None


async def test_what_was_begun_before_a_clear_is_not_kept_after_it(cache: Cache) -> None:
    mark = await cache.mark(ANN, "answer")
    await cache.clear(ANN, "answer")
    await cache.set(ANN, "answer", "k", b"old", 100, mark)
    assert await cache.get(ANN, "answer", "k") is None
    after = await cache.mark(ANN, "answer")
    await cache.clear(BOB, "answer")
    await cache.clear(ANN, "sql")
    await cache.set(ANN, "answer", "k", b"new", 100, after)
    assert await cache.get(ANN, "answer", "k") == b"new"
    await cache.set(BOB, "sql", "k", b"first", 100, await cache.mark(BOB, "sql"))
    assert await cache.get(BOB, "sql", "k") == b"first"


async def test_many_entries_are_cleared_at_once(cache: Cache) -> None:
    await asyncio.gather(*(cache.set(ANN, "answer", str(i), b"v", 100) for i in range(300)))
    assert await cache.clear(ANN, "answer") == 300
    assert await cache.get(ANN, "answer", "7") is None
    assert await cache.clear(ANN, "answer") == 0


async def test_tenants_and_kinds_are_apart(cache: Cache) -> None:
    await cache.set(ANN, "answer", "k", b"v", 100)
    assert await cache.get(BOB, "answer", "k") is None
    assert await cache.get(ANN, "sql", "k") is None
    assert await cache.clear(BOB, "answer") == 0
    assert await cache.clear(ANN, "sql") == 0
    assert await cache.get(ANN, "answer", "k") == b"v"


async def test_clearing_counts_what_was_still_good(cache: Cache, world: World) -> None:
    await cache.set(ANN, "answer", "long", b"v", 1000)
    await cache.set(ANN, "answer", "short", b"v", 30)
    world.wait(40)
    assert await cache.clear(ANN, "answer") == 1
    assert await cache.get(ANN, "answer", "long") is None


async def test_lookups_are_counted_by_tenant_and_kind(cache: Cache) -> None:
    assert await cache.counters(ANN, "answer") == CacheCounters()
    cache.count(ANN, "answer", None)
    cache.count(ANN, "answer", Usage(100, 20, 3, 0.5, ("gpt-4o",)))
    cache.count(ANN, "answer", Usage(1, cost_usd=0.25))
    assert await cache.counters(ANN, "answer") == CacheCounters(2, 1, Usage(101, 20, 3, 0.75))
    assert await cache.counters(BOB, "answer") == CacheCounters()
    assert await cache.counters(ANN, "sql") == CacheCounters()


async def test_a_claim_that_nobody_else_holds_is_granted(cache: Cache) -> None:
    assert not await cache.is_claimed(ANN, "answer", "k")
    assert await cache.claim(ANN, "answer", "k", "token", 60)
    await cache.release(ANN, "answer", "k", "token")
    assert not await cache.is_claimed(ANN, "answer", "k")
    assert await cache.get(ANN, "answer", "k") is None


async def test_it_serves(cache: Cache) -> None:
    assert (await cache.check()).status is HealthStatus.SERVING


async def test_the_least_recently_used_go_first() -> None:
    cache = MemoryCache(4_000)
    for key in "abc":
        await cache.set(ANN, "answer", key, bytes(1_000), 10)
    await cache.get(ANN, "answer", "a")
    await cache.set(BOB, "answer", "d", bytes(1_000), 10)
    found = [await cache.get(ANN, "answer", key) is not None for key in "abc"]
    assert found == [True, False, True]
    assert await cache.get(BOB, "answer", "d") is not None


async def test_what_is_larger_than_the_cache_displaces_only_its_own_key() -> None:
    cache = MemoryCache(4_000)
    await cache.set(ANN, "answer", "small", b"v", 10)
    await cache.set(ANN, "answer", "k", b"old", 10)
    await cache.set(ANN, "answer", "k", bytes(4_000), 10)
    assert await cache.get(ANN, "answer", "k") is None
    assert await cache.get(ANN, "answer", "small") == b"v"


ACTS = st.lists(
    st.tuples(st.sampled_from(["set", "get", "clear", "wait"]), st.sampled_from("abcd"), st.integers(0, 900)),
    max_size=40,
)


@given(acts=ACTS)
def test_it_never_returns_anything_but_the_last_value_set(acts: list[tuple[str, str, int]]) -> None:
    """Against a plain dictionary; the cache may have forgotten, and never holds more than it may."""
    clock = Clock()
    cache = MemoryCache(2_000, clock)
    model: dict[str, tuple[bytes, float]] = {}

    async def scenario() -> None:
        for act, key, number in acts:
            if act == "set":
                model[key] = (bytes(number), clock.now + number % 7)
                await cache.set(ANN, "answer", key, bytes(number), number % 7)
            elif act == "clear":
                live = sum(expires > clock.now for _, expires in model.values())
                assert await cache.clear(ANN, "answer") <= live
                model.clear()
            elif act == "wait":
                clock.now += number % 5
            else:
                value, expires = model.get(key, (b"", 0.0))
                found = await cache.get(ANN, "answer", key)
                assert found is None or (found == value and expires > clock.now)
        sizes = [len(v) for key in "abcd" if (v := await cache.get(ANN, "answer", key)) is not None]
        assert sum(sizes) <= 2_000

    asyncio.run(scenario())


def test_threads_may_share_it() -> None:
    cache = MemoryCache(20_000)

    async def work(worker: int) -> None:
        for i in range(300):
            await cache.set(ANN, "answer", str(i % 50), f"{i % 50}".encode() * 20, 10)
            found = await cache.get(ANN, "answer", str((i + worker) % 50))
            cache.count(ANN, "answer", None if found is None else Usage())
            assert found is None or found == f"{(i + worker) % 50}".encode() * 20

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(asyncio.run, map(work, range(4))))
    counters = asyncio.run(cache.counters(ANN, "answer"))
    assert counters.hits + counters.misses == 1_200
