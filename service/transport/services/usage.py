"""UsageService."""

from __future__ import annotations

from ragsql.v1 import usage_service_pb2 as pb
from service.transport import mapping_usage as mapping
from service.transport.callers import Context, caller_of
from service.usecases.bundle import UsageUseCases


class UsageService:
    """What was spent on models."""

    def __init__(self, usage: UsageUseCases) -> None:
        self._usage = usage

    async def get_usage(self, request: pb.GetUsageRequest, ctx: Context) -> pb.GetUsageResponse:
        return mapping.totals(await self._usage.totals(caller_of(ctx), request.days or mapping.DEFAULT_DAYS))
