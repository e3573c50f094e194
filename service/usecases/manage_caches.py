"""Watch and clear the caches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.errors import FieldViolation, InvalidRequest

if TYPE_CHECKING:
    from service.domain.caller import Caller
    from service.ports import Cache, CacheCounters
    from service.usecases.manage_documents import ManageDocuments

KINDS = ("document", "embedding", "answer", "sql", "sql_result")


class ManageCaches:
    """CacheUseCases over one cache, and over the processed documents, which are kept with the files."""

    def __init__(self, cache: Cache, documents: ManageDocuments) -> None:
        self._cache, self._documents = cache, documents

    async def stats(self, caller: Caller) -> dict[str, CacheCounters]:
        """The tenant's counters of every kind."""
        return {kind: await self._cache.counters(caller, kind) for kind in KINDS}

    async def clear(self, caller: Caller, kind: str) -> int:
        """Remove the tenant's entries of one kind and say how many. Raises InvalidRequest for an unknown kind."""
        if kind not in KINDS:
            raise InvalidRequest(FieldViolation("kind", f"There is no such cache. Use one of {', '.join(KINDS)}."))
        return await (self._documents.clear(caller) if kind == KINDS[0] else self._cache.clear(caller, kind))
