"""Say how the service is and what it holds."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from service.domain.health import CapabilityHealth, ComponentHealth, Health, HealthStatus, Stats
from service.errors import RagsqlError

if TYPE_CHECKING:
    from service.domain.caller import Caller
    from service.ports import Checkable, DocumentRecords, KnowledgeRecords, VectorStore

DEADLINE_SECONDS = 2.0
FIRST_SECONDS = 8.0
"""For the first time that a component is asked: it may have to load a large library to answer."""
FRESH_SECONDS = 1.0
REMOTE_FRESH_SECONDS = 15.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Component:
    """An adapter that Health asks, and for how long its answer is good.

    So that probing in a tight loop does not become the load it looks for, nor a vendor's bill.
    """

    adapter: Checkable
    fresh_seconds: float


@dataclass(frozen=True, slots=True)
class Capability:
    """Something that the service does: the components without which it cannot, and those that make it better."""

    needs: tuple[str, ...]
    helped_by: tuple[str, ...] = ()


class _Remembered(NamedTuple):
    answer: ComponentHealth
    until: float


class CheckHealth:
    """HealthUseCases. The first of capabilities decides whether the service serves at all."""

    def __init__(
        self,
        components: Mapping[str, Component],
        capabilities: Mapping[str, Capability],
        documents: DocumentRecords,
        knowledge: KnowledgeRecords,
        vectors: VectorStore,
        version: str,
    ) -> None:
        self._components = components
        self._capabilities = capabilities
        self._documents = documents
        self._knowledge = knowledge
        self._vectors = vectors
        self._version = version
        self._asked_before: set[str] = set()
        self._running: dict[str, asyncio.Task[ComponentHealth]] = {}
        self._remembered: dict[str, _Remembered] = {}

    async def check(self, caller: Caller) -> Health:
        """Ask every component at the same time, two seconds each, eight for its first time."""
        found = await asyncio.gather(*(self._ask(name) for name in self._components))
        needed = {name for capability in self._capabilities.values() for name in capability.needs}
        components = tuple(replace(one, required=one.component in needed) for one in found)
        return judge(components, self._capabilities, self._version)

    async def stats(self, caller: Caller) -> Stats:
        """What is stored for the tenant."""
        return Stats(
            document_count=await self._documents.count_documents(caller),
            chunk_count=await self._vectors.count(caller),
            knowledge_item_count=await self._knowledge.count_items(caller),
        )

    async def _ask(self, name: str) -> ComponentHealth:
        """One component's answer. A check that hangs is waited for again, not started again: threads are few."""
        known = self._remembered.get(name)
        if known and time.monotonic() < known.until:
            return known.answer
        task = self._running.get(name)
        if task is None or task.done() or task.get_loop() is not asyncio.get_running_loop():
            task = asyncio.ensure_future(examine(name, self._components[name].adapter))
            self._running[name] = task
        deadline = DEADLINE_SECONDS if name in self._asked_before else FIRST_SECONDS
        try:
            answer = await asyncio.wait_for(asyncio.shield(task), deadline)
        except TimeoutError:
            return unanswered(name, deadline)
        finally:
            self._asked_before.add(name)
        # What fails is asked again soon: its recovery should be seen.
        serves = answer.status is HealthStatus.SERVING
        fresh = self._components[name].fresh_seconds if serves else FRESH_SECONDS
        self._remembered[name] = _Remembered(answer, time.monotonic() + fresh)
        return answer


async def examine(name: str, adapter: Checkable) -> ComponentHealth:
    """What an adapter says of itself under this name. Never raises: one that cannot even be made says why."""
    try:
        return replace(await adapter.check(), component=name)
    except RagsqlError as error:
        return ComponentHealth(name, "", HealthStatus.NOT_SERVING, error.message)
    except Exception:
        _log.exception("The check of the %s component failed.", name)
        return ComponentHealth(
            name, "", HealthStatus.NOT_SERVING, f"The {name} component cannot be checked; the log says why."
        )


def unanswered(name: str, seconds: float) -> ComponentHealth:
    """A component that was waited for in vain."""
    detail = f"The {name} component did not answer within {seconds:.0f} seconds."
    return ComponentHealth(name, "", HealthStatus.NOT_SERVING, detail)


def judge(components: tuple[ComponentHealth, ...], capabilities: Mapping[str, Capability], version: str) -> Health:
    """What the components' answers mean for what the service does."""
    statuses = {one.component: one.status for one in components}
    judged = tuple(_judged(name, capability, statuses) for name, capability in capabilities.items())
    if all(status is HealthStatus.SERVING for status in statuses.values()):
        overall = HealthStatus.SERVING
    else:
        down = judged[0].status is HealthStatus.NOT_SERVING
        overall = HealthStatus.NOT_SERVING if down else HealthStatus.DEGRADED
    return Health(overall, components, version, judged)


def _judged(name: str, capability: Capability, statuses: Mapping[str, HealthStatus]) -> CapabilityHealth:
    failing = tuple(
        component
        for component, status in statuses.items()
        if component in (*capability.needs, *capability.helped_by) and status is not HealthStatus.SERVING
    )
    if any(statuses.get(component) is HealthStatus.NOT_SERVING for component in capability.needs):
        return CapabilityHealth(name, HealthStatus.NOT_SERVING, failing)
    return CapabilityHealth(name, HealthStatus.DEGRADED if failing else HealthStatus.SERVING, failing)
