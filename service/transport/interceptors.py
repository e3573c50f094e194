"""What happens around every request, unary and streaming alike: errors get their shape, fields their bounds."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from google.protobuf.message import Message

from service.transport.callers import Context, caller_of
from service.usecases.request_record import recorded
from service.usecases.steps import current

if TYPE_CHECKING:
    from service.transport.errors import WireError

Req = TypeVar("Req", bound=Message)
Res = TypeVar("Res")

log = logging.getLogger("ragsql.requests")


class OutcomeInterceptor:
    """Turns every error into its wire form and logs one line a request.

    It sees no messages, so that the library runs it for all kinds of methods and also around reading the request.
    """

    async def on_start(self, ctx: Context) -> float:
        """The time the request began, in seconds."""
        service, method = ctx.method.service_name, ctx.method.name
        current().rename(f"{service}/{method}")
        current().set(service=service, method=method)
        return time.perf_counter()

    async def on_end(self, token: float, ctx: Context, error: Exception | None, /) -> None:
        """Raises the wire form of error."""
        outcome = _wire(error)
        if record := recorded():
            record.route = f"{ctx.method.service_name.rpartition('.')[2]}/{ctx.method.name}"
            record.tenant = caller_of(ctx).tenant
            record.reason = outcome.reason if outcome else ""
        if log.isEnabledFor(logging.INFO):
            self._log(token, ctx, outcome)
        if outcome is not None:
            current().fail(outcome.reason)
            raise outcome from error

    def _log(self, start: float, ctx: Context, outcome: WireError | None) -> None:
        code = "ok" if outcome is None else outcome.code.value
        seconds = time.perf_counter() - start
        log.info("%s/%s %s %.1f ms", ctx.method.service_name, ctx.method.name, code, seconds * 1e3)


class BoundsInterceptor:
    """Refuses requests whose fields break their bounds, before the use case."""

    async def intercept_unary(
        self, call_next: Callable[[Req, Context], Awaitable[Res]], request: Req, ctx: Context, /
    ) -> Res:
        """Raises InvalidRequest or PayloadTooLarge."""
        _check(request)
        return await call_next(request, ctx)

    def intercept_server_stream(
        self, call_next: Callable[[Req, Context], AsyncIterator[Res]], request: Req, ctx: Context, /
    ) -> AsyncIterator[Res]:
        """Raises InvalidRequest or PayloadTooLarge at once, not at the first event."""
        _check(request)
        return call_next(request, ctx)


def _wire(error: Exception | None) -> WireError | None:
    if error is None:
        return None
    from service.transport.errors import to_wire

    return to_wire(error)


def _check(request: Message) -> None:
    """The bounds know every message of the contract, so they are loaded for the first one that has fields."""
    if (record := recorded()) and record.keeps_question:
        asked = getattr(request, "request", request)
        record.question = getattr(asked, "query", "") or getattr(asked, "question", "")
    if request.DESCRIPTOR.fields:
        from service.transport.bounds import check_bounds

        check_bounds(request)
