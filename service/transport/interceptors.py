"""What happens around every request, unary and streaming alike: errors get their shape, fields their bounds."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

from connectrpc.errors import ConnectError
from connectrpc.request import RequestContext
from google.protobuf.message import Message

from service.transport.bounds import check_bounds
from service.transport.errors import to_wire

Context = RequestContext[Any, Any]
Req = TypeVar("Req", bound=Message)
Res = TypeVar("Res")

log = logging.getLogger("ragsql.requests")


class OutcomeInterceptor:
    """Turns every error into its wire form and logs one line a request.

    It sees no messages, so that the library runs it for all kinds of methods and also around reading the request.
    """

    async def on_start(self, ctx: Context) -> float:
        """The time the request began, in seconds."""
        return time.perf_counter()

    async def on_end(self, token: float, ctx: Context, error: Exception | None, /) -> None:
        """Raises the wire form of error."""
        outcome = None if error is None else to_wire(error)
        if log.isEnabledFor(logging.INFO):
            self._log(token, ctx, outcome)
        if outcome is not None:
            raise outcome from error

    def _log(self, start: float, ctx: Context, outcome: ConnectError | None) -> None:
        code = "ok" if outcome is None else outcome.code.value
        seconds = time.perf_counter() - start
        log.info("%s/%s %s %.1f ms", ctx.method.service_name, ctx.method.name, code, seconds * 1e3)


class BoundsInterceptor:
    """Refuses requests whose fields break their bounds, before the use case."""

    async def intercept_unary(
        self, call_next: Callable[[Req, Context], Awaitable[Res]], request: Req, ctx: Context, /
    ) -> Res:
        """Raises InvalidRequest or PayloadTooLarge."""
        check_bounds(request)
        return await call_next(request, ctx)

    def intercept_server_stream(
        self, call_next: Callable[[Req, Context], AsyncIterator[Res]], request: Req, ctx: Context, /
    ) -> AsyncIterator[Res]:
        """Raises InvalidRequest or PayloadTooLarge at once, not at the first event."""
        check_bounds(request)
        return call_next(request, ctx)
