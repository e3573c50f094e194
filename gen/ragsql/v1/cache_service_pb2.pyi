from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CacheKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CACHE_KIND_UNSPECIFIED: _ClassVar[CacheKind]
    CACHE_KIND_DOCUMENT: _ClassVar[CacheKind]
    CACHE_KIND_EMBEDDING: _ClassVar[CacheKind]
    CACHE_KIND_ANSWER: _ClassVar[CacheKind]
    CACHE_KIND_SQL: _ClassVar[CacheKind]
    CACHE_KIND_SQL_RESULT: _ClassVar[CacheKind]
CACHE_KIND_UNSPECIFIED: CacheKind
CACHE_KIND_DOCUMENT: CacheKind
CACHE_KIND_EMBEDDING: CacheKind
CACHE_KIND_ANSWER: CacheKind
CACHE_KIND_SQL: CacheKind
CACHE_KIND_SQL_RESULT: CacheKind

class GetCacheStatsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetCacheStatsResponse(_message.Message):
    __slots__ = ("caches",)
    CACHES_FIELD_NUMBER: _ClassVar[int]
    caches: _containers.RepeatedCompositeFieldContainer[CacheStats]
    def __init__(self, caches: _Optional[_Iterable[_Union[CacheStats, _Mapping]]] = ...) -> None: ...

class CacheStats(_message.Message):
    __slots__ = ("kind", "hits", "misses", "saved_usd", "saved_input_tokens", "saved_output_tokens", "saved_embedding_tokens")
    KIND_FIELD_NUMBER: _ClassVar[int]
    HITS_FIELD_NUMBER: _ClassVar[int]
    MISSES_FIELD_NUMBER: _ClassVar[int]
    SAVED_USD_FIELD_NUMBER: _ClassVar[int]
    SAVED_INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    SAVED_OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    SAVED_EMBEDDING_TOKENS_FIELD_NUMBER: _ClassVar[int]
    kind: CacheKind
    hits: int
    misses: int
    saved_usd: float
    saved_input_tokens: int
    saved_output_tokens: int
    saved_embedding_tokens: int
    def __init__(self, kind: _Optional[_Union[CacheKind, str]] = ..., hits: _Optional[int] = ..., misses: _Optional[int] = ..., saved_usd: _Optional[float] = ..., saved_input_tokens: _Optional[int] = ..., saved_output_tokens: _Optional[int] = ..., saved_embedding_tokens: _Optional[int] = ...) -> None: ...

class ClearCacheRequest(_message.Message):
    __slots__ = ("kind",)
    KIND_FIELD_NUMBER: _ClassVar[int]
    kind: CacheKind
    def __init__(self, kind: _Optional[_Union[CacheKind, str]] = ...) -> None: ...

class ClearCacheResponse(_message.Message):
    __slots__ = ("removed_count",)
    REMOVED_COUNT_FIELD_NUMBER: _ClassVar[int]
    removed_count: int
    def __init__(self, removed_count: _Optional[int] = ...) -> None: ...
