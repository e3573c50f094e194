import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SqlStatementState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SQL_STATEMENT_STATE_UNSPECIFIED: _ClassVar[SqlStatementState]
    SQL_STATEMENT_STATE_PROPOSED: _ClassVar[SqlStatementState]
    SQL_STATEMENT_STATE_EXECUTED: _ClassVar[SqlStatementState]
    SQL_STATEMENT_STATE_REJECTED: _ClassVar[SqlStatementState]
    SQL_STATEMENT_STATE_FAILED: _ClassVar[SqlStatementState]
    SQL_STATEMENT_STATE_EXECUTING: _ClassVar[SqlStatementState]
SQL_STATEMENT_STATE_UNSPECIFIED: SqlStatementState
SQL_STATEMENT_STATE_PROPOSED: SqlStatementState
SQL_STATEMENT_STATE_EXECUTED: SqlStatementState
SQL_STATEMENT_STATE_REJECTED: SqlStatementState
SQL_STATEMENT_STATE_FAILED: SqlStatementState
SQL_STATEMENT_STATE_EXECUTING: SqlStatementState

class SqlStatement(_message.Message):
    __slots__ = ("name", "question", "sql", "dialect", "explanation", "tables", "etag", "state", "create_time", "expire_time")
    NAME_FIELD_NUMBER: _ClassVar[int]
    QUESTION_FIELD_NUMBER: _ClassVar[int]
    SQL_FIELD_NUMBER: _ClassVar[int]
    DIALECT_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    TABLES_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    question: str
    sql: str
    dialect: str
    explanation: str
    tables: _containers.RepeatedScalarFieldContainer[str]
    etag: str
    state: SqlStatementState
    create_time: _timestamp_pb2.Timestamp
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., question: _Optional[str] = ..., sql: _Optional[str] = ..., dialect: _Optional[str] = ..., explanation: _Optional[str] = ..., tables: _Optional[_Iterable[str]] = ..., etag: _Optional[str] = ..., state: _Optional[_Union[SqlStatementState, str]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
