"""What the use cases need from the outside, as small Protocols.

The docstrings are the contract; the suites in tests/contract run on every adapter. Every call carries a Caller,
and an adapter keeps tenants apart. Methods are coroutines: an adapter moves blocking work to a thread or a process
itself. Only errors of service.errors leave an adapter.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Literal, Protocol, TypeVar

from service.domain.caller import Caller
from service.domain.documents import Chunk, Document, DocumentState, ParsedDocument, Passage
from service.domain.health import ComponentHealth
from service.domain.questions import Usage
from service.domain.sql import ExecutionLimits, KnowledgeItem, Schema, SqlStatement, StatementState, ValueMatch
from service.domain.tables import Table

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Vectors = npt.NDArray[np.float32]


T = TypeVar("T")


class Checkable(Protocol):
    """An adapter whose health can be asked."""

    async def check(self) -> ComponentHealth:
        """Ask cheaply whether the backend answers. Never raises."""
        ...


class BlobStore(Checkable, Protocol):
    """Bytes by key. Keys are ASCII, at most 512 characters, segments separated by "/"."""

    async def put(self, caller: Caller, key: str, content: bytes) -> None:
        """Store durably and atomically: a reader sees the old bytes or the new. Overwrites."""
        ...

    async def get(self, caller: Caller, key: str) -> bytes:
        """Raises NotFound."""
        ...

    async def delete(self, caller: Caller, key: str) -> None:
        """Delete if it is there."""
        ...


class Parser(Protocol):
    """Files to blocks. version changes whenever the same file could give other blocks."""

    version: str

    def detect(self, content: bytes, filename: str) -> str:
        """The media type, by content; the name decides only between kinds of text. Raises UnsupportedMediaType."""
        ...

    async def parse(self, caller: Caller, content: bytes, media_type: str, filename: str) -> ParsedDocument:
        """Parse in a process that can be killed; the event loop never waits.

        Raises UnsupportedMediaType, and UnreadableDocument when nothing can be extracted or a limit is passed.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddedChunk:
    """A chunk with its unit-length vector, shape (dimension,), and one a unit, shape (len(chunk.units), dimension)."""

    chunk: Chunk
    vector: Vectors
    unit_vectors: Vectors


class Embedder(Checkable, Protocol):
    """Texts to unit-length vectors. model and dimension are part of every key that depends on them.

    max_tokens is what the model sees of one text; anything beyond would not be found.
    """

    model: str
    dimension: int
    max_tokens: int

    def count_tokens(self, text: str) -> int:
        """The number of the model's tokens in text, special tokens excluded."""
        ...

    async def embed_chunks(self, caller: Caller, chunks: Sequence[Chunk]) -> list[EmbeddedChunk]:
        """One result a chunk, in order. Headings are part of what is embedded. Raises UpstreamUnavailable."""
        ...

    async def embed_query(self, caller: Caller, text: str) -> Vectors:
        """A vector of shape (dimension,). Raises UpstreamUnavailable."""
        ...


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """How to sample. grammar is GBNF, used only by models whose supports_grammar is true."""

    max_tokens: int = 512
    temperature: float = 0.0
    timeout_seconds: float = 60.0
    grammar: str = ""


@dataclass(frozen=True, slots=True)
class ChatReply:
    """A whole reply. cut says that max_tokens ended it."""

    text: str
    usage: Usage
    cut: bool = False


class ChatModel(Checkable, Protocol):
    """A language model that chats. model names it in Usage."""

    model: str
    supports_grammar: bool

    async def complete(
        self, caller: Caller, messages: Sequence[ChatMessage], options: ChatOptions | None = None
    ) -> ChatReply:
        """One reply. Raises NotConfigured when no model is installed, UpstreamUnavailable when it fails."""
        ...

    def stream(
        self, caller: Caller, messages: Sequence[ChatMessage], options: ChatOptions | None = None
    ) -> AsyncIterator[str | ChatReply]:
        """Text as it is written, then the whole reply. Closing the iterator stops the model."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Hit:
    """A retrieved passage with the vectors of its units, shape (len(passage.chunk.units), dimension)."""

    passage: Passage
    unit_vectors: Vectors


class VectorStore(Checkable, Protocol):
    """Chunks, found by words and by meaning."""

    async def replace(
        self, caller: Caller, document: Document, chunks: Sequence[EmbeddedChunk], replaces: Sequence[str] = ()
    ) -> None:
        """Make the chunks of document searchable and those of the documents in replaces not, in one step."""
        ...

    async def delete(self, caller: Caller, document_id: str) -> None:
        """Forget a document. The next search does not find it."""
        ...

    async def search(
        self, caller: Caller, query: str, vector: Vectors, limit: int, documents: Sequence[str] = ()
    ) -> list[Hit]:
        """The best chunks, best first, lexical and dense scores fused; of these documents only, or of all if empty.

        Passage.score is the fused score 0 to 1, dense_score the cosine, lexical_score the BM25 (0 when no word fits).
        """
        ...

    async def count(self, caller: Caller) -> int:
        """The number of searchable chunks."""
        ...

    async def epoch(self, caller: Caller) -> str:
        """Changes whenever what search may return for this tenant changes."""
        ...


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a listing. next_token is empty on the last."""

    items: tuple[T, ...]
    next_token: str = ""


class DocumentRecords(Protocol):
    """Documents, newest first."""

    async def save_document(self, caller: Caller, document: Document, replaces: Sequence[str] = ()) -> None:
        """Insert or update by id, and remove the documents in replaces, in one transaction."""
        ...

    async def get_document(self, caller: Caller, document_id: str) -> Document:
        """Raises NotFound."""
        ...

    async def find_documents(self, caller: Caller, *, filename: str = "", sha256: str = "") -> list[Document]:
        """Those that match every given property, newest first."""
        ...

    async def list_documents(
        self, caller: Caller, size: int, token: str, states: Sequence[DocumentState] = ()
    ) -> Page[Document]:
        """A page, stable while documents come and go. Raises InvalidRequest for a token that is not ours."""
        ...

    async def delete_document(self, caller: Caller, document_id: str) -> None:
        """Raises NotFound."""
        ...

    async def count_documents(self, caller: Caller) -> int:
        """Those that are ACTIVE."""
        ...


class StatementRecords(Protocol):
    """Generated statements. Each belongs to the tenant and principal that asked."""

    async def save_statement(self, caller: Caller, statement: SqlStatement) -> None:
        """Insert."""
        ...

    async def get_statement(self, caller: Caller, statement_id: str) -> SqlStatement:
        """Raises NotFound, also for another principal's."""
        ...

    async def move_statement(self, caller: Caller, statement_id: str, old: StatementState, new: StatementState) -> bool:
        """Change the state if it is old, atomically. False when it was not."""
        ...

    async def list_statements(self, caller: Caller, size: int, token: str) -> Page[SqlStatement]:
        """The caller's PROPOSED ones that have not expired, newest first."""
        ...


class KnowledgeRecords(Protocol):
    """What people taught the SQL generator, newest first."""

    async def save_item(self, caller: Caller, item: KnowledgeItem) -> None:
        """Insert."""
        ...

    async def list_items(self, caller: Caller, size: int, token: str) -> Page[KnowledgeItem]:
        """A page."""
        ...

    async def delete_item(self, caller: Caller, item_id: str) -> None:
        """Raises NotFound."""
        ...

    async def count_items(self, caller: Caller) -> int:
        """All of the tenant's."""
        ...


class AnswerRecords(Protocol):
    """Which answers were given, and what people thought of them."""

    async def save_answer(self, caller: Caller, answer_id: str, question: str) -> None:
        """Insert."""
        ...

    async def save_feedback(self, caller: Caller, answer_id: str, rating: str, comment: str, corrected_sql: str) -> str:
        """Insert and return the feedback's id. Raises NotFound when there is no such answer."""
        ...


class RecordStore(DocumentRecords, StatementRecords, KnowledgeRecords, AnswerRecords, Checkable, Protocol):
    """Everything that is kept as rows."""


class Database(Checkable, Protocol):
    """The user's database, read only."""

    dialect: Literal["sqlite", "postgresql"]

    async def schema(self, caller: Caller) -> Schema:
        """What the role may read, cached for a short while. Raises UpstreamUnavailable."""
        ...

    async def is_read_only(self, caller: Caller) -> bool:
        """Whether it is proven that this connection cannot write."""
        ...

    async def find_values(self, caller: Caller, words: Sequence[str]) -> list[ValueMatch]:
        """Stored texts that occur in words, which are a question's words in order; longest first, at most 20.

        Case and accents do not matter. A full name is also found by one of its parts when few values have it.
        Secret and contact columns are never searched. Raises UpstreamUnavailable.
        """
        ...

    async def explain(self, caller: Caller, sql: str) -> None:
        """Plan without running. Raises SqlExecutionFailed with the database's own words."""
        ...

    async def execute(self, caller: Caller, sql: str, limits: ExecutionLimits) -> Table:
        """Run a guarded statement in a read-only transaction that is always rolled back.

        Raises SqlTimeout, SqlExecutionFailed with the database's own words, UpstreamUnavailable.
        """
        ...


@dataclass(frozen=True, slots=True)
class SqlRequest:
    """What a statement is to be written for. rule is a sentence of a document that decides what to select, or empty."""

    question: str
    schema: Schema
    knowledge: tuple[KnowledgeItem, ...] = ()
    rule: str = ""


@dataclass(frozen=True, slots=True)
class SqlDraft:
    """A statement that passed the guard. Nothing has run. confidence is 0 to 1."""

    sql: str
    tables: tuple[str, ...]
    explanation: str
    usage: Usage
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class CannotAnswer:
    """The generator declined, with the reason for a person."""

    reason: str
    usage: Usage


class SqlGenerator(Protocol):
    """Questions to guarded SQL."""

    async def generate(self, caller: Caller, request: SqlRequest) -> SqlDraft | CannotAnswer:
        """Write, guard, and repair at most twice. Executes nothing.

        Raises NotConfigured when there is no chat model, UpstreamUnavailable when it fails.
        """
        ...

    async def warm(self, caller: Caller, schema: Schema) -> None:
        """Do now what the first question over this schema would have to wait for. Raises like generate."""
        ...


@dataclass(frozen=True, slots=True)
class CacheCounters:
    """Lookups of one kind of entry since the process began, and the dollars that its hits saved."""

    hits: int = 0
    misses: int = 0
    saved_usd: float = 0.0


class Cache(Checkable, Protocol):
    """Bytes by kind and key, for a while. A cache that is down behaves like one that is empty."""

    async def get(self, caller: Caller, kind: str, key: str) -> bytes | None:
        """None when it is absent or has expired."""
        ...

    async def set(self, caller: Caller, kind: str, key: str, value: bytes, ttl_seconds: float) -> None:
        """Store or overwrite."""
        ...

    async def clear(self, caller: Caller, kind: str) -> int:
        """Remove the tenant's entries of one kind and say how many."""
        ...

    async def counters(self, caller: Caller, kind: str) -> CacheCounters:
        """The tenant's counters of one kind."""
        ...
