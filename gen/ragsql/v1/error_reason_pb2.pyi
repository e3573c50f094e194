from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor

class ErrorReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ERROR_REASON_UNSPECIFIED: _ClassVar[ErrorReason]
    ERROR_REASON_UNSUPPORTED_MEDIA_TYPE: _ClassVar[ErrorReason]
    ERROR_REASON_SQL_NOT_READ_ONLY: _ClassVar[ErrorReason]
    ERROR_REASON_SQL_ETAG_MISMATCH: _ClassVar[ErrorReason]
    ERROR_REASON_SQL_TIMEOUT: _ClassVar[ErrorReason]
    ERROR_REASON_UPSTREAM_UNAVAILABLE: _ClassVar[ErrorReason]
    ERROR_REASON_INVALID_FIELD: _ClassVar[ErrorReason]
    ERROR_REASON_MALFORMED_REQUEST: _ClassVar[ErrorReason]
    ERROR_REASON_UNREADABLE_DOCUMENT: _ClassVar[ErrorReason]
    ERROR_REASON_PAYLOAD_TOO_LARGE: _ClassVar[ErrorReason]
    ERROR_REASON_NOT_FOUND: _ClassVar[ErrorReason]
    ERROR_REASON_SQL_NOT_GENERATED: _ClassVar[ErrorReason]
    ERROR_REASON_SQL_STATE_CONFLICT: _ClassVar[ErrorReason]
    ERROR_REASON_SQL_EXECUTION_FAILED: _ClassVar[ErrorReason]
    ERROR_REASON_NOT_CONFIGURED: _ClassVar[ErrorReason]
    ERROR_REASON_OVERLOADED: _ClassVar[ErrorReason]
    ERROR_REASON_UNKNOWN_PATH: _ClassVar[ErrorReason]
    ERROR_REASON_METHOD_NOT_ALLOWED: _ClassVar[ErrorReason]
    ERROR_REASON_UNSUPPORTED_CONTENT_TYPE: _ClassVar[ErrorReason]
    ERROR_REASON_INTERNAL: _ClassVar[ErrorReason]
ERROR_REASON_UNSPECIFIED: ErrorReason
ERROR_REASON_UNSUPPORTED_MEDIA_TYPE: ErrorReason
ERROR_REASON_SQL_NOT_READ_ONLY: ErrorReason
ERROR_REASON_SQL_ETAG_MISMATCH: ErrorReason
ERROR_REASON_SQL_TIMEOUT: ErrorReason
ERROR_REASON_UPSTREAM_UNAVAILABLE: ErrorReason
ERROR_REASON_INVALID_FIELD: ErrorReason
ERROR_REASON_MALFORMED_REQUEST: ErrorReason
ERROR_REASON_UNREADABLE_DOCUMENT: ErrorReason
ERROR_REASON_PAYLOAD_TOO_LARGE: ErrorReason
ERROR_REASON_NOT_FOUND: ErrorReason
ERROR_REASON_SQL_NOT_GENERATED: ErrorReason
ERROR_REASON_SQL_STATE_CONFLICT: ErrorReason
ERROR_REASON_SQL_EXECUTION_FAILED: ErrorReason
ERROR_REASON_NOT_CONFIGURED: ErrorReason
ERROR_REASON_OVERLOADED: ErrorReason
ERROR_REASON_UNKNOWN_PATH: ErrorReason
ERROR_REASON_METHOD_NOT_ALLOWED: ErrorReason
ERROR_REASON_UNSUPPORTED_CONTENT_TYPE: ErrorReason
ERROR_REASON_INTERNAL: ErrorReason
