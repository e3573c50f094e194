import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from ragsql.v1 import error_reason_pb2 as _error_reason_pb2
from ragsql.v1 import query_service_pb2 as _query_service_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class IngestPhase(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INGEST_PHASE_UNSPECIFIED: _ClassVar[IngestPhase]
    INGEST_PHASE_PARSING: _ClassVar[IngestPhase]
    INGEST_PHASE_EMBEDDING: _ClassVar[IngestPhase]
    INGEST_PHASE_INDEXING: _ClassVar[IngestPhase]

class DocumentState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DOCUMENT_STATE_UNSPECIFIED: _ClassVar[DocumentState]
    DOCUMENT_STATE_PENDING: _ClassVar[DocumentState]
    DOCUMENT_STATE_PROCESSING: _ClassVar[DocumentState]
    DOCUMENT_STATE_ACTIVE: _ClassVar[DocumentState]
    DOCUMENT_STATE_FAILED: _ClassVar[DocumentState]
INGEST_PHASE_UNSPECIFIED: IngestPhase
INGEST_PHASE_PARSING: IngestPhase
INGEST_PHASE_EMBEDDING: IngestPhase
INGEST_PHASE_INDEXING: IngestPhase
DOCUMENT_STATE_UNSPECIFIED: DocumentState
DOCUMENT_STATE_PENDING: DocumentState
DOCUMENT_STATE_PROCESSING: DocumentState
DOCUMENT_STATE_ACTIVE: DocumentState
DOCUMENT_STATE_FAILED: DocumentState

class Document(_message.Message):
    __slots__ = ("name", "filename", "media_type", "size_bytes", "sha256", "page_count", "chunk_count", "state", "failure_reason", "create_time", "update_time", "parser", "progress", "error_reason", "usage")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FILENAME_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    PAGE_COUNT_FIELD_NUMBER: _ClassVar[int]
    CHUNK_COUNT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    FAILURE_REASON_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    PARSER_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_REASON_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    name: str
    filename: str
    media_type: str
    size_bytes: int
    sha256: str
    page_count: int
    chunk_count: int
    state: DocumentState
    failure_reason: str
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    parser: str
    progress: IngestProgress
    error_reason: _error_reason_pb2.ErrorReason
    usage: _query_service_pb2.Usage
    def __init__(self, name: _Optional[str] = ..., filename: _Optional[str] = ..., media_type: _Optional[str] = ..., size_bytes: _Optional[int] = ..., sha256: _Optional[str] = ..., page_count: _Optional[int] = ..., chunk_count: _Optional[int] = ..., state: _Optional[_Union[DocumentState, str]] = ..., failure_reason: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., parser: _Optional[str] = ..., progress: _Optional[_Union[IngestProgress, _Mapping]] = ..., error_reason: _Optional[_Union[_error_reason_pb2.ErrorReason, str]] = ..., usage: _Optional[_Union[_query_service_pb2.Usage, _Mapping]] = ...) -> None: ...

class IngestProgress(_message.Message):
    __slots__ = ("phase", "done", "total")
    PHASE_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    phase: IngestPhase
    done: int
    total: int
    def __init__(self, phase: _Optional[_Union[IngestPhase, str]] = ..., done: _Optional[int] = ..., total: _Optional[int] = ...) -> None: ...
