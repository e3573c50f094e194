import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from ragsql.v1 import sql_statement_pb2 as _sql_statement_pb2
from ragsql.v1 import table_pb2 as _table_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Route(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROUTE_UNSPECIFIED: _ClassVar[Route]
    ROUTE_DOCUMENTS: _ClassVar[Route]
    ROUTE_SQL: _ClassVar[Route]
    ROUTE_HYBRID: _ClassVar[Route]
ROUTE_UNSPECIFIED: Route
ROUTE_DOCUMENTS: Route
ROUTE_SQL: Route
ROUTE_HYBRID: Route

class Answer(_message.Message):
    __slots__ = ("name", "text", "citations", "sql_results", "create_time")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    CITATIONS_FIELD_NUMBER: _ClassVar[int]
    SQL_RESULTS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    text: str
    citations: _containers.RepeatedCompositeFieldContainer[Citation]
    sql_results: _containers.RepeatedCompositeFieldContainer[SqlResult]
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., text: _Optional[str] = ..., citations: _Optional[_Iterable[_Union[Citation, _Mapping]]] = ..., sql_results: _Optional[_Iterable[_Union[SqlResult, _Mapping]]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Routing(_message.Message):
    __slots__ = ("route", "confidence", "reason")
    ROUTE_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    route: Route
    confidence: float
    reason: str
    def __init__(self, route: _Optional[_Union[Route, str]] = ..., confidence: _Optional[float] = ..., reason: _Optional[str] = ...) -> None: ...

class Citation(_message.Message):
    __slots__ = ("document", "filename", "headings", "first_page", "last_page", "boxes", "source_span", "answer_spans", "quote", "score")
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    FILENAME_FIELD_NUMBER: _ClassVar[int]
    HEADINGS_FIELD_NUMBER: _ClassVar[int]
    FIRST_PAGE_FIELD_NUMBER: _ClassVar[int]
    LAST_PAGE_FIELD_NUMBER: _ClassVar[int]
    BOXES_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SPAN_FIELD_NUMBER: _ClassVar[int]
    ANSWER_SPANS_FIELD_NUMBER: _ClassVar[int]
    QUOTE_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    document: str
    filename: str
    headings: _containers.RepeatedScalarFieldContainer[str]
    first_page: int
    last_page: int
    boxes: _containers.RepeatedCompositeFieldContainer[PageBox]
    source_span: Span
    answer_spans: _containers.RepeatedCompositeFieldContainer[Span]
    quote: str
    score: float
    def __init__(self, document: _Optional[str] = ..., filename: _Optional[str] = ..., headings: _Optional[_Iterable[str]] = ..., first_page: _Optional[int] = ..., last_page: _Optional[int] = ..., boxes: _Optional[_Iterable[_Union[PageBox, _Mapping]]] = ..., source_span: _Optional[_Union[Span, _Mapping]] = ..., answer_spans: _Optional[_Iterable[_Union[Span, _Mapping]]] = ..., quote: _Optional[str] = ..., score: _Optional[float] = ...) -> None: ...

class Span(_message.Message):
    __slots__ = ("start", "end")
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    start: int
    end: int
    def __init__(self, start: _Optional[int] = ..., end: _Optional[int] = ...) -> None: ...

class PageBox(_message.Message):
    __slots__ = ("page", "left", "top", "right", "bottom")
    PAGE_FIELD_NUMBER: _ClassVar[int]
    LEFT_FIELD_NUMBER: _ClassVar[int]
    TOP_FIELD_NUMBER: _ClassVar[int]
    RIGHT_FIELD_NUMBER: _ClassVar[int]
    BOTTOM_FIELD_NUMBER: _ClassVar[int]
    page: int
    left: float
    top: float
    right: float
    bottom: float
    def __init__(self, page: _Optional[int] = ..., left: _Optional[float] = ..., top: _Optional[float] = ..., right: _Optional[float] = ..., bottom: _Optional[float] = ...) -> None: ...

class SqlResult(_message.Message):
    __slots__ = ("statement", "table", "execute_time", "cache_hit")
    STATEMENT_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    EXECUTE_TIME_FIELD_NUMBER: _ClassVar[int]
    CACHE_HIT_FIELD_NUMBER: _ClassVar[int]
    statement: _sql_statement_pb2.SqlStatement
    table: _table_pb2.Table
    execute_time: _timestamp_pb2.Timestamp
    cache_hit: bool
    def __init__(self, statement: _Optional[_Union[_sql_statement_pb2.SqlStatement, _Mapping]] = ..., table: _Optional[_Union[_table_pb2.Table, _Mapping]] = ..., execute_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., cache_hit: _Optional[bool] = ...) -> None: ...
