"""How the parts of the service are."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class HealthStatus(StrEnum):
    """A health status."""

    SERVING = "SERVING"
    DEGRADED = "DEGRADED"
    NOT_SERVING = "NOT_SERVING"


@dataclass(frozen=True, slots=True)
class ComponentHealth:
    """One port's adapter. detail is a sentence for a person, empty when it serves."""

    component: str
    adapter: str
    status: HealthStatus
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Health:
    """SERVING when every component serves, DEGRADED when an optional one does not."""

    status: HealthStatus
    components: tuple[ComponentHealth, ...]
    version: str


@dataclass(frozen=True, slots=True)
class Stats:
    """What is stored for one tenant."""

    document_count: int
    chunk_count: int
    knowledge_item_count: int
