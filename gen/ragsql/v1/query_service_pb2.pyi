from ragsql.v1 import answer_pb2 as _answer_pb2
from ragsql.v1 import sql_statement_pb2 as _sql_statement_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SqlPolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SQL_POLICY_UNSPECIFIED: _ClassVar[SqlPolicy]
    SQL_POLICY_REQUIRE_APPROVAL: _ClassVar[SqlPolicy]
    SQL_POLICY_AUTO_READ_ONLY: _ClassVar[SqlPolicy]

class NoAnswerReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NO_ANSWER_REASON_UNSPECIFIED: _ClassVar[NoAnswerReason]
    NO_ANSWER_REASON_NO_RELEVANT_CONTENT: _ClassVar[NoAnswerReason]
    NO_ANSWER_REASON_AMBIGUOUS_QUESTION: _ClassVar[NoAnswerReason]
    NO_ANSWER_REASON_SQL_NOT_GENERATED: _ClassVar[NoAnswerReason]
SQL_POLICY_UNSPECIFIED: SqlPolicy
SQL_POLICY_REQUIRE_APPROVAL: SqlPolicy
SQL_POLICY_AUTO_READ_ONLY: SqlPolicy
NO_ANSWER_REASON_UNSPECIFIED: NoAnswerReason
NO_ANSWER_REASON_NO_RELEVANT_CONTENT: NoAnswerReason
NO_ANSWER_REASON_AMBIGUOUS_QUESTION: NoAnswerReason
NO_ANSWER_REASON_SQL_NOT_GENERATED: NoAnswerReason

class QueryRequest(_message.Message):
    __slots__ = ("query", "route", "sql_policy", "documents", "top_k", "no_cache")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    ROUTE_FIELD_NUMBER: _ClassVar[int]
    SQL_POLICY_FIELD_NUMBER: _ClassVar[int]
    DOCUMENTS_FIELD_NUMBER: _ClassVar[int]
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    NO_CACHE_FIELD_NUMBER: _ClassVar[int]
    query: str
    route: _answer_pb2.Route
    sql_policy: SqlPolicy
    documents: _containers.RepeatedScalarFieldContainer[str]
    top_k: int
    no_cache: bool
    def __init__(self, query: _Optional[str] = ..., route: _Optional[_Union[_answer_pb2.Route, str]] = ..., sql_policy: _Optional[_Union[SqlPolicy, str]] = ..., documents: _Optional[_Iterable[str]] = ..., top_k: _Optional[int] = ..., no_cache: _Optional[bool] = ...) -> None: ...

class QueryResponse(_message.Message):
    __slots__ = ("routing", "answer", "pending_sql", "no_answer", "usage", "cache_hit")
    ROUTING_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    PENDING_SQL_FIELD_NUMBER: _ClassVar[int]
    NO_ANSWER_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    CACHE_HIT_FIELD_NUMBER: _ClassVar[int]
    routing: _answer_pb2.Routing
    answer: _answer_pb2.Answer
    pending_sql: PendingSql
    no_answer: NoAnswer
    usage: Usage
    cache_hit: bool
    def __init__(self, routing: _Optional[_Union[_answer_pb2.Routing, _Mapping]] = ..., answer: _Optional[_Union[_answer_pb2.Answer, _Mapping]] = ..., pending_sql: _Optional[_Union[PendingSql, _Mapping]] = ..., no_answer: _Optional[_Union[NoAnswer, _Mapping]] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., cache_hit: _Optional[bool] = ...) -> None: ...

class PendingSql(_message.Message):
    __slots__ = ("sql_statement", "answer_so_far")
    SQL_STATEMENT_FIELD_NUMBER: _ClassVar[int]
    ANSWER_SO_FAR_FIELD_NUMBER: _ClassVar[int]
    sql_statement: _sql_statement_pb2.SqlStatement
    answer_so_far: _answer_pb2.Answer
    def __init__(self, sql_statement: _Optional[_Union[_sql_statement_pb2.SqlStatement, _Mapping]] = ..., answer_so_far: _Optional[_Union[_answer_pb2.Answer, _Mapping]] = ...) -> None: ...

class NoAnswer(_message.Message):
    __slots__ = ("reason", "hint")
    REASON_FIELD_NUMBER: _ClassVar[int]
    HINT_FIELD_NUMBER: _ClassVar[int]
    reason: NoAnswerReason
    hint: str
    def __init__(self, reason: _Optional[_Union[NoAnswerReason, str]] = ..., hint: _Optional[str] = ...) -> None: ...

class Usage(_message.Message):
    __slots__ = ("input_tokens", "output_tokens", "embedding_tokens", "cost_usd", "models", "unpriced_models", "price_date")
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_TOKENS_FIELD_NUMBER: _ClassVar[int]
    COST_USD_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    UNPRICED_MODELS_FIELD_NUMBER: _ClassVar[int]
    PRICE_DATE_FIELD_NUMBER: _ClassVar[int]
    input_tokens: int
    output_tokens: int
    embedding_tokens: int
    cost_usd: float
    models: _containers.RepeatedScalarFieldContainer[str]
    unpriced_models: _containers.RepeatedScalarFieldContainer[str]
    price_date: str
    def __init__(self, input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., embedding_tokens: _Optional[int] = ..., cost_usd: _Optional[float] = ..., models: _Optional[_Iterable[str]] = ..., unpriced_models: _Optional[_Iterable[str]] = ..., price_date: _Optional[str] = ...) -> None: ...

class StreamQueryRequest(_message.Message):
    __slots__ = ("request",)
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    request: QueryRequest
    def __init__(self, request: _Optional[_Union[QueryRequest, _Mapping]] = ...) -> None: ...

class StreamQueryResponse(_message.Message):
    __slots__ = ("routing", "citation", "sql_statement", "sql_result", "text_delta", "final")
    ROUTING_FIELD_NUMBER: _ClassVar[int]
    CITATION_FIELD_NUMBER: _ClassVar[int]
    SQL_STATEMENT_FIELD_NUMBER: _ClassVar[int]
    SQL_RESULT_FIELD_NUMBER: _ClassVar[int]
    TEXT_DELTA_FIELD_NUMBER: _ClassVar[int]
    FINAL_FIELD_NUMBER: _ClassVar[int]
    routing: _answer_pb2.Routing
    citation: _answer_pb2.Citation
    sql_statement: _sql_statement_pb2.SqlStatement
    sql_result: _answer_pb2.SqlResult
    text_delta: str
    final: QueryResponse
    def __init__(self, routing: _Optional[_Union[_answer_pb2.Routing, _Mapping]] = ..., citation: _Optional[_Union[_answer_pb2.Citation, _Mapping]] = ..., sql_statement: _Optional[_Union[_sql_statement_pb2.SqlStatement, _Mapping]] = ..., sql_result: _Optional[_Union[_answer_pb2.SqlResult, _Mapping]] = ..., text_delta: _Optional[str] = ..., final: _Optional[_Union[QueryResponse, _Mapping]] = ...) -> None: ...
