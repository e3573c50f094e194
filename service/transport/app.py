"""The ASGI application: RPC services, plain HTTP, and what describes both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Concatenate, TypeVar, cast

from connectrpc.server import ConnectASGIApplication
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from ragsql.v1.cache_service_connect import CacheServiceASGIApplication
from ragsql.v1.document_service_connect import DocumentServiceASGIApplication
from ragsql.v1.feedback_service_connect import FeedbackServiceASGIApplication
from ragsql.v1.health_service_connect import HealthServiceASGIApplication
from ragsql.v1.knowledge_service_connect import KnowledgeServiceASGIApplication
from ragsql.v1.query_service_connect import QueryServiceASGIApplication
from ragsql.v1.sql_service_connect import SqlServiceASGIApplication
from ragsql.v1.usage_service_connect import UsageServiceASGIApplication
from service.transport.asked_again import AskedAgain
from service.transport.cors import cors
from service.transport.http_routes import http_routes
from service.transport.interceptors import BoundsInterceptor, OutcomeInterceptor
from service.transport.json_codec import JsonCodec
from service.transport.proto_codec import ProtoCodec
from service.transport.reflection import reflection_apps
from service.transport.responses import refused
from service.transport.rpc import RpcRoute
from service.transport.services.caches import CacheService
from service.transport.services.documents import DocumentService
from service.transport.services.feedback import FeedbackService
from service.transport.services.health import HealthService
from service.transport.services.knowledge import KnowledgeService
from service.transport.services.queries import QueryService
from service.transport.services.sql import SqlService
from service.transport.services.usage import UsageService
from service.transport.upload_route import upload_route
from service.usecases.bundle import UseCases

MAX_REQUEST_BYTES = 6 * 1024 * 1024
"""Room for a file of 4 MiB in base64, and what AWS Lambda takes."""

S = TypeVar("S")

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
    services = _services(use_cases, max_request_bytes)
    apps = {app.path: cast(ASGIApp, app) for _, app in services}
    if reflection:
        apps |= reflection_apps()
    implementations = {app.path.lstrip("/"): service for service, app in services}
    of_services = [RpcRoute(apps), *http_routes(implementations, max_request_bytes)]
    return Starlette(
        routes=[
            AskedAgain(use_cases.questions, of_services),
            *of_services,
            upload_route(use_cases.documents),
            Route("/openapi.json", _openapi),
            *extra_routes,
        ],
        middleware=[cors(cors_origins)] if cors_origins else [],
        exception_handlers={HTTPException: refused, Exception: refused},
        lifespan=lifespan,
    )


def _services(use_cases: UseCases, max_request_bytes: int) -> list[tuple[object, ConnectASGIApplication[Any]]]:
    """Each implementation with the RPC application around it."""

    def serve(
        application: Callable[Concatenate[S, ...], ConnectASGIApplication[S]], service: S
    ) -> tuple[object, ConnectASGIApplication[Any]]:
        return service, application(
            service,
            interceptors=[OutcomeInterceptor(), BoundsInterceptor()],
            read_max_bytes=max_request_bytes,
            codecs=[ProtoCodec(), JsonCodec()],
        )

    return [
        serve(HealthServiceASGIApplication, HealthService(use_cases.health)),
        serve(QueryServiceASGIApplication, QueryService(use_cases.questions)),
        serve(DocumentServiceASGIApplication, DocumentService(use_cases.documents)),
        serve(SqlServiceASGIApplication, SqlService(use_cases.sql)),
        serve(KnowledgeServiceASGIApplication, KnowledgeService(use_cases.knowledge)),
        serve(FeedbackServiceASGIApplication, FeedbackService(use_cases.feedback)),
        serve(CacheServiceASGIApplication, CacheService(use_cases.caches)),
        serve(UsageServiceASGIApplication, UsageService(use_cases.usage)),
    ]


async def _openapi(request: Request) -> Response:
    from service.transport.openapi import openapi_json

    return Response(openapi_json(), media_type="application/json")
