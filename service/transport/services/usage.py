"""UsageService."""

from __future__ import annotations

from typing import Any

from connectrpc.request import RequestContext

from ragsql.v1 import usage_service_pb2 as pb
from service.transport import mapping_usage as mapping
from service.transport.callers import caller_of
from service.usecases.bundle import UsageUseCases

Context = RequestContext[Any, Any]


class UsageService:
    """What was spent on models."""

    def __init__(self, usage: UsageUseCases) -> None:
        self._usage = usage

    async def get_usage(self, request: pb.GetUsageRequest, ctx: Context) -> pb.GetUsageResponse:
        return mapping.totals(await self._usage.totals(caller_of(ctx), request.days or mapping.DEFAULT_DAYS))
