"""Questions in JSON that are answered from the cache again, without reading them or writing their answers anew."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, URLPath
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import Message, Receive, Scope, Send

from service.errors import RagsqlError
from service.transport.callers import caller_of
from service.transport.http_routes import HttpContext, HttpMethod
from service.transport.interceptors import OutcomeInterceptor
from service.transport.json_codec import read_json, write_json

if TYPE_CHECKING:
    from service.domain.caller import Caller
    from service.domain.questions import QueryResult, Question
    from service.usecases.bundle import QuestionUseCases

SERVICE = "ragsql.v1.QueryService"
CONNECT = f"/{SERVICE}/Query"
PLAIN = "/query"
MAX_BODY_BYTES = 8192
MOST_WRITTEN = 256

_QUERY = HttpMethod("Query", SERVICE)
_JSON = b"application/json"
_CONNECT_VERSION = b"1"
_HEADERS: dict[str, list[tuple[bytes, bytes]]] = {
    PLAIN: [(b"content-type", _JSON)],
    CONNECT: [(b"content-type", _JSON), (b"content-encoding", b"identity"), (b"vary", b"Accept-Encoding")],
}


class AskedAgain(BaseRoute):
    """Stands before the routes of Query, and passes on to them whatever it does not answer.

    What it answers is what they would: the use case decides anew whether the answer still holds, and hands over the
    same object as long as it does. The body is never compressed.
    """

    def __init__(self, questions: QuestionUseCases, routes: Sequence[BaseRoute]) -> None:
        self._questions, self._routes = questions, routes
        self._outcome = OutcomeInterceptor()
        self._written: OrderedDict[int, tuple[QueryResult, bytes]] = OrderedDict()

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] != "http" or scope["path"] not in _HEADERS or scope["method"] != "POST":
            return Match.NONE, {}
        return (Match.FULL, {}) if _is_plain_json(scope["headers"]) else (Match.NONE, {})

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = time.perf_counter()
        message = await receive()
        body = message.get("body", b"")
        if message["type"] == "http.request" and not message.get("more_body") and len(body) <= MAX_BODY_BYTES:
            question = _question(body)
            ctx = HttpContext(_QUERY, Headers(scope=scope))
            if question is not None and (content := await self._again(caller_of(ctx), question)):
                await self._outcome.on_start(ctx)
                headers = [*_HEADERS[scope["path"]], (b"content-length", str(len(content)).encode())]
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                await send({"type": "http.response.body", "body": content})
                await self._outcome.on_end(start, ctx, None)
                return
        await self._pass_on(scope, _first(message, receive), send)

    def url_path_for(self, name: str, /, **path_params: object) -> URLPath:
        raise NoMatchFound(name, path_params)

    async def _again(self, caller: Caller, question: Question) -> bytes | None:
        """The response; None when there is none to repeat, or something is wrong, which is told on the usual way."""
        try:
            result = await self._questions.again(caller, question)
        except RagsqlError:
            return None
        if result is None:
            return None
        known = self._written.get(id(result))
        if known is None or known[0] is not result:
            from service.transport.mapping_answers import query_response

            known = self._written[id(result)] = result, write_json(query_response(result))
            while len(self._written) > MOST_WRITTEN:
                self._written.popitem(last=False)
        return known[1]

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        for route in self._routes:
            match, child = route.matches(scope)
            if match is Match.FULL:
                scope.update(child)
                await route.handle(scope, receive, send)
                return
        raise AssertionError("every path of Query has a route")


def _is_plain_json(headers: Sequence[tuple[bytes, bytes]]) -> bool:
    """Whether nothing in the headers asks for more than reading JSON."""
    found = False
    for name, value in headers:
        if name == b"content-type":
            found = value == _JSON
        elif name == b"content-encoding" or (name == b"connect-protocol-version" and value != _CONNECT_VERSION):
            return False
    return found


@lru_cache(maxsize=1024)
def _question(body: bytes) -> Question | None:
    """None when the body is not right, which is told on the usual way."""
    from ragsql.v1.query_service_pb2 import QueryRequest
    from service.transport.bounds import check_bounds
    from service.transport.mapping_answers import question

    request = QueryRequest()
    try:
        read_json(body, request)
        check_bounds(request)
    except RagsqlError:
        return None
    return question(request)


def _first(message: Message, receive: Receive) -> Receive:
    """A receive that begins with message."""
    waiting = [message]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again
