"""The one table from errors to wire codes, and the one shape that errors have on the wire."""

from __future__ import annotations

import logging
import secrets
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from connectrpc.code import Code
from connectrpc.errors import ConnectError
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from protobuf.wkt import Any as WireAny

from service import errors
from service.transport.refusals import (
    MalformedRequest,
    MethodNotAllowed,
    UnknownMethod,
    UnknownPath,
    UnsupportedContentType,
)

DOMAIN = "ragsql"

log = logging.getLogger(__name__)


CODES: dict[type[errors.RagsqlError], Code] = {
    errors.InvalidRequest: Code.INVALID_ARGUMENT,
    errors.UnsupportedMediaType: Code.INVALID_ARGUMENT,
    errors.UnreadableDocument: Code.INVALID_ARGUMENT,
    errors.PayloadTooLarge: Code.RESOURCE_EXHAUSTED,
    errors.ContentMismatch: Code.FAILED_PRECONDITION,
    errors.UploadIncomplete: Code.FAILED_PRECONDITION,
    errors.UploadUrlInvalid: Code.PERMISSION_DENIED,
    errors.NotFound: Code.NOT_FOUND,
    errors.SqlRejected: Code.FAILED_PRECONDITION,
    errors.SqlNotGenerated: Code.FAILED_PRECONDITION,
    errors.SqlEtagMismatch: Code.ABORTED,
    errors.SqlStateConflict: Code.FAILED_PRECONDITION,
    errors.SqlTimeout: Code.DEADLINE_EXCEEDED,
    errors.SqlExecutionFailed: Code.FAILED_PRECONDITION,
    errors.NotConfigured: Code.FAILED_PRECONDITION,
    errors.OtherEmbeddingModel: Code.FAILED_PRECONDITION,
    errors.UpstreamUnavailable: Code.UNAVAILABLE,
    errors.Overloaded: Code.UNAVAILABLE,
    MalformedRequest: Code.INVALID_ARGUMENT,
    UnknownPath: Code.NOT_FOUND,
    UnknownMethod: Code.UNIMPLEMENTED,
    MethodNotAllowed: Code.UNIMPLEMENTED,
    UnsupportedContentType: Code.INVALID_ARGUMENT,
}

STATUS_OF_CODE: dict[Code, int] = {
    Code.CANCELED: 499,
    Code.INVALID_ARGUMENT: 400,
    Code.FAILED_PRECONDITION: 400,
    Code.OUT_OF_RANGE: 400,
    Code.UNAUTHENTICATED: 401,
    Code.PERMISSION_DENIED: 403,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.ABORTED: 409,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.UNIMPLEMENTED: 501,
    Code.UNAVAILABLE: 503,
    Code.DEADLINE_EXCEEDED: 504,
}
"""The HTTP status of a code, as the Connect protocol sets it; 500 for every other code."""

STATUS_OF_REASON = {
    "UNKNOWN_PATH": 404,
    "METHOD_NOT_ALLOWED": 405,
    "PAYLOAD_TOO_LARGE": 413,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "UNSUPPORTED_CONTENT_TYPE": 415,
}
"""Where plain HTTP has a more exact status than the code's."""


LIBRARY_REASONS = {
    Code.RESOURCE_EXHAUSTED: "PAYLOAD_TOO_LARGE",
    Code.INVALID_ARGUMENT: "MALFORMED_REQUEST",
    Code.UNIMPLEMENTED: "MALFORMED_REQUEST",
    Code.DEADLINE_EXCEEDED: "TIMEOUT",
    Code.CANCELED: "CANCELED",
}
"""The reasons of the errors that the RPC library raises while it reads a request."""


class WireError(ConnectError):
    """A ConnectError that carries google.rpc.ErrorInfo first, then BadRequest when fields are to blame."""

    def __init__(self, code: Code, message: str, info: ErrorInfo, violations: Sequence[errors.FieldViolation]) -> None:
        fields = [BadRequest.FieldViolation(field=v.field, description=v.description) for v in violations]
        self.messages: list[Message] = [info, *([BadRequest(field_violations=fields)] if fields else [])]
        self.reason = info.reason
        super().__init__(code, message, [_pack(message) for message in self.messages])

    @property
    def http_status(self) -> int:
        """The status of the error in plain HTTP."""
        return STATUS_OF_REASON.get(self.reason) or STATUS_OF_CODE.get(self.code, 500)

    def to_json(self) -> dict[str, Any]:
        """The error as the Connect protocol writes it, with the details readable under "debug"."""
        details = [
            {
                "type": message.DESCRIPTOR.full_name,
                "value": b64encode(message.SerializeToString()).decode().rstrip("="),
                "debug": MessageToDict(message),
            }
            for message in self.messages
        ]
        return {"code": self.code.value, "message": self.message, "details": details}


def _pack(message: Message) -> WireAny:
    name = message.DESCRIPTOR.full_name
    return WireAny(type_url=f"type.googleapis.com/{name}", value=message.SerializeToString(deterministic=True))


def to_wire(error: Exception) -> WireError:
    """What a client is told about error. The text of an exception that is not ours is only logged, under an id."""
    if isinstance(error, WireError):
        return error
    code = next((CODES[kind] for kind in type(error).__mro__ if kind in CODES), None)
    if isinstance(error, errors.RagsqlError) and code is not None:
        info = ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata)
        return WireError(code, error.message, info, _violations(error))
    if isinstance(error, ConnectError) and (reason := LIBRARY_REASONS.get(error.code)):
        # The library quotes the exception of a decoder or a decompressor.
        quotes = error.code is Code.INVALID_ARGUMENT and error.__cause__ is not None
        message = "The body cannot be decompressed or decoded." if quotes else error.message
        return WireError(error.code, message, ErrorInfo(reason=reason, domain=DOMAIN), ())
    return _internal(error)


def _violations(error: errors.RagsqlError) -> Sequence[errors.FieldViolation]:
    if isinstance(error, errors.InvalidRequest):
        return error.violations
    if field := error.metadata.get("field"):
        return (errors.FieldViolation(field, error.message),)
    return ()


def _internal(error: Exception) -> WireError:
    error_id = secrets.token_hex(8)
    log.error("error %s", error_id, exc_info=error)
    message = f"The service failed. Its log says why under the error id {error_id}."
    info = ErrorInfo(reason="INTERNAL", domain=DOMAIN, metadata={"error_id": error_id})
    return WireError(Code.INTERNAL, message, info, ())
