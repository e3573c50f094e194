"""What is remembered for a while."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from service.ports.checks import Checkable

if TYPE_CHECKING:
    from service.domain.caller import Caller


@dataclass(frozen=True, slots=True)
class CacheCounters:
    """Lookups of one kind of entry since the process began, and the dollars that its hits saved."""

    hits: int = 0
    misses: int = 0
    saved_usd: float = 0.0


class Cache(Checkable, Protocol):
    """Bytes by kind and key, for a while. A cache that is down behaves like one that is empty."""

    async def get(self, caller: Caller, kind: str, key: str) -> bytes | None:
        """None when it is absent or has expired."""
        ...

    async def set(self, caller: Caller, kind: str, key: str, value: bytes, ttl_seconds: float) -> None:
        """Store or overwrite."""
        ...

    async def clear(self, caller: Caller, kind: str) -> int:
        """Remove the tenant's entries of one kind and say how many."""
        ...

    async def counters(self, caller: Caller, kind: str) -> CacheCounters:
        """The tenant's counters of one kind."""
        ...
