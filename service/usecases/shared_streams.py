"""One stream for all who ask for the same at the same time, inside this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from service.usecases.streams import closing

T = TypeVar("T")


@dataclass(slots=True)
class _Broadcast(Generic[T]):
    """What a stream has yielded so far. changed is set, and replaced, whenever there is more or it has ended."""

    items: list[T] = field(default_factory=list[T])
    ended: bool = False
    readers: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()


class SharedStreams(Generic[T]):
    """Streams by key. Each runs in a task of its own, as long as anybody reads it."""

    def __init__(self) -> None:
        self._running: dict[Hashable, tuple[_Broadcast[T], asyncio.Task[None]]] = {}

    async def read(self, key: Hashable, start: Callable[[], AsyncIterator[T]]) -> AsyncGenerator[tuple[T, bool]]:
        """The items of the stream from its beginning, and whether another reader started it. Raises what it raises.

        A reader that leaves takes nothing from the others. The last one to leave stops the stream, and waits for that.
        """
        running = self._running.get(key)
        joined = running is not None
        if running is None:
            broadcast = _Broadcast[T]()
            running = self._running[key] = broadcast, asyncio.create_task(self._run(key, broadcast, start()))
        broadcast, task = running
        broadcast.readers += 1
        seen = 0
        try:
            while seen < len(broadcast.items) or not broadcast.ended:
                if seen == len(broadcast.items):
                    await broadcast.changed.wait()
                else:
                    seen += 1
                    yield broadcast.items[seen - 1], joined
            await asyncio.wait({task})
            task.result()
        finally:
            broadcast.readers -= 1
            if not broadcast.readers:
                await self._stop(key, broadcast, task)

    async def _run(self, key: Hashable, broadcast: _Broadcast[T], stream: AsyncIterator[T]) -> None:
        try:
            async with closing(stream):
                async for item in stream:
                    broadcast.items.append(item)
                    broadcast.tell()
        finally:
            self._forget(key, broadcast)
            broadcast.ended = True
            broadcast.tell()

    async def _stop(self, key: Hashable, broadcast: _Broadcast[T], task: asyncio.Task[None]) -> None:
        self._forget(key, broadcast)
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()

    def _forget(self, key: Hashable, broadcast: _Broadcast[T]) -> None:
        """Whoever comes now starts anew."""
        if key in self._running and self._running[key][0] is broadcast:
            del self._running[key]
