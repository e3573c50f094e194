"""The RPC services behind one route, each at its own path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.datastructures import URLPath
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import RagsqlError
from service.transport.refusals import MethodNotAllowed, UnknownMethod, UnsupportedContentType
from service.transport.responses import error_response

_REFUSALS: dict[int, RagsqlError] = {
    404: UnknownMethod("There is no such method. GET /openapi.json lists what there is."),
    405: MethodNotAllowed("A method is called with POST; one without side effects also with GET."),
    415: UnsupportedContentType(
        "The content type must be application/json or application/proto, for a stream application/connect+json "
        "or application/connect+proto."
    ),
}
_NO_TRAILERS = UnsupportedContentType(
    "This server does not speak gRPC, which needs HTTP/2: start it with --http2, or use Connect or gRPC-Web."
)


class RpcRoute(BaseRoute):
    """Hands a request to the service that its path names: one look-up, however many services there are."""

    def __init__(self, apps: Mapping[str, ASGIApp]) -> None:
        self._apps = apps

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] == "http" and (app := self._apps.get(scope["path"].rpartition("/")[0])):
            return Match.FULL, {"endpoint": app}
        return Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if "http.response.trailers" not in scope.get("extensions", {}) and _is_grpc(scope):
            await error_response(_NO_TRAILERS)(scope, receive, send)
            return
        await scope["endpoint"](scope, receive, _Explained(scope, receive, send))

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        raise NoMatchFound(name, path_params)


class _Explained:
    """A send that gives the bare refusals of the RPC library the body of every other error."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._replaced = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] in _REFUSALS:
            names = {name for name, _ in message["headers"]}
            if b"content-type" not in names:
                self._replaced = True
                headers = {name.decode(): value.decode() for name, value in message["headers"]}
                response = error_response(_REFUSALS[message["status"]], headers)
                await response(self._scope, self._receive, self._send)
        if not self._replaced:
            await self._send(message)


def _is_grpc(scope: Scope) -> bool:
    kinds = [value for name, value in scope["headers"] if name == b"content-type"]
    return any(kind == b"application/grpc" or kind.startswith(b"application/grpc+") for kind in kinds)
