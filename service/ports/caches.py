"""What is remembered for a while."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from service.domain.questions import Usage
from service.ports.checks import Checkable

if TYPE_CHECKING:
    from service.domain.caller import Caller


@dataclass(frozen=True, slots=True)
class CacheCounters:
    """Lookups of one kind of entry since the process began, and what its hits saved: tokens and dollars, no models."""

    hits: int = 0
    misses: int = 0
    saved: Usage = field(default_factory=Usage)


class Cache(Checkable, Protocol):
    """Bytes by kind and key, for a while. A cache that is down behaves like one that is empty."""

    async def get(self, caller: Caller, kind: str, key: str) -> bytes | None:
        """None when it is absent or has expired."""
        ...

    async def set(
        self, caller: Caller, kind: str, key: str, value: bytes, ttl_seconds: float, mark: str | None = None
    ) -> None:
        """Store or overwrite; with a mark only if the tenant's entries of this kind were not cleared since."""
        ...

    async def mark(self, caller: Caller, kind: str) -> str:
        """What set is to be given with a value that is worked out from now on."""
        ...

    async def clear(self, caller: Caller, kind: str) -> int:
        """Remove the tenant's entries of one kind and say how many."""
        ...

    async def claim(self, caller: Caller, kind: str, key: str, token: str, seconds: float) -> bool:
        """Whether no other process of this cache holds key. Then it is held under token, at most for so long.

        A cache that is down says True.
        """
        ...

    async def is_claimed(self, caller: Caller, kind: str, key: str) -> bool:
        """Whether a process holds key. A cache that is down says False."""
        ...

    async def release(self, caller: Caller, kind: str, key: str, token: str) -> None:
        """Give up what claim with this token got, if it is held still."""
        ...

    def count(self, caller: Caller, kind: str, saved: Usage | None) -> None:
        """Count a lookup: what its hit saved, or None for a miss."""
        ...

    async def counters(self, caller: Caller, kind: str) -> CacheCounters:
        """The tenant's counters of one kind."""
        ...
