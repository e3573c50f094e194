"""Interceptors that retry what may be retried and turn every failure into RagsqlError."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, TypeVar

from connectrpc.code import Code
from connectrpc.errors import ConnectError
from connectrpc.method import IdempotencyLevel
from connectrpc.request import RequestContext

from ragsql_client.errors import decode

Q = TypeVar("Q")
R = TypeVar("R")

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 2.0


class Retries:
    """Retries of idempotent unary calls while the server is unavailable. Streams and other calls are sent once."""

    def __init__(self, retries: int) -> None:
        self._retries = retries

    def intercept_unary_sync(
        self, call_next: Callable[[Q, RequestContext[Any, Any]], R], request: Q, ctx: RequestContext[Any, Any]
    ) -> R:
        """Send, and send again."""
        for attempt in range(self._retries + 1):
            try:
                return call_next(request, ctx)
            except ConnectError as error:
                pause = self._pause(error, ctx, attempt)
                if pause is None:
                    raise decode(error) from error
                time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def intercept_server_stream_sync(
        self,
        call_next: Callable[[Q, RequestContext[Any, Any]], Iterator[R]],
        request: Q,
        ctx: RequestContext[Any, Any],
    ) -> Iterator[R]:
        """Send once."""
        try:
            yield from call_next(request, ctx)
        except ConnectError as error:
            raise decode(error) from error

    async def intercept_unary(
        self,
        call_next: Callable[[Q, RequestContext[Any, Any]], Awaitable[R]],
        request: Q,
        ctx: RequestContext[Any, Any],
    ) -> R:
        """Send, and send again."""
        before = _times_cancelled()
        for attempt in range(self._retries + 1):
            try:
                reply = await call_next(request, ctx)
            except ConnectError as error:
                _let_go(error)
                _remember(before)
                pause = self._pause(error, ctx, attempt)
                if pause is None:
                    raise decode(error) from error
                await asyncio.sleep(pause)
            else:
                _remember(before)
                return reply
        raise AssertionError("the last attempt returns or raises")

    async def intercept_server_stream(
        self,
        call_next: Callable[[Q, RequestContext[Any, Any]], AsyncIterator[R]],
        request: Q,
        ctx: RequestContext[Any, Any],
    ) -> AsyncIterator[R]:
        """Send once."""
        try:
            async for response in call_next(request, ctx):
                yield response
        except ConnectError as error:
            _let_go(error)
            raise decode(error) from error

    def pause(self, error: ConnectError, attempt: int, left: float | None) -> float | None:
        """Seconds to wait before what may be repeated is tried again, None when it is not; left are all there are."""
        if error.code is not Code.UNAVAILABLE or attempt >= self._retries:
            return None
        pause = random.uniform(0.5, 1.0) * min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**attempt)
        return pause if left is None or pause < left else None

    def _pause(self, error: ConnectError, ctx: RequestContext[Any, Any], attempt: int) -> float | None:
        if ctx.method.idempotency_level is IdempotencyLevel.UNKNOWN:
            return None
        left = ctx.timeout_ms
        return self.pause(error, attempt, None if left is None else left / 1000)


def _times_cancelled() -> int:
    task = asyncio.current_task()
    return task.cancelling() if task else 0


def _remember(before: int) -> None:
    """Raises CancelledError when the task was cancelled since then.

    asyncio.wait_for of Python 3.11, which the library calls, forgets it when the reply comes at the same moment.
    """
    if _times_cancelled() > before:
        raise asyncio.CancelledError


def _let_go(error: ConnectError) -> None:
    """Raises CancelledError where the library has made an error of one, so that cancelling a task ends it."""
    if isinstance(error.__cause__, asyncio.CancelledError):
        raise error.__cause__
