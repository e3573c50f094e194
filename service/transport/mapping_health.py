"""Health to its messages, apart from all others: a cold start that is asked for nothing else loads nothing else."""

from __future__ import annotations

from ragsql.v1 import health_service_pb2
from service.domain.health import CapabilityHealth, ComponentHealth, Health, HealthStatus

_STATUS = {status: f"HEALTH_STATUS_{status}" for status in HealthStatus}


def health(item: Health) -> health_service_pb2.HealthResponse:
    """The health of the service and of its parts."""
    return health_service_pb2.HealthResponse(
        status=_STATUS[item.status],
        components=map(_component, item.components),
        version=item.version,
        capabilities=map(_capability, item.capabilities),
    )


def _component(item: ComponentHealth) -> health_service_pb2.ComponentHealth:
    return health_service_pb2.ComponentHealth(
        component=item.component,
        adapter=item.adapter,
        status=_STATUS[item.status],
        detail=item.detail,
        required=item.required,
    )


def _capability(item: CapabilityHealth) -> health_service_pb2.CapabilityHealth:
    return health_service_pb2.CapabilityHealth(
        capability=item.capability, status=_STATUS[item.status], failing=item.failing
    )
