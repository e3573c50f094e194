"""Use cases in memory, which note what they are asked."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from service.domain.audit import AuditEvent
from service.domain.caller import Caller
from service.domain.documents import Document, DocumentState, IngestPhase, IngestProgress, Upload
from service.domain.feedback import Feedback, Promotion
from service.domain.health import ComponentHealth, Health, HealthStatus, Stats
from service.domain.questions import (
    Event,
    FinishedSql,
    QueryResult,
    Question,
    TextDelta,
    Usage,
)
from service.domain.sql import KnowledgeItem, SqlResult, SqlStatement, StatementState
from service.domain.usage import UsageKind, UsageTotal
from service.errors import NotFound, UnsupportedMediaType
from service.ports import CacheCounters, Page, PresignedPut
from service.usecases.bundle import GeneratedSql, ImportedKnowledge, ReservedUpload, UploadedDocument, UseCases
from tests.transport.replies import ANSWER, CITATION, EVENT, FEEDBACK, NOW, RESULT, ROUTING, STATEMENT, TABLE


@dataclass
class Fakes:
    """All use cases over shared state. failure is raised by every call while it is set."""

    calls: list[tuple[str, Any]] = field(default_factory=list[tuple[str, Any]])
    documents: dict[str, Document] = field(default_factory=dict[str, Document])
    failure: Exception | None = None
    stream_closed: bool = False
    endless: bool = False
    again: QueryResult | None = None

    def note(self, name: str, value: Any = None) -> None:
        self.calls.append((name, value))
        if self.failure is not None:
            raise self.failure

    def use_cases(self) -> UseCases:
        return UseCases(
            documents=FakeDocuments(self),
            questions=FakeQuestions(self),
            sql=FakeSql(self),
            knowledge=FakeKnowledge(self),
            feedback=FakeFeedback(self),
            caches=FakeCaches(self),
            usage=FakeUsage(self),
            health=FakeHealth(self),
        )


@dataclass
class FakeDocuments:
    fakes: Fakes

    async def upload(self, caller: Caller, filename: str, content: bytes) -> UploadedDocument:
        self.fakes.note("upload", (filename, len(content)))
        if not filename.endswith((".pdf", ".txt")):
            raise UnsupportedMediaType(f"{filename}: files of this type cannot be read. Send a PDF or text.")
        sha256 = hashlib.sha256(content).hexdigest()
        hit = sha256[:8] in self.fakes.documents
        document = Document(sha256[:8], filename, "text/plain", len(content), sha256, DocumentState.ACTIVE, NOW, NOW)
        self.fakes.documents[document.id] = replace(document, parser="plain", chunk_count=1)
        return UploadedDocument(self.fakes.documents[document.id], hit)

    async def create_upload(self, caller: Caller, filename: str, size_bytes: int, sha256: str) -> ReservedUpload:
        self.fakes.note("create_upload", (filename, size_bytes, sha256))
        upload = Upload("u1", filename, size_bytes, sha256, NOW, NOW + dt.timedelta(hours=1))
        return ReservedUpload(upload, PresignedPut("/uploads/token", {"x-first": "1", "x-second": "2"}, NOW))

    async def receive(self, token: str, size_bytes: int | None, body: AsyncIterator[bytes]) -> None:
        content = b"".join([piece async for piece in body])
        self.fakes.note("receive", (token, size_bytes, content))

    async def ingest(self, caller: Caller, upload_id: str) -> UploadedDocument:
        self.fakes.note("ingest", upload_id)
        progress = IngestProgress(IngestPhase.EMBEDDING, 64, 200)
        document = Document(
            upload_id, "a.pdf", "", 5, "0" * 64, DocumentState.PROCESSING, NOW, NOW, chunk_count=9, progress=progress
        )
        return UploadedDocument(document, cache_hit=False)

    async def get(self, caller: Caller, document_id: str) -> Document:
        self.fakes.note("get", document_id)
        if document_id not in self.fakes.documents:
            raise NotFound(f"There is no document {document_id}.", name=f"documents/{document_id}")
        return self.fakes.documents[document_id]

    async def list(self, caller: Caller, size: int, token: str, states: Sequence[DocumentState]) -> Page[Document]:
        self.fakes.note("list", (size, token, tuple(states)))
        return Page(tuple(self.fakes.documents.values())[:size], "more")

    async def delete(self, caller: Caller, document_id: str) -> None:
        self.fakes.note("delete", document_id)
        self.fakes.documents.pop(document_id, None)


@dataclass
class FakeQuestions:
    fakes: Fakes

    async def again(self, caller: Caller, question: Question) -> QueryResult | None:
        return self.fakes.again

    async def ask(self, caller: Caller, question: Question) -> QueryResult:
        self.fakes.note("ask", question)
        return RESULT

    async def stream(self, caller: Caller, question: Question) -> AsyncIterator[Event]:
        try:
            yield ROUTING
            self.fakes.note("stream", question)
            yield replace(CITATION, answer_spans=())
            yield STATEMENT
            yield SqlResult(STATEMENT, TABLE, NOW)
            yield TextDelta("Thirty")
            if self.fakes.endless:
                await asyncio.Event().wait()
            yield RESULT
        finally:
            self.fakes.stream_closed = True


@dataclass
class FakeSql:
    fakes: Fakes

    async def generate(self, caller: Caller, question: str) -> GeneratedSql:
        self.fakes.note("generate", question)
        return GeneratedSql(STATEMENT, RESULT.usage)

    async def get(self, caller: Caller, statement_id: str) -> SqlStatement:
        self.fakes.note("get_statement", statement_id)
        return STATEMENT

    async def execute(self, caller: Caller, statement_id: str, etag: str, max_rows: int) -> FinishedSql:
        self.fakes.note("execute", (statement_id, etag, max_rows))
        result = SqlResult(replace(STATEMENT, state=StatementState.EXECUTED), TABLE, NOW)
        return FinishedSql(result, replace(ANSWER, sql_results=(result,)), RESULT.usage)

    async def reject(self, caller: Caller, statement_id: str) -> SqlStatement:
        self.fakes.note("reject", statement_id)
        return replace(STATEMENT, state=StatementState.REJECTED)

    async def list(self, caller: Caller, size: int, token: str) -> Page[SqlStatement]:
        self.fakes.note("list_statements", (size, token))
        return Page((STATEMENT,))

    async def audit(self, caller: Caller, size: int, token: str) -> Page[AuditEvent]:
        self.fakes.note("audit", (size, token))
        return Page((EVENT,))


@dataclass
class FakeKnowledge:
    fakes: Fakes

    async def create(self, caller: Caller, item: KnowledgeItem) -> KnowledgeItem:
        self.fakes.note("create_item", item)
        return replace(item, id="k1", create_time=NOW)

    async def load(self, caller: Caller, items: Sequence[KnowledgeItem]) -> ImportedKnowledge:
        self.fakes.note("load_items", tuple(items))
        return ImportedKnowledge(len(items) - 1, 1)

    async def list(self, caller: Caller, size: int, token: str) -> Page[KnowledgeItem]:
        self.fakes.note("list_items", (size, token))
        return Page((KnowledgeItem("k1", NOW, ddl="CREATE TABLE t (a)"),))

    async def delete(self, caller: Caller, item_id: str) -> None:
        self.fakes.note("delete_item", item_id)


@dataclass
class FakeFeedback:
    fakes: Fakes

    async def create(self, caller: Caller, answer_id: str, rating: str, comment: str, corrected_sql: str) -> str:
        self.fakes.note("feedback", (answer_id, rating, comment, corrected_sql))
        return "f1"

    async def list(self, caller: Caller, size: int, token: str, waiting_only: bool) -> Page[Feedback]:
        self.fakes.note("list_feedback", (size, token, waiting_only))
        return Page((FEEDBACK,), "more")

    async def promote(self, caller: Caller, feedback_id: str) -> Feedback:
        self.fakes.note("promote", feedback_id)
        return replace(FEEDBACK, promotion=Promotion("k1-sql", "bob", NOW))


@dataclass
class FakeCaches:
    fakes: Fakes

    async def stats(self, caller: Caller) -> dict[str, CacheCounters]:
        self.fakes.note("cache_stats")
        return {"answer": CacheCounters(3, 1, Usage(400, 30, 20, 0.25))}

    async def clear(self, caller: Caller, kind: str) -> int:
        self.fakes.note("clear", kind)
        return 4


@dataclass
class FakeUsage:
    fakes: Fakes

    async def totals(self, caller: Caller, days: int) -> list[UsageTotal]:
        self.fakes.note("usage", days)
        spent = Usage(5_000_000_000, 7, cost_usd=0.5, models=("gpt-4o",))
        return [
            UsageTotal(NOW.date(), UsageKind.SQL, "gpt-4o", 2, spent),
            UsageTotal(NOW.date(), UsageKind.CACHED, "gpt-4o", 1, replace(spent, cost_usd=0.25)),
            UsageTotal(NOW.date(), UsageKind.QUESTIONS, "somebody's", 1, Usage(1, models=("somebody's",))),
        ]


@dataclass
class FakeHealth:
    fakes: Fakes

    async def check(self, caller: Caller) -> Health:
        self.fakes.note("check", caller)
        chat = ComponentHealth("chat", "llama", HealthStatus.DEGRADED, "Run: ragsql models pull")
        return Health(
            HealthStatus.DEGRADED, (ComponentHealth("vectors", "sqlite", HealthStatus.SERVING), chat), "1.2.3"
        )

    async def stats(self, caller: Caller) -> Stats:
        self.fakes.note("stats", caller)
        return Stats(1, 2, 3)
