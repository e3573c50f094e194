"""HealthService."""

from __future__ import annotations

from ragsql.v1 import health_service_pb2 as pb
from service.transport import mapping_health as mapping
from service.transport.callers import Context, caller_of
from service.usecases.bundle import HealthUseCases


class HealthService:
    """Health and numbers."""

    def __init__(self, health: HealthUseCases) -> None:
        self._health = health

    async def health(self, request: pb.HealthRequest, ctx: Context) -> pb.HealthResponse:
        return mapping.health(await self._health.check(caller_of(ctx)))

    async def get_stats(self, request: pb.GetStatsRequest, ctx: Context) -> pb.GetStatsResponse:
        stats = await self._health.stats(caller_of(ctx))
        return pb.GetStatsResponse(
            document_count=stats.document_count,
            chunk_count=stats.chunk_count,
            knowledge_item_count=stats.knowledge_item_count,
        )
