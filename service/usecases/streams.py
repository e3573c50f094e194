"""Streams that end when their reader does."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def closing(stream: AsyncIterator[Any]) -> AsyncGenerator[None]:
    """Close stream at the end if it is a generator: a client that hangs up stops the work for it at once."""
    try:
        yield
    finally:
        if isinstance(stream, AsyncGenerator):
            await stream.aclose()
