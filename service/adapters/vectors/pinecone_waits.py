"""Waiting until Pinecone shows what was written."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from service.errors import UpstreamUnavailable

VISIBLE_SECONDS = 60.0
_FIRST_PAUSE, LONGEST_PAUSE = 0.02, 1.0


async def wait_until(reached: Callable[[], Awaitable[bool]]) -> None:
    """Wait until Pinecone shows what was written. Raises UpstreamUnavailable after a minute."""
    pause, until = _FIRST_PAUSE, time.monotonic() + VISIBLE_SECONDS
    while not await reached():
        if time.monotonic() > until:
            raise UpstreamUnavailable("Pinecone does not show what was written to it. Try again.")
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)
