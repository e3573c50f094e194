"""Events of a Function URL, made safe for Mangum, and its responses kept within what Lambda returns."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any, cast

from mangum import Mangum

from service.errors import PayloadTooLarge, RagsqlError
from service.transport.recording import Invocation, Write, invocation
from service.transport.refusals import MalformedRequest, UnsupportedContentType
from service.usecases.request_record import RequestRecord

if TYPE_CHECKING:
    from mangum.types import LambdaContext
    from starlette.types import ASGIApp

Event = dict[str, Any]

MAX_BODY_CHARACTERS = 6_000_000
"""An event holds at most 6 MB, and its body is base64 when it is not text: 4.5 MB of file."""
MAX_RESPONSE_CHARACTERS = 6_000_000


class FunctionUrl:
    """Answers events with an application. Responses are buffered, so a stream arrives in one piece."""

    def __init__(self, application: ASGIApp, write: Write | None = None) -> None:
        """Write is told of what is refused before the application, which tells of the rest itself."""
        self._mangum = Mangum(cast(Any, application), lifespan="off")
        self._write = write

    def __call__(self, event: Event, context: LambdaContext) -> Event:
        """The response. What cannot be read as a request is answered with an error, as everywhere."""
        try:
            readable = _readable(event)
        except RagsqlError as error:
            return self._refuse(error)
        response = self._mangum(readable, context)
        if len(response.get("body") or "") > MAX_RESPONSE_CHARACTERS:
            return self._refuse(
                PayloadTooLarge("The answer is larger than the 6 MB that a Function URL returns. Ask for fewer rows.")
            )
        return response

    def _refuse(self, error: RagsqlError) -> Event:
        response = _refusal(error)
        if self._write:
            said = invocation.get() or Invocation("", False)
            status = response["statusCode"]
            self._write(
                RequestRecord(said.request_id, said.cold_start, route="refused", status=status, reason=error.reason)
            )
        return response


def _refusal(error: RagsqlError) -> Event:
    from service.transport.errors import to_wire

    wire = to_wire(error)
    return {
        "statusCode": wire.http_status,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(wire.to_json()),
        "isBase64Encoded": False,
    }


def _readable(event: Event) -> Event:
    """The event with every part that Mangum reads, in the form that it takes. Raises RagsqlError."""
    http = _mapping(_mapping(event.get("requestContext")).get("http"))
    method, path = http.get("method"), event.get("rawPath") or http.get("path") or "/"
    if not isinstance(method, str) or not method.isalpha() or not isinstance(path, str):
        raise MalformedRequest(
            "The event names no HTTP method, or no path. A Function URL sends both, in the format 2.0 of its events."
        )
    headers = _headers(event.get("headers"))
    kind = headers.get("content-type", "").lower()
    if kind == "application/grpc" or kind.startswith(("application/grpc+", "application/grpc;")):
        raise UnsupportedContentType("gRPC needs HTTP/2 trailers; a Function URL has none. Use Connect or gRPC-Web.")
    source = http.get("sourceIp")
    cookies = event.get("cookies")
    return {
        "version": "2.0",
        "rawQueryString": _encodable(event.get("rawQueryString") or ""),
        "headers": headers,
        "cookies": [_encodable(cookie) for cookie in cast("list[Any]", cookies)] if isinstance(cookies, list) else [],
        "requestContext": {
            "http": {
                "method": method.upper(),
                "path": _encodable(path),
                "sourceIp": source if isinstance(source, str) else "",
            }
        },
        "body": _body(event),
        "isBase64Encoded": False,
    }


def _headers(given: Any) -> dict[str, str]:
    """Names in lower case. Several values of one name are joined by commas, as a Function URL does."""
    headers: dict[str, str] = {}
    for name, value in _mapping(given).items():
        values = cast("list[Any]", value) if isinstance(value, list) else [value]
        text = ",".join(_encodable(one) for one in values if one is not None)
        name = _encodable(name).strip().lower()
        headers[name] = f"{headers[name]},{text}" if name in headers else text
    # Mangum splits the host at a colon and reads the port as a number, whatever they are.
    headers["host"] = headers.get("host", "").partition(":")[0] or "localhost"
    if not headers.get("x-forwarded-port", "").isdecimal():
        headers.pop("x-forwarded-port", None)
    return headers


def _body(event: Event) -> bytes:
    body = event.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise MalformedRequest("The body of the event is neither text nor base64.")
    if len(body) > MAX_BODY_CHARACTERS:
        raise PayloadTooLarge(
            "The request is larger than the 6 MB that one event holds: at most 4 MiB of file fit. Call CreateUpload "
            "for a larger file, and PUT it to the URL that it returns."
        )
    if event.get("isBase64Encoded") is not True:
        return _encodable(body).encode()
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise MalformedRequest("The body of the event is not base64, although isBase64Encoded says so.") from None


def _mapping(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _encodable(value: Any) -> str:
    """As text that UTF-8 can hold: JSON can name half a surrogate pair, which nothing after this takes."""
    return str(value).encode("utf-8", "replace").decode()
