"""A cache in Redis that many processes share. A question never waits for a server that is down or slow."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from service.adapters.caches.redis_entries import RedisEntries
from service.adapters.caches.redis_sdk import RedisClients, as_sentence
from service.adapters.caches.tallies import Tallies
from service.adapters.circuit import Circuit
from service.domain.health import ComponentHealth, HealthStatus

if TYPE_CHECKING:
    from service.domain.caller import Caller
    from service.domain.questions import Usage
    from service.ports import CacheCounters

log = logging.getLogger("ragsql")
T = TypeVar("T")

_CLEAR_SECONDS = 2.0
_CHECK_SECONDS = 1.5
_RETRY_SECONDS = 0.25
_NO_MARK = "none"


class RedisCache:
    """A Cache at url, `redis://…` or `rediss://…` for TLS. The counters are those of this process.

    A lookup or a write is given up after wait_seconds. Once one was, or failed, the cache is empty without asking, and
    at most every quarter of a second a call in the background looks whether the server is back. What was to be cleared
    meanwhile is cleared before anything is read again.
    """

    def __init__(self, url: str, wait_seconds: float = 0.045) -> None:
        self._wait_seconds = wait_seconds
        self._clients = RedisClients(url)
        self._circuit = Circuit(1, _RETRY_SECONDS)
        self._tallies = Tallies()
        self._owed: set[tuple[str, str]] = set()
        self._running: set[asyncio.Task[object]] = set()

    async def get(self, caller: Caller, kind: str, key: str) -> bytes | None:
        """See Cache."""
        return await self._within(lambda entries: entries.get(caller.tenant, kind, key), self._wait_seconds, None)

    async def set(
        self, caller: Caller, kind: str, key: str, value: bytes, ttl_seconds: float, mark: str | None = None
    ) -> None:
        """See Cache."""
        await self._within(
            lambda entries: entries.set(caller.tenant, kind, key, value, ttl_seconds, mark), self._wait_seconds, None
        )

    async def mark(self, caller: Caller, kind: str) -> str:
        """See Cache. A mark of a server that is down is none that set takes."""
        return await self._within(lambda entries: entries.mark(caller.tenant, kind), self._wait_seconds, _NO_MARK)

    async def clear(self, caller: Caller, kind: str) -> int:
        """See Cache. When the server is down it is done as soon as that is back, if this process still runs."""
        place = (caller.tenant, kind)
        self._owed.add(place)
        removed = await self._within(lambda entries: entries.clear(*place), _CLEAR_SECONDS, None)
        if removed is not None:
            self._owed.discard(place)
        return removed or 0

    async def claim(self, caller: Caller, kind: str, key: str, token: str, seconds: float) -> bool:
        """See Cache."""
        return await self._within(
            lambda entries: entries.claim(caller.tenant, kind, key, token, seconds), self._wait_seconds, True
        )

    async def is_claimed(self, caller: Caller, kind: str, key: str) -> bool:
        """See Cache."""
        return await self._within(
            lambda entries: entries.is_claimed(caller.tenant, kind, key), self._wait_seconds, False
        )

    async def release(self, caller: Caller, kind: str, key: str, token: str) -> None:
        """See Cache."""
        await self._within(lambda entries: entries.release(caller.tenant, kind, key, token), self._wait_seconds, None)

    def count(self, caller: Caller, kind: str, saved: Usage | None) -> None:
        """See Cache."""
        self._tallies.count(caller, kind, saved)

    async def counters(self, caller: Caller, kind: str) -> CacheCounters:
        """See Cache."""
        return self._tallies.of(caller, kind)

    async def check(self) -> ComponentHealth:
        """See Checkable."""
        try:
            self._clients.get()  # loading the SDK is slow, and no fault of the server
            async with asyncio.timeout(_CHECK_SECONDS):
                await self._clients.ping()
        except Exception as error:
            return ComponentHealth("cache", "redis", HealthStatus.NOT_SERVING, as_sentence(error))
        try:
            if self._circuit.is_open:
                await self._try_again()
        except Exception:
            detail = f"Redis needs more than {self._wait_seconds * 1e3:.0f} ms, so nothing is cached. Use one nearby."
            return ComponentHealth("cache", "redis", HealthStatus.DEGRADED, detail)
        return ComponentHealth("cache", "redis", HealthStatus.SERVING)

    def close(self) -> None:
        """Close the connections. They open again on use."""
        self._clients.close()

    async def _within(self, work: Callable[[RedisEntries], Awaitable[T]], seconds: float, instead: T) -> T:
        """What work returns, or instead when there is nothing to be had in time.

        The work itself goes on: a connection that takes longer to open is there for the next call.
        """
        if not self._circuit.may_call():
            return instead
        if self._circuit.is_open:
            self._start(self._try_again())
            return instead
        begun = self._circuit.clock()
        task = self._start(self._do(work))
        done, _ = await asyncio.wait((task,), timeout=seconds)
        if not done:
            self._failed(TimeoutError(), begun)
            return instead
        if task.exception():
            self._failed(task.exception(), begun)
            return instead
        return task.result()

    async def _try_again(self) -> None:
        """Close the circuit if the server answers in time, after what is owed to it."""
        entries = self._entries()
        for place in tuple(self._owed):
            await entries.clear(*place)
            self._owed.discard(place)
        await self._clients.ping()
        async with asyncio.timeout(self._wait_seconds):
            await self._clients.ping()
        self._circuit.succeeded()
        log.warning("Redis answers again; the cache is in use.")

    async def _do(self, work: Callable[[RedisEntries], Awaitable[T]]) -> T:
        return await work(self._entries())

    def _entries(self) -> RedisEntries:
        return RedisEntries(self._clients.get())

    def _start(self, work: Awaitable[T]) -> asyncio.Task[T]:
        task = asyncio.ensure_future(work)
        assert isinstance(task, asyncio.Task)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[object]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()

    def _failed(self, error: BaseException | None, begun: float) -> None:
        was_open = self._circuit.is_open
        self._circuit.failed(begun)
        if self._circuit.is_open and not was_open:
            log.warning("%s Going on without a cache until it answers.", as_sentence(error))
