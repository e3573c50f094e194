"""What the use cases need from the outside, as small Protocols.

The docstrings are the contract; the suites in tests/contract run on every adapter. Every call carries a Caller,
and an adapter keeps tenants apart. Methods are coroutines: an adapter moves blocking work to a thread or a process
itself. Only errors of service.errors leave an adapter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.ports.caches import Cache, CacheCounters
from service.ports.chat import ChatMessage, ChatModel, ChatOptions, ChatReply
from service.ports.checks import Checkable
from service.ports.databases import CannotAnswer, Database, SqlDraft, SqlGenerator, SqlRequest
from service.ports.documents import (
    BlobInfo,
    BlobStore,
    ChunkStore,
    EmbeddedChunk,
    Embedder,
    IndexRebuild,
    Parser,
    PresignedPut,
    StoredChunks,
    VectorIndex,
    VectorStore,
)
from service.ports.reading import Reader, Reading
from service.ports.record_rows import RecordRow, RecordRows
from service.ports.records import (
    AnswerRecords,
    DocumentRecords,
    KnowledgeRecords,
    Page,
    RecordStore,
    StatementRecords,
    UploadRecords,
    UsageRecords,
)

if TYPE_CHECKING:
    from service.ports.documents import Vectors

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
