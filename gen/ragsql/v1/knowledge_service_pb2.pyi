import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from ragsql.v1 import query_service_pb2 as _query_service_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class KnowledgeItem(_message.Message):
    __slots__ = ("name", "ddl", "documentation", "example_query", "create_time")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DDL_FIELD_NUMBER: _ClassVar[int]
    DOCUMENTATION_FIELD_NUMBER: _ClassVar[int]
    EXAMPLE_QUERY_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    ddl: str
    documentation: str
    example_query: ExampleQuery
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., ddl: _Optional[str] = ..., documentation: _Optional[str] = ..., example_query: _Optional[_Union[ExampleQuery, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ExampleQuery(_message.Message):
    __slots__ = ("question", "sql")
    QUESTION_FIELD_NUMBER: _ClassVar[int]
    SQL_FIELD_NUMBER: _ClassVar[int]
    question: str
    sql: str
    def __init__(self, question: _Optional[str] = ..., sql: _Optional[str] = ...) -> None: ...

class CreateKnowledgeItemRequest(_message.Message):
    __slots__ = ("knowledge_item",)
    KNOWLEDGE_ITEM_FIELD_NUMBER: _ClassVar[int]
    knowledge_item: KnowledgeItem
    def __init__(self, knowledge_item: _Optional[_Union[KnowledgeItem, _Mapping]] = ...) -> None: ...

class CreateKnowledgeItemResponse(_message.Message):
    __slots__ = ("knowledge_item", "usage")
    KNOWLEDGE_ITEM_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    knowledge_item: KnowledgeItem
    usage: _query_service_pb2.Usage
    def __init__(self, knowledge_item: _Optional[_Union[KnowledgeItem, _Mapping]] = ..., usage: _Optional[_Union[_query_service_pb2.Usage, _Mapping]] = ...) -> None: ...

class ImportKnowledgeRequest(_message.Message):
    __slots__ = ("knowledge_items",)
    KNOWLEDGE_ITEMS_FIELD_NUMBER: _ClassVar[int]
    knowledge_items: _containers.RepeatedCompositeFieldContainer[KnowledgeItem]
    def __init__(self, knowledge_items: _Optional[_Iterable[_Union[KnowledgeItem, _Mapping]]] = ...) -> None: ...

class ImportKnowledgeResponse(_message.Message):
    __slots__ = ("created_count", "known_count", "usage")
    CREATED_COUNT_FIELD_NUMBER: _ClassVar[int]
    KNOWN_COUNT_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    created_count: int
    known_count: int
    usage: _query_service_pb2.Usage
    def __init__(self, created_count: _Optional[int] = ..., known_count: _Optional[int] = ..., usage: _Optional[_Union[_query_service_pb2.Usage, _Mapping]] = ...) -> None: ...

class ListKnowledgeItemsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListKnowledgeItemsResponse(_message.Message):
    __slots__ = ("knowledge_items", "next_page_token")
    KNOWLEDGE_ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    knowledge_items: _containers.RepeatedCompositeFieldContainer[KnowledgeItem]
    next_page_token: str
    def __init__(self, knowledge_items: _Optional[_Iterable[_Union[KnowledgeItem, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeleteKnowledgeItemRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class DeleteKnowledgeItemResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
