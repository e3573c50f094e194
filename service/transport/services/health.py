"""HealthService."""

from __future__ import annotations

from typing import Any

from connectrpc.request import RequestContext

from ragsql.v1 import health_service_pb2 as pb
from service.transport import mapping
from service.transport.callers import caller_of
from service.usecases.bundle import HealthUseCases

Context = RequestContext[Any, Any]


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
