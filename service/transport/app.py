"""The ASGI application: RPC services, plain HTTP, and what describes both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from service.transport.asked_again import AskedAgain
from service.transport.http_routes import http_routes
from service.transport.registry import Services
from service.transport.responses import refused
from service.transport.rpc import RpcRoute
from service.transport.upload_route import upload_route
from service.usecases.bundle import UseCases

MAX_REQUEST_BYTES = 6 * 1024 * 1024
"""Room for a file of 4 MiB in base64, and what AWS Lambda takes."""

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]


def build_transport(
    use_cases: UseCases,
    *,
    cors_origins: Sequence[str] = ("*",),
    max_request_bytes: int = MAX_REQUEST_BYTES,
    extra_routes: Sequence[BaseRoute] = (),
    lifespan: Lifespan | None = None,
    reflection: bool = False,
) -> Starlette:
    """Everything that clients reach. extra_routes come last; reflection works only when served over HTTP/2."""
    services = Services(use_cases)
    apps = services.applications(max_request_bytes)
    if reflection:
        from service.transport.reflection import reflection_apps

        apps |= reflection_apps()
    of_services = [RpcRoute(apps), *http_routes(services, max_request_bytes)]
    return Starlette(
        routes=[
            AskedAgain(use_cases.questions, of_services),
            *of_services,
            upload_route(use_cases.documents),
            Route("/openapi.json", _openapi),
            *extra_routes,
        ],
        middleware=_middleware(cors_origins),
        exception_handlers={HTTPException: refused, Exception: refused},
        lifespan=lifespan,
    )


def _middleware(cors_origins: Sequence[str]) -> list[Middleware]:
    if not cors_origins:
        return []
    from service.transport.cors import cors

    return [cors(cors_origins)]


async def _openapi(request: Request) -> Response:
    from service.transport.openapi import openapi_json

    return Response(openapi_json(), media_type="application/json")
