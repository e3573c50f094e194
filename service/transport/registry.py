"""The services of the contract by full name, each imported and made when it is first called.

An implementation alone serves plain HTTP; the RPC library is loaded only for who comes by RPC.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp, Receive, Scope, Send

from service.transport.contract import PACKAGE

if TYPE_CHECKING:
    from service.usecases.bundle import UseCases

_PARTS = {
    "HealthService": ("health", "health"),
    "QueryService": ("queries", "questions"),
    "DocumentService": ("documents", "documents"),
    "SqlService": ("sql", "sql"),
    "KnowledgeService": ("knowledge", "knowledge"),
    "FeedbackService": ("feedback", "feedback"),
    "CacheService": ("caches", "caches"),
    "UsageService": ("usage", "usage"),
}
"""The module that implements a service, and the field of UseCases that it is made with."""
_WORD = re.compile(r"(?<!^)(?=[A-Z])")


class Services(Mapping[str, object]):
    """The implementations, by full name as "ragsql.v1.HealthService"."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use_cases = use_cases
        self._made: dict[str, object] = {}

    def __getitem__(self, name: str) -> object:
        if name not in self._made:
            kind = name.removeprefix(f"{PACKAGE}.")
            module, field = _PARTS[kind]
            implementation: Any = getattr(import_module(f"service.transport.services.{module}"), kind)
            self._made[name] = implementation(getattr(self._use_cases, field))
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return (f"{PACKAGE}.{kind}" for kind in _PARTS)

    def __len__(self) -> int:
        return len(_PARTS)

    def applications(self, max_request_bytes: int) -> dict[str, ASGIApp]:
        """The RPC applications by path."""
        return {f"/{name}": LazyApp(lambda name=name: self._application(name, max_request_bytes)) for name in self}

    def _application(self, name: str, max_request_bytes: int) -> ASGIApp:
        from service.transport.interceptors import BoundsInterceptor, OutcomeInterceptor
        from service.transport.json_codec import JsonCodec
        from service.transport.proto_codec import ProtoCodec

        kind = name.removeprefix(f"{PACKAGE}.")
        generated = import_module(f"{PACKAGE}.{_WORD.sub('_', kind).lower()}_connect")
        application: Any = getattr(generated, f"{kind}ASGIApplication")
        return application(
            self[name],
            interceptors=[OutcomeInterceptor(), BoundsInterceptor()],
            read_max_bytes=max_request_bytes,
            codecs=[ProtoCodec(), JsonCodec()],
        )


class LazyApp:
    """An ASGI application that is made for its first request."""

    def __init__(self, make: Callable[[], ASGIApp]) -> None:
        self._make = make
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._app is None:
            self._app = self._make()
        await self._app(scope, receive, send)
