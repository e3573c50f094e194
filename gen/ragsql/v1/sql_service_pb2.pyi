from ragsql.v1 import answer_pb2 as _answer_pb2
from ragsql.v1 import query_service_pb2 as _query_service_pb2
from ragsql.v1 import sql_statement_pb2 as _sql_statement_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

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
    __slots__ = ("sql_result",)
    SQL_RESULT_FIELD_NUMBER: _ClassVar[int]
    sql_result: _answer_pb2.SqlResult
    def __init__(self, sql_result: _Optional[_Union[_answer_pb2.SqlResult, _Mapping]] = ...) -> None: ...

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
