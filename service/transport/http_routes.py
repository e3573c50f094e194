"""Plain HTTP: routes from the google.api.http annotations, through the interceptors of the RPCs."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, cast

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from service.errors import FieldViolation, InvalidRequest
from service.transport.bodies import MULTIPART, content_type, read_file, read_json_body
from service.transport.callers import Context
from service.transport.contract import HttpRule, http_rules
from service.transport.hang_ups import unless_hung_up
from service.transport.interceptors import BoundsInterceptor, OutcomeInterceptor
from service.transport.json_codec import read_json, read_value, write_json
from service.transport.responses import error_response

Handler = Callable[[Message, Context], Awaitable[Message]]

_VARIABLE = re.compile(r"\{(\w+)(?:=([^}]*))?\}")
_WORD = re.compile(r"(?<!^)(?=[A-Z])")


class HttpMethod(NamedTuple):
    """A callers.Method."""

    name: str
    service_name: str


class HttpContext(NamedTuple):
    """A callers.Context."""

    method: HttpMethod
    request_headers: Headers


def http_routes(services: Mapping[str, object], max_request_bytes: int) -> list[BaseRoute]:
    """One route a path. services maps the full name of a proto service to its implementation, looked up on use."""
    paths: dict[str, dict[str, HttpRule]] = defaultdict(dict)
    for rule in http_rules():
        path, _ = _starlette_path(rule.path)
        paths[path][rule.verb] = rule
    return [
        Route(path, _dispatcher(rules, services, max_request_bytes), methods=list(rules))
        for path, rules in paths.items()
    ]


def _dispatcher(
    rules: dict[str, HttpRule], services: Mapping[str, object], max_request_bytes: int
) -> Callable[[Request], Awaitable[Response]]:
    endpoints: dict[str, Endpoint] = {}

    async def dispatch(request: Request) -> Response:
        verb = "GET" if request.method == "HEAD" else request.method
        endpoint = endpoints.get(verb)
        if endpoint is None:
            service = services[rules[verb].service]
            endpoint = endpoints[verb] = Endpoint.of(rules[verb], service, max_request_bytes)
        return await endpoint(request)

    return dispatch


def _starlette_path(path: str) -> tuple[str, tuple[str, str] | None]:
    """The path /{name=documents/*} as /documents/{name}, with the field and its form, ("name", "documents/{}")."""
    match = _VARIABLE.search(path)
    if match is None:
        return path, None
    field, pattern = match[1], match[2] or "*"
    if pattern.count("*") != 1 or len(_VARIABLE.findall(path)) != 1:
        raise ValueError(f"{path}: only one variable of one segment is supported.")
    return path.replace(match[0], pattern.replace("*", f"{{{field}}}")), (field, pattern.replace("*", "{}"))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A verb of a path: reads the message, runs the method, writes its response."""

    method: HttpMethod
    message: type[Message]
    handler: Handler
    body: str
    variable: tuple[str, str] | None
    takes_file: bool
    max_request_bytes: int
    outcome: OutcomeInterceptor
    bounds: BoundsInterceptor

    @classmethod
    def of(cls, rule: HttpRule, service: object, max_request_bytes: int) -> Endpoint:
        """The endpoint of an annotation. The modules of service, which know its messages, are imported."""
        method = rule.method
        message = _message_class(method.input_type)
        fields = cast(Descriptor, message.DESCRIPTOR).fields
        return cls(
            method=HttpMethod(method.name, rule.service),
            message=message,
            handler=getattr(service, _WORD.sub("_", method.name).lower()),
            body=rule.body,
            variable=_starlette_path(rule.path)[1],
            takes_file=any(field.type == FieldDescriptor.TYPE_BYTES for field in fields),
            max_request_bytes=max_request_bytes,
            outcome=OutcomeInterceptor(),
            bounds=BoundsInterceptor(),
        )

    async def __call__(self, request: Request) -> Response:
        ctx = HttpContext(self.method, request.headers)
        started = await self.outcome.on_start(ctx)
        failure: Exception | None = None
        response = b""
        try:
            message = await self._read(request)
            work = self.bounds.intercept_unary(self.handler, message, ctx)
            response = write_json(await unless_hung_up(work, request.receive))
        except Exception as error:
            failure = error
        try:
            await self.outcome.on_end(started, ctx, failure)
        except Exception as error:
            return error_response(error)
        return Response(response, media_type="application/json")

    async def _read(self, request: Request) -> Message:
        message = self.message()
        if self.takes_file and content_type(request) == MULTIPART:
            filename, content = await read_file(request, self.max_request_bytes)
            return self.message(filename=filename, content=content)
        if self.body:
            target = message if self.body == "*" else getattr(message, self.body)
            data = await read_json_body(request, self.max_request_bytes)
            target.SetInParent()
            if data:
                read_json(data, target)
        self._read_query(request, message)
        if self.variable is not None:
            field, template = self.variable
            read_value(field, template.format(request.path_params[field]), message)
        return message

    def _read_query(self, request: Request, message: Message) -> None:
        repeated = [field for field in message.DESCRIPTOR.fields if field.is_repeated]
        lists = {name for field in repeated for name in (field.name, field.json_name)}
        for name in request.query_params:
            if self.body == "*":
                raise InvalidRequest(FieldViolation(name, "Send it in the body: this path takes no query parameters."))
            values = request.query_params.getlist(name)
            read_value(name, values if name in lists else values[-1], message)


def _message_class(name: str) -> type[Message]:
    return GetMessageClass(descriptor_pool.Default().FindMessageTypeByName(name.lstrip(".")))
