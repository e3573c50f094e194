"""CacheService."""

from __future__ import annotations

from ragsql.v1 import cache_service_pb2 as pb
from service.transport import mapping
from service.transport.callers import Context, caller_of
from service.usecases.bundle import CacheUseCases


class CacheService:
    """Watch and clear the caches."""

    def __init__(self, caches: CacheUseCases) -> None:
        self._caches = caches

    async def get_cache_stats(self, request: pb.GetCacheStatsRequest, ctx: Context) -> pb.GetCacheStatsResponse:
        counters = await self._caches.stats(caller_of(ctx))
        return pb.GetCacheStatsResponse(caches=mapping.cache_stats(counters))

    async def clear_cache(self, request: pb.ClearCacheRequest, ctx: Context) -> pb.ClearCacheResponse:
        removed = await self._caches.clear(caller_of(ctx), mapping.cache_kind(request.kind))
        return pb.ClearCacheResponse(removed_count=removed)
