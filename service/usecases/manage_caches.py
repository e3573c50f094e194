"""Watch and clear the caches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.errors import FieldViolation, InvalidRequest

if TYPE_CHECKING:
    from service.domain.caller import Caller
    from service.ports import Cache, CacheCounters

KINDS = ("document", "embedding", "answer", "sql", "sql_result")


class ManageCaches:
    """CacheUseCases over one cache."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    async def stats(self, caller: Caller) -> dict[str, CacheCounters]:
        """The tenant's counters of every kind."""
        return {kind: await self._cache.counters(caller, kind) for kind in KINDS}

    async def clear(self, caller: Caller, kind: str) -> int:
        """Remove the tenant's entries of one kind and say how many. Raises InvalidRequest for an unknown kind."""
        if kind not in KINDS:
            raise InvalidRequest(FieldViolation("kind", f"There is no such cache. Use one of {', '.join(KINDS)}."))
        return await self._cache.clear(caller, kind)
