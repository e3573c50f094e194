"""AWS Lambda: the same application behind a Function URL. Built while the environment starts, before any event."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mangum import Mangum

from service.app import build_app
from service.errors import PayloadTooLarge, RagsqlError
from service.settings import load
from service.transport.refusals import UnsupportedContentType

if TYPE_CHECKING:
    from mangum.types import LambdaContext

MAX_BODY_CHARACTERS = 6_000_000
"""An event holds at most 6 MB, and its body is base64 when it is not text: 4.5 MB of file."""

_application = Mangum(build_app(load()), lifespan="off")


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one event of a Function URL. Responses are buffered, so a stream arrives in one piece."""
    refused = _refusal(event)
    return _error(refused) if refused else _application(event, context)


def _refusal(event: dict[str, Any]) -> RagsqlError | None:
    headers: dict[str, str] = event.get("headers") or {}
    content_type = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    if content_type == "application/grpc" or content_type.startswith(("application/grpc+", "application/grpc;")):
        return UnsupportedContentType("gRPC needs HTTP/2 trailers; a Function URL has none. Use Connect or gRPC-Web.")
    if len(event.get("body") or "") > MAX_BODY_CHARACTERS:
        return PayloadTooLarge("The request is larger than the 6 MB that one event holds. Send at most 4 MiB of file.")
    return None


def _error(error: RagsqlError) -> dict[str, Any]:
    from service.transport.errors import to_wire

    wire = to_wire(error)
    return {
        "statusCode": wire.http_status,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(wire.to_json()),
        "isBase64Encoded": False,
    }
