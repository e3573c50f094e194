"""A span for every RPC, whichever way it comes in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.usecases.steps import entered

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from service.ports.traces import Tracer

_PROPAGATED = (b"traceparent", b"tracestate")
_LEFT_OUT = ("/health", "/ragsql.v1.HealthService/Health")


class TraceRequests:
    """Middleware. The interceptor of outcomes names the span: a path may hold what is nobody else's business.

    Health is left out, which is asked every few seconds.
    """

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _LEFT_OUT:
            await self._app(scope, receive, send)
            return
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"] if name in _PROPAGATED}
        with entered(self._tracer.begin(scope["method"], headers)):
            await self._app(scope, receive, send)
