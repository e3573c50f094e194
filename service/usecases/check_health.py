"""Say how the service is and what it holds."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from typing import TYPE_CHECKING, NamedTuple

from service.domain.health import ComponentHealth, Health, HealthStatus, Stats

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.domain.caller import Caller
    from service.ports import Checkable, DocumentRecords, KnowledgeRecords, VectorStore

_DEADLINE_SECONDS = 2.0
_FIRST_SECONDS = 8.0
"""For the first time that a component is asked: it may have to load a large library to answer."""
_FRESH_SECONDS = 1.0


class _Remembered(NamedTuple):
    health: Health
    until: float


class CheckHealth:
    """HealthUseCases. components maps a component's name to its adapter and whether the service needs it.

    A result is good for one second, so that probing in a tight loop does not become the load it looks for.
    """

    def __init__(
        self,
        components: Mapping[str, tuple[Checkable, bool]],
        documents: DocumentRecords,
        knowledge: KnowledgeRecords,
        vectors: VectorStore,
        version: str,
    ) -> None:
        self._components = components
        self._documents = documents
        self._knowledge = knowledge
        self._vectors = vectors
        self._version = version
        self._asked_before: set[str] = set()
        self._running: dict[str, asyncio.Task[ComponentHealth]] = {}
        self._remembered: _Remembered | None = None

    async def check(self, caller: Caller) -> Health:
        """Ask every component at the same time, two seconds each, eight for its first time."""
        if self._remembered and time.monotonic() < self._remembered.until:
            return self._remembered.health
        found = await asyncio.gather(*(self._ask(name) for name in self._components))
        required = [needed for _, needed in self._components.values()]
        health = Health(_overall(found, required), tuple(found), self._version)
        self._remembered = _Remembered(health, time.monotonic() + _FRESH_SECONDS)
        return health

    async def stats(self, caller: Caller) -> Stats:
        """What is stored for the tenant."""
        return Stats(
            document_count=await self._documents.count_documents(caller),
            chunk_count=await self._vectors.count(caller),
            knowledge_item_count=await self._knowledge.count_items(caller),
        )

    async def _ask(self, name: str) -> ComponentHealth:
        """One component's answer. A check that hangs is waited for again, not started again: threads are few."""
        task = self._running.get(name)
        if task is None or task.done() or task.get_loop() is not asyncio.get_running_loop():
            task = asyncio.ensure_future(self._components[name][0].check())
            self._running[name] = task
        deadline = _DEADLINE_SECONDS if name in self._asked_before else _FIRST_SECONDS
        try:
            answer = await asyncio.wait_for(asyncio.shield(task), deadline)
        except TimeoutError:
            detail = f"The {name} component did not answer within {deadline:.0f} seconds."
            return ComponentHealth(name, "", HealthStatus.NOT_SERVING, detail)
        finally:
            self._asked_before.add(name)
        return dataclasses.replace(answer, component=name)


def _overall(found: list[ComponentHealth], required: list[bool]) -> HealthStatus:
    if all(answer.status is HealthStatus.SERVING for answer in found):
        return HealthStatus.SERVING
    down = (
        answer.status is HealthStatus.NOT_SERVING and needed for answer, needed in zip(found, required, strict=True)
    )
    return HealthStatus.NOT_SERVING if any(down) else HealthStatus.DEGRADED
