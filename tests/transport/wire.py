"""Reading what comes over the wire."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

from connectrpc.errors import ConnectError
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo


def error_info(error: dict[str, Any]) -> ErrorInfo:
    """The ErrorInfo of an error in JSON, from its binary value."""
    return ErrorInfo.FromString(_value(error, "google.rpc.ErrorInfo"))


def violated_fields(error: dict[str, Any]) -> list[str]:
    """The fields that an error in JSON blames."""
    if not any(detail["type"] == "google.rpc.BadRequest" for detail in error.get("details", [])):
        return []
    violations = BadRequest.FromString(_value(error, "google.rpc.BadRequest")).field_violations
    assert all(violation.description for violation in violations)
    return [violation.field for violation in violations]


def as_json(error: ConnectError) -> dict[str, Any]:
    """A client's error in the form it had on the wire."""
    details = [
        {"type": detail.type_name, "value": base64.b64encode(detail.message_bytes).decode()} for detail in error.details
    ]
    return {"code": error.code.value, "message": error.message, "details": details}


def envelope(message: bytes) -> bytes:
    """A message of a stream, uncompressed."""
    return struct.pack(">BI", 0, len(message)) + message


def stream_error(body: bytes) -> dict[str, Any]:
    """The error at the end of a Connect stream without messages."""
    flags, size = struct.unpack(">BI", body[:5])
    assert flags == 2
    assert len(body) == 5 + size
    return json.loads(body[5:])["error"]


def _value(error: dict[str, Any], kind: str) -> bytes:
    value = next(detail["value"] for detail in error["details"] if detail["type"] == kind)
    return base64.b64decode(value + "=" * (-len(value) % 4))
