"""What the use cases need from the outside, as small Protocols.

The docstrings are the contract; the suites in tests/contract run on every adapter. Every call carries a Caller,
and an adapter keeps tenants apart. Methods are coroutines: an adapter moves blocking work to a thread or a process
itself. Only errors of service.errors leave an adapter.

A name is imported from its module when it is first asked for: who checks the health of a store needs no chat model.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from service.ports.blobs import BlobInfo, BlobStore, PresignedPut
    from service.ports.caches import Cache, CacheCounters
    from service.ports.chat import ChatMessage, ChatModel, ChatOptions, ChatReply
    from service.ports.checks import Checkable
    from service.ports.databases import CannotAnswer, Database, SqlDraft, SqlGenerator, SqlRequest
    from service.ports.documents import (
        ChunkStore,
        EmbeddedChunk,
        Embedder,
        IndexRebuild,
        Parser,
        StoredChunks,
        VectorIndex,
        Vectors,
        VectorStore,
    )
    from service.ports.knowledge_records import KnowledgeRecords
    from service.ports.pages import Page
    from service.ports.reading import Reader, Reading
    from service.ports.record_rows import RecordRow, RecordRows
    from service.ports.records import (
        AnswerRecords,
        DocumentRecords,
        RecordStore,
        StatementRecords,
        UploadRecords,
        UsageRecords,
    )

__all__ = [
    "AnswerRecords",
    "BlobInfo",
    "BlobStore",
    "Cache",
    "CacheCounters",
    "CannotAnswer",
    "ChatMessage",
    "ChatModel",
    "ChatOptions",
    "ChatReply",
    "Checkable",
    "ChunkStore",
    "Database",
    "DocumentRecords",
    "EmbeddedChunk",
    "Embedder",
    "IndexRebuild",
    "KnowledgeRecords",
    "Page",
    "Parser",
    "PresignedPut",
    "Reader",
    "Reading",
    "RecordRow",
    "RecordRows",
    "RecordStore",
    "SqlDraft",
    "SqlGenerator",
    "SqlRequest",
    "StatementRecords",
    "StoredChunks",
    "UploadRecords",
    "UsageRecords",
    "VectorIndex",
    "VectorStore",
    "Vectors",
]

_MODULES = {
    "blobs": "BlobInfo BlobStore PresignedPut",
    "caches": "Cache CacheCounters",
    "chat": "ChatMessage ChatModel ChatOptions ChatReply",
    "checks": "Checkable",
    "databases": "CannotAnswer Database SqlDraft SqlGenerator SqlRequest",
    "documents": "ChunkStore EmbeddedChunk Embedder IndexRebuild Parser StoredChunks VectorIndex VectorStore",
    "reading": "Reader Reading",
    "record_rows": "RecordRow RecordRows",
    "knowledge_records": "KnowledgeRecords",
    "pages": "Page",
    "records": "AnswerRecords DocumentRecords RecordStore StatementRecords UploadRecords UsageRecords",
}


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names.split():
            value = globals()[name] = getattr(import_module(f"{__name__}.{module}"), name)
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
