"""A bounded number of tasks in the background, each of which can be stopped by its document."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any

from service.usecases.heartbeat import Heartbeat

Work = Callable[[], Coroutine[Any, Any, None]]


class IngestPool:
    """Runs at most limit at once, in the order of submission, while it is running."""

    def __init__(self, limit: int, heartbeat: Heartbeat) -> None:
        self._limit = limit
        self._heartbeat = heartbeat
        self._turns: asyncio.Semaphore | None = None
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Take work. At the end what is under way is cancelled."""
        self._turns = asyncio.Semaphore(self._limit)
        try:
            yield
        finally:
            self._turns = None
            tasks = list(self._tasks.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def submit(self, tenant: str, document_id: str, work: Work) -> None:
        """Have work done soon. Where nothing runs in the background it is done before this returns."""
        if self._turns is None:
            async with self._heartbeat.hold(tenant, document_id):
                await work()
            return
        key = (tenant, document_id)
        self._tasks[key] = asyncio.create_task(self._in_turn(self._turns, key, work))
        self._tasks[key].add_done_callback(lambda _: self._tasks.pop(key, None))

    async def stop(self, tenant: str, document_id: str) -> None:
        """Cancel the work on a document and wait until it has ended."""
        if task := self._tasks.get((tenant, document_id)):
            task.cancel()
            await asyncio.wait({task})

    async def _in_turn(self, turns: asyncio.Semaphore, key: tuple[str, str], work: Work) -> None:
        async with self._heartbeat.hold(*key), turns:
            await work()
