"""A bounded number of tasks in the background, each of which can be stopped by its document."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any

from service.domain.caller import Caller
from service.domain.documents import Document
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

    @property
    def is_running(self) -> bool:
        """Whether work goes on after submit has returned."""
        return self._turns is not None

    async def submit(self, caller: Caller, document: Document, work: Work) -> None:
        """Have work done soon, unless the document is in work here already.

        Where nothing runs in the background it is done before this returns.
        """
        if self._turns is None:
            async with self._heartbeat.hold(caller, document):
                await work()
            return
        key = (caller.tenant, document.id)
        if key not in self._tasks:
            in_turn = self._in_turn(self._turns, self._heartbeat.hold(caller, document), work)
            self._tasks[key] = asyncio.create_task(in_turn)
            self._tasks[key].add_done_callback(lambda _: self._tasks.pop(key, None))

    async def stop(self, tenant: str, document_id: str) -> None:
        """Cancel the work on a document and wait until it has ended."""
        if task := self._tasks.get((tenant, document_id)):
            task.cancel()
            await asyncio.wait({task})

    async def _in_turn(self, turns: asyncio.Semaphore, hold: AbstractAsyncContextManager[None], work: Work) -> None:
        async with hold, turns:
            await work()
