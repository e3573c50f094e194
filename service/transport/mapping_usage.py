"""What models were used for and what that cost: domain objects to messages of the contract."""

from __future__ import annotations

from collections.abc import Sequence

from ragsql.v1 import query_service_pb2, usage_service_pb2
from service.domain.prices import PRICES_AS_OF, is_priced
from service.domain.questions import Usage
from service.domain.usage import UsageKind, UsageTotal

DEFAULT_DAYS = 30


def usage(item: Usage) -> query_service_pb2.Usage:
    """What a question cost."""
    return query_service_pb2.Usage(
        input_tokens=item.input_tokens,
        output_tokens=item.output_tokens,
        embedding_tokens=item.embedding_tokens,
        cost_usd=item.cost_usd,
        models=item.models,
        unpriced_models=[model for model in item.models if not is_priced(model)],
        price_date=PRICES_AS_OF.isoformat(),
    )


def totals(items: Sequence[UsageTotal]) -> usage_service_pb2.GetUsageResponse:
    """Totals by day, and what they cost together."""
    return usage_service_pb2.GetUsageResponse(
        totals=map(_total, items),
        cost_usd=sum(item.usage.cost_usd for item in items if item.kind is not UsageKind.CACHED),
        saved_usd=sum(item.usage.cost_usd for item in items if item.kind is UsageKind.CACHED),
        price_date=PRICES_AS_OF.isoformat(),
    )


def _total(item: UsageTotal) -> usage_service_pb2.UsageTotal:
    return usage_service_pb2.UsageTotal(
        date=item.day.isoformat(),
        kind=f"USAGE_KIND_{item.kind}",
        model=item.model,
        call_count=item.calls,
        input_tokens=item.usage.input_tokens,
        output_tokens=item.usage.output_tokens,
        embedding_tokens=item.usage.embedding_tokens,
        cost_usd=item.usage.cost_usd,
        priced=is_priced(item.model),
    )
