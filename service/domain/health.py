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
    """One port's adapter. detail is a sentence for a person, empty when it serves.

    required says that something which the service does needs it.
    """

    component: str
    adapter: str
    status: HealthStatus
    detail: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class CapabilityHealth:
    """Something that the service does. failing names the components it uses that do not serve."""

    capability: str
    status: HealthStatus
    failing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Health:
    """SERVING when every component serves, NOT_SERVING when the first capability does not, else DEGRADED."""

    status: HealthStatus
    components: tuple[ComponentHealth, ...]
    version: str
    capabilities: tuple[CapabilityHealth, ...] = ()


@dataclass(frozen=True, slots=True)
class Stats:
    """What is stored for one tenant."""

    document_count: int
    chunk_count: int
    knowledge_item_count: int
