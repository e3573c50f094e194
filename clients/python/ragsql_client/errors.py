"""The one error that a call raises, decoded from the wire."""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import dataclass
from typing import Any

from connectrpc.code import Code
from connectrpc.errors import ConnectError
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """A request field and what is wrong with it."""

    field: str
    description: str


class RagsqlError(ConnectError):
    """A call failed. str() is a sentence for a person.

    code is the Connect code; reason the machine-readable cause, for example "NOT_FOUND", empty when the failure
    did not come from ragsql; metadata what belongs to the reason; field_violations the fields that were refused.
    """

    def __init__(
        self,
        code: Code,
        message: str,
        *,
        reason: str = "",
        metadata: dict[str, str] | None = None,
        field_violations: tuple[FieldViolation, ...] = (),
    ) -> None:
        super().__init__(code, message)
        self.reason = reason
        self.metadata = metadata or {}
        self.field_violations = field_violations

    @property
    def is_unreachable(self) -> bool:
        """Whether no ragsql server answered at all."""
        return self.code is Code.UNAVAILABLE and not self.reason


def decode(error: ConnectError) -> RagsqlError:
    """The typed form of an error of the transport."""
    if isinstance(error, RagsqlError):
        return error
    reason, metadata, violations = "", dict[str, str](), list[FieldViolation]()
    for detail in error.details:
        if detail.type_name == "google.rpc.ErrorInfo":
            info = _ERROR_INFO.FromString(detail.message_bytes)
            reason, metadata = info.reason, dict(info.metadata)
        elif detail.type_name == "google.rpc.BadRequest":
            request = _BAD_REQUEST.FromString(detail.message_bytes)
            violations += [FieldViolation(v.field, v.description) for v in request.field_violations]
    return RagsqlError(error.code, error.message, reason=reason, metadata=metadata, field_violations=tuple(violations))


def decode_http(status: int, body: bytes) -> RagsqlError:
    """The typed form of a refused PUT, of a ragsql server or of the store that it sent the client to."""
    try:
        error = json.loads(body)
        code, message, details = Code(error["code"]), str(error["message"]), error.get("details", [])
        packed = next(detail["value"] for detail in details if detail["type"] == "google.rpc.ErrorInfo")
        info = _ERROR_INFO.FromString(b64decode(packed + "=" * (-len(packed) % 4)))
    except (ValueError, LookupError, TypeError, AttributeError, StopIteration, DecodeError):
        return _of_store(status, body)
    return RagsqlError(code, message, reason=info.reason, metadata=dict(info.metadata))


def _of_store(status: int, body: bytes) -> RagsqlError:
    """What the HTTP status of a store means, and the error codes that S3 has for a body that does not fit."""
    if status == 403:
        said = (
            "The store refused the URL of the upload (HTTP 403): it has expired or was changed. Upload the file again."
        )
        return RagsqlError(Code.PERMISSION_DENIED, said, reason="UPLOAD_URL_INVALID")
    if b"BadDigest" in body or b"ChecksumMismatch" in body or b"IncompleteBody" in body:
        said = "Other bytes arrived than were announced. Upload the file again."
        return RagsqlError(Code.FAILED_PRECONDITION, said, reason="CONTENT_MISMATCH")
    if status == 429 or status >= 500:
        said = f"The store cannot take the file now (HTTP {status}). Upload it again later."
        return RagsqlError(Code.UNAVAILABLE, said, reason="UPSTREAM_UNAVAILABLE")
    said = f"The store refused the file (HTTP {status}). Whoever runs the server must look at its store."
    return RagsqlError(Code.UNKNOWN, said)


def _detail_classes() -> tuple[Any, Any]:
    """ErrorInfo and BadRequest of google.rpc, in a pool of their own so that nobody else's copy collides."""
    string, message = descriptor_pb2.FieldDescriptorProto.TYPE_STRING, descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE
    repeated = descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED
    file = descriptor_pb2.FileDescriptorProto(name="ragsql_client/details.proto", package="google.rpc", syntax="proto3")

    info = file.message_type.add(name="ErrorInfo")
    info.field.add(name="reason", number=1, type=string)
    info.field.add(name="domain", number=2, type=string)
    entry = ".google.rpc.ErrorInfo.MetadataEntry"
    info.field.add(name="metadata", number=3, type=message, label=repeated, type_name=entry)
    pair = info.nested_type.add(name="MetadataEntry", options=descriptor_pb2.MessageOptions(map_entry=True))
    pair.field.add(name="key", number=1, type=string)
    pair.field.add(name="value", number=2, type=string)

    request = file.message_type.add(name="BadRequest")
    kind = ".google.rpc.BadRequest.FieldViolation"
    request.field.add(name="field_violations", number=1, type=message, label=repeated, type_name=kind)
    violation = request.nested_type.add(name="FieldViolation")
    violation.field.add(name="field", number=1, type=string)
    violation.field.add(name="description", number=2, type=string)

    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    find = pool.FindMessageTypeByName
    get = message_factory.GetMessageClass
    return get(find("google.rpc.ErrorInfo")), get(find("google.rpc.BadRequest"))


_ERROR_INFO, _BAD_REQUEST = _detail_classes()
