"""The use cases as the transport sees them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from service.domain.audit import AuditEvent
    from service.domain.caller import Caller
    from service.domain.documents import Document, DocumentState, Upload
    from service.domain.feedback import Feedback
    from service.domain.health import Health, Stats
    from service.domain.questions import Event, FinishedSql, QueryResult, Question, Usage
    from service.domain.sql import KnowledgeItem, SqlStatement
    from service.domain.usage import UsageTotal
    from service.ports import CacheCounters, Page, PresignedPut


class UploadedDocument(NamedTuple):
    """The document, and whether the same content had been processed before."""

    document: Document
    cache_hit: bool


class ReservedUpload(NamedTuple):
    """An announced file, and where it may be PUT."""

    upload: Upload
    target: PresignedPut


class ImportedKnowledge(NamedTuple):
    """How many items were added, and how many were known already."""

    created: int
    known: int


class GeneratedSql(NamedTuple):
    """A statement that waits, and what writing it cost."""

    statement: SqlStatement
    usage: Usage


class DocumentUseCases(Protocol):
    """Upload and manage documents."""

    async def upload(self, caller: Caller, filename: str, content: bytes) -> UploadedDocument: ...
    async def create_upload(self, caller: Caller, filename: str, size_bytes: int, sha256: str) -> ReservedUpload: ...
    async def receive(self, token: str, size_bytes: int | None, body: AsyncIterator[bytes]) -> None: ...
    async def ingest(self, caller: Caller, upload_id: str) -> UploadedDocument: ...
    async def get(self, caller: Caller, document_id: str) -> Document: ...
    async def list(self, caller: Caller, size: int, token: str, states: Sequence[DocumentState]) -> Page[Document]: ...
    async def delete(self, caller: Caller, document_id: str) -> None: ...


class QuestionUseCases(Protocol):
    """Answer questions. stream ends with the QueryResult that ask returns.

    again is the answer to a question that was answered from the cache before, if it is in there still, or None. As
    long as nothing has changed it is the very same object.
    """

    async def again(self, caller: Caller, question: Question) -> QueryResult | None: ...
    async def ask(self, caller: Caller, question: Question) -> QueryResult: ...
    def stream(self, caller: Caller, question: Question) -> AsyncIterator[Event]: ...


class SqlUseCases(Protocol):
    """Generate SQL, review it, run it."""

    async def generate(self, caller: Caller, question: str) -> GeneratedSql: ...
    async def get(self, caller: Caller, statement_id: str) -> SqlStatement: ...
    async def execute(self, caller: Caller, statement_id: str, etag: str, max_rows: int) -> FinishedSql: ...
    async def reject(self, caller: Caller, statement_id: str) -> SqlStatement: ...
    async def list(self, caller: Caller, size: int, token: str) -> Page[SqlStatement]: ...
    async def audit(self, caller: Caller, size: int, token: str) -> Page[AuditEvent]: ...


class KnowledgeUseCases(Protocol):
    """Teach the SQL generator."""

    async def create(self, caller: Caller, item: KnowledgeItem) -> KnowledgeItem: ...
    async def load(self, caller: Caller, items: Sequence[KnowledgeItem]) -> ImportedKnowledge: ...
    async def list(self, caller: Caller, size: int, token: str) -> Page[KnowledgeItem]: ...
    async def delete(self, caller: Caller, item_id: str) -> None: ...


class FeedbackUseCases(Protocol):
    """Record what people think of answers, and make examples of corrections."""

    async def create(self, caller: Caller, answer_id: str, rating: str, comment: str, corrected_sql: str) -> str: ...
    async def list(self, caller: Caller, size: int, token: str, waiting_only: bool) -> Page[Feedback]: ...
    async def promote(self, caller: Caller, feedback_id: str) -> Feedback: ...


class CacheUseCases(Protocol):
    """Watch and clear the caches. Kinds are the names of CacheKind without prefix, lower case."""

    async def stats(self, caller: Caller) -> dict[str, CacheCounters]: ...
    async def clear(self, caller: Caller, kind: str) -> int: ...


class UsageUseCases(Protocol):
    """What was spent on models. days counts back from today in UTC."""

    async def totals(self, caller: Caller, days: int) -> list[UsageTotal]: ...


class HealthUseCases(Protocol):
    """Health and numbers."""

    async def check(self, caller: Caller) -> Health: ...
    async def stats(self, caller: Caller) -> Stats: ...


@dataclass(frozen=True, slots=True)
class UseCases:
    """Everything that the transport may call."""

    documents: DocumentUseCases
    questions: QuestionUseCases
    sql: SqlUseCases
    knowledge: KnowledgeUseCases
    feedback: FeedbackUseCases
    caches: CacheUseCases
    usage: UsageUseCases
    health: HealthUseCases
