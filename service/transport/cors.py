"""What browsers may do from other origins."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import Receive, Scope, Send

REQUEST_HEADERS = (
    "authorization",
    "connect-protocol-version",
    "connect-timeout-ms",
    "content-type",
    "grpc-timeout",
    "x-grpc-web",
    "x-user-agent",
)
RESPONSE_HEADERS = ("grpc-message", "grpc-status", "grpc-status-details-bin")


def cors(origins: Sequence[str]) -> Middleware:
    """The middleware that lets pages of these origins call, "*" for all."""
    return Middleware(
        _Cors,
        allow_origins=origins,
        allow_methods=("GET", "POST", "PUT", "DELETE"),
        allow_headers=REQUEST_HEADERS,
        expose_headers=RESPONSE_HEADERS,
        max_age=7200,
    )


class _Cors(CORSMiddleware):
    """Where all origins are allowed, a request without one gets past untouched: most requests are no browser's."""

    async def simple_response(self, scope: Scope, receive: Receive, send: Send, request_headers: Headers) -> None:
        if self.allow_all_origins and "origin" not in request_headers:
            await self.app(scope, receive, send)
        else:
            await super().simple_response(scope, receive, send, request_headers)
