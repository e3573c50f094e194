"""A cache in the memory of this process."""

from __future__ import annotations

import threading
import time
from collections import Counter, OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from service.adapters.caches.tallies import Tallies
from service.domain.health import ComponentHealth, HealthStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.domain.caller import Caller
    from service.domain.questions import Usage
    from service.ports import CacheCounters

_OVERHEAD = 256


class _Entry(NamedTuple):
    value: bytes
    expires: float
    size: int


class MemoryCache:
    """A Cache of at most max_bytes, keys and bookkeeping counted; the least recently used entries go first.

    clock gives seconds that never run backwards.
    """

    def __init__(self, max_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_bytes = max_bytes
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: OrderedDict[tuple[str, str, str], _Entry] = OrderedDict()
        self._bytes = 0
        self._cleared: Counter[tuple[str, str]] = Counter()
        self._tallies = Tallies()

    async def get(self, caller: Caller, kind: str, key: str) -> bytes | None:
        """See Cache."""
        place = (caller.tenant, kind, key)
        with self._lock:
            entry = self._entries.get(place)
            if entry and entry.expires <= self._clock():
                self._drop(place)
                entry = None
            if entry is None:
                return None
            self._entries.move_to_end(place)
            return entry.value

    async def set(
        self, caller: Caller, kind: str, key: str, value: bytes, ttl_seconds: float, mark: str | None = None
    ) -> None:
        """See Cache. A value that alone is larger than the cache is not kept."""
        place = (caller.tenant, kind, key)
        size = len(value) + sum(map(len, place)) + _OVERHEAD
        with self._lock:
            if mark is not None and mark != self._mark(caller, kind):
                return
            self._drop(place)
            if size > self._max_bytes or ttl_seconds <= 0:
                return
            self._entries[place] = _Entry(value, self._clock() + ttl_seconds, size)
            self._bytes += size
            while self._bytes > self._max_bytes:
                self._drop(next(iter(self._entries)))

    async def mark(self, caller: Caller, kind: str) -> str:
        """See Cache."""
        with self._lock:
            return self._mark(caller, kind)

    async def clear(self, caller: Caller, kind: str) -> int:
        """See Cache."""
        with self._lock:
            self._cleared[caller.tenant, kind] += 1
            now = self._clock()
            places = [place for place in self._entries if place[:2] == (caller.tenant, kind)]
            live = sum(self._entries[place].expires > now for place in places)
            for place in places:
                self._drop(place)
            return live

    async def claim(self, caller: Caller, kind: str, key: str, token: str, seconds: float) -> bool:
        """See Cache. No other process has this cache."""
        return True

    async def is_claimed(self, caller: Caller, kind: str, key: str) -> bool:
        """See Cache."""
        return False

    async def release(self, caller: Caller, kind: str, key: str, token: str) -> None:
        """See Cache."""

    def count(self, caller: Caller, kind: str, saved: Usage | None) -> None:
        """See Cache."""
        self._tallies.count(caller, kind, saved)

    async def counters(self, caller: Caller, kind: str) -> CacheCounters:
        """See Cache."""
        return self._tallies.of(caller, kind)

    async def check(self) -> ComponentHealth:
        """See Checkable."""
        return ComponentHealth("cache", "memory", HealthStatus.SERVING)

    def _mark(self, caller: Caller, kind: str) -> str:
        return str(self._cleared[caller.tenant, kind])

    def _drop(self, place: tuple[str, str, str]) -> None:
        entry = self._entries.pop(place, None)
        if entry:
            self._bytes -= entry.size
