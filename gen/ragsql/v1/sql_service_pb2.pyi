import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from ragsql.v1 import answer_pb2 as _answer_pb2
from ragsql.v1 import query_service_pb2 as _query_service_pb2
from ragsql.v1 import sql_statement_pb2 as _sql_statement_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AuditAction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AUDIT_ACTION_UNSPECIFIED: _ClassVar[AuditAction]
    AUDIT_ACTION_GENERATED: _ClassVar[AuditAction]
    AUDIT_ACTION_APPROVED: _ClassVar[AuditAction]
    AUDIT_ACTION_REJECTED: _ClassVar[AuditAction]
    AUDIT_ACTION_EXECUTED: _ClassVar[AuditAction]
    AUDIT_ACTION_FAILED: _ClassVar[AuditAction]
    AUDIT_ACTION_INTERRUPTED: _ClassVar[AuditAction]

class SqlApprover(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SQL_APPROVER_UNSPECIFIED: _ClassVar[SqlApprover]
    SQL_APPROVER_POLICY: _ClassVar[SqlApprover]
    SQL_APPROVER_PERSON: _ClassVar[SqlApprover]
AUDIT_ACTION_UNSPECIFIED: AuditAction
AUDIT_ACTION_GENERATED: AuditAction
AUDIT_ACTION_APPROVED: AuditAction
AUDIT_ACTION_REJECTED: AuditAction
AUDIT_ACTION_EXECUTED: AuditAction
AUDIT_ACTION_FAILED: AuditAction
AUDIT_ACTION_INTERRUPTED: AuditAction
SQL_APPROVER_UNSPECIFIED: SqlApprover
SQL_APPROVER_POLICY: SqlApprover
SQL_APPROVER_PERSON: SqlApprover

class GenerateSqlRequest(_message.Message):
    __slots__ = ("question",)
    QUESTION_FIELD_NUMBER: _ClassVar[int]
    question: str
    def __init__(self, question: _Optional[str] = ...) -> None: ...

class GenerateSqlResponse(_message.Message):
    __slots__ = ("sql_statement", "usage")
    SQL_STATEMENT_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    sql_statement: _sql_statement_pb2.SqlStatement
    usage: _query_service_pb2.Usage
    def __init__(self, sql_statement: _Optional[_Union[_sql_statement_pb2.SqlStatement, _Mapping]] = ..., usage: _Optional[_Union[_query_service_pb2.Usage, _Mapping]] = ...) -> None: ...

class GetSqlStatementRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetSqlStatementResponse(_message.Message):
    __slots__ = ("sql_statement",)
    SQL_STATEMENT_FIELD_NUMBER: _ClassVar[int]
    sql_statement: _sql_statement_pb2.SqlStatement
    def __init__(self, sql_statement: _Optional[_Union[_sql_statement_pb2.SqlStatement, _Mapping]] = ...) -> None: ...

class ExecuteSqlRequest(_message.Message):
    __slots__ = ("name", "etag", "max_rows")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    MAX_ROWS_FIELD_NUMBER: _ClassVar[int]
    name: str
    etag: str
    max_rows: int
    def __init__(self, name: _Optional[str] = ..., etag: _Optional[str] = ..., max_rows: _Optional[int] = ...) -> None: ...

class ExecuteSqlResponse(_message.Message):
    __slots__ = ("sql_result", "answer", "usage")
    SQL_RESULT_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    sql_result: _answer_pb2.SqlResult
    answer: _answer_pb2.Answer
    usage: _query_service_pb2.Usage
    def __init__(self, sql_result: _Optional[_Union[_answer_pb2.SqlResult, _Mapping]] = ..., answer: _Optional[_Union[_answer_pb2.Answer, _Mapping]] = ..., usage: _Optional[_Union[_query_service_pb2.Usage, _Mapping]] = ...) -> None: ...

class RejectSqlRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class RejectSqlResponse(_message.Message):
    __slots__ = ("sql_statement",)
    SQL_STATEMENT_FIELD_NUMBER: _ClassVar[int]
    sql_statement: _sql_statement_pb2.SqlStatement
    def __init__(self, sql_statement: _Optional[_Union[_sql_statement_pb2.SqlStatement, _Mapping]] = ...) -> None: ...

class ListSqlStatementsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListSqlStatementsResponse(_message.Message):
    __slots__ = ("sql_statements", "next_page_token")
    SQL_STATEMENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    sql_statements: _containers.RepeatedCompositeFieldContainer[_sql_statement_pb2.SqlStatement]
    next_page_token: str
    def __init__(self, sql_statements: _Optional[_Iterable[_Union[_sql_statement_pb2.SqlStatement, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListAuditEventsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListAuditEventsResponse(_message.Message):
    __slots__ = ("audit_events", "next_page_token")
    AUDIT_EVENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    audit_events: _containers.RepeatedCompositeFieldContainer[AuditEvent]
    next_page_token: str
    def __init__(self, audit_events: _Optional[_Iterable[_Union[AuditEvent, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class AuditEvent(_message.Message):
    __slots__ = ("name", "create_time", "principal", "action", "sql_statement", "etag", "sql", "approver", "row_count", "cache_hit", "duration_seconds", "detail")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    SQL_STATEMENT_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SQL_FIELD_NUMBER: _ClassVar[int]
    APPROVER_FIELD_NUMBER: _ClassVar[int]
    ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    CACHE_HIT_FIELD_NUMBER: _ClassVar[int]
    DURATION_SECONDS_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    name: str
    create_time: _timestamp_pb2.Timestamp
    principal: str
    action: AuditAction
    sql_statement: str
    etag: str
    sql: str
    approver: SqlApprover
    row_count: int
    cache_hit: bool
    duration_seconds: float
    detail: str
    def __init__(self, name: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., principal: _Optional[str] = ..., action: _Optional[_Union[AuditAction, str]] = ..., sql_statement: _Optional[str] = ..., etag: _Optional[str] = ..., sql: _Optional[str] = ..., approver: _Optional[_Union[SqlApprover, str]] = ..., row_count: _Optional[int] = ..., cache_hit: _Optional[bool] = ..., duration_seconds: _Optional[float] = ..., detail: _Optional[str] = ...) -> None: ...
