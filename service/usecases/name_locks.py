"""One change at a time to the document of one name."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import AsyncGenerator


class NameLocks:
    """Locks by tenant and file name, inside this process."""

    def __init__(self) -> None:
        self._locks: weakref.WeakValueDictionary[tuple[str, str], asyncio.Lock] = weakref.WeakValueDictionary()

    @contextlib.asynccontextmanager
    async def hold(self, tenant: str, filename: str) -> AsyncGenerator[None]:
        """Wait for the others and keep them waiting."""
        key = (tenant, filename)
        lock = self._locks.get(key) or asyncio.Lock()
        self._locks[key] = lock
        async with lock:
            yield
