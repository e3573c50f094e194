"""Records in SQLite or PostgreSQL, through SQLAlchemy core."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from service.adapters.postgres_address import CONNECTIONS
from service.adapters.records import (
    answers,
    audit,
    document_claims,
    documents,
    feedback,
    knowledge,
    statements,
    uploads,
    usage,
)
from service.adapters.records.knowledge_index import KnowledgeIndex
from service.adapters.records.sql_base import SqlTables
from service.adapters.sqlite_commits import UntilCommit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import ParamSpec

    from service.domain.audit import AuditEvent
    from service.domain.caller import Caller
    from service.domain.documents import Document, DocumentState, IngestProgress, Upload
    from service.domain.feedback import Feedback, Promotion
    from service.domain.questions import Answer
    from service.domain.sql import KnowledgeItem, SqlStatement, StatementState
    from service.domain.usage import UsageTotal
    from service.ports import Page, Vectors

    P = ParamSpec("P")
T = TypeVar("T")

SECONDS = 20.0


class SqlRecordStore(SqlTables):
    """A RecordStore at url, `sqlite:///file` or `postgresql://…`, which many processes may share.

    Tables are made on first use. connections bounds those to PostgreSQL, seconds the run of a statement there.
    """

    def __init__(self, url: str, connections: int = CONNECTIONS, seconds: float = SECONDS) -> None:
        super().__init__(url, connections, seconds)
        self._index = KnowledgeIndex()
        self._epochs = UntilCommit[str](None if self.shared else Path(url.removeprefix("sqlite:///")))

    async def save_document(self, caller: Caller, document: Document, replaces: Sequence[str] = ()) -> None:
        """See DocumentRecords."""
        await self._write(documents.save, caller, document, replaces)

    async def update_document(self, caller: Caller, document: Document, replaces: Sequence[str] = ()) -> bool:
        """See DocumentRecords."""
        return await self._write(documents.change, caller, document, replaces)

    async def swap_document(self, caller: Caller, old: Document, new: Document) -> bool:
        """See DocumentRecords."""
        return await self._write(documents.swap, caller, old, new)

    async def get_document(self, caller: Caller, document_id: str) -> Document:
        """See DocumentRecords."""
        return await self._read(documents.get, caller, document_id)

    async def find_documents(self, caller: Caller, *, filename: str = "", sha256: str = "") -> list[Document]:
        """See DocumentRecords."""
        return await self._read(documents.find, caller, filename, sha256)

    async def list_documents(
        self, caller: Caller, size: int, token: str, states: Sequence[DocumentState] = ()
    ) -> Page[Document]:
        """See DocumentRecords."""
        return await self._read(documents.page, caller, size, token, states)

    async def delete_document(self, caller: Caller, document_id: str) -> None:
        """See DocumentRecords."""
        await self._write(documents.delete, caller, document_id)

    async def count_documents(self, caller: Caller) -> int:
        """See DocumentRecords."""
        return await self._read(documents.count, caller)

    async def claim_documents(self, before: dt.datetime, now: dt.datetime) -> list[tuple[str, Document]]:
        """See UploadRecords."""
        return await self._write(document_claims.claim, before, now)

    async def touch_documents(
        self, caller: Caller, progress: Mapping[str, IngestProgress | None], now: dt.datetime
    ) -> None:
        """See UploadRecords."""
        await self._write(document_claims.touch, caller, progress, now)

    async def start_delete(self, caller: Caller, document_id: str, now: dt.datetime) -> Document:
        """See DocumentRecords."""
        return await self._write(document_claims.start_delete, caller, document_id, now)

    async def hide_document(self, caller: Caller, document_id: str) -> None:
        """See DocumentRecords."""
        await self._write(document_claims.hide, caller, document_id)

    async def claim_deleted(self, before: dt.datetime, now: dt.datetime) -> list[tuple[str, Document]]:
        """See DocumentRecords."""
        return await self._write(document_claims.claim_deleted, before, now)

    async def save_upload(self, caller: Caller, upload: Upload, document: Document | None = None) -> None:
        """See UploadRecords."""
        await self._write(uploads.save, caller, upload, document)

    async def get_upload(self, caller: Caller, upload_id: str) -> Upload:
        """See UploadRecords."""
        return await self._read(uploads.get, caller, upload_id)

    async def list_uploads(self, caller: Caller, expired: dt.datetime | None = None) -> list[Upload]:
        """See UploadRecords."""
        return await self._read(uploads.find, caller, expired)

    async def delete_upload(self, caller: Caller, upload_id: str) -> None:
        """See UploadRecords."""
        await self._write(uploads.delete, caller, upload_id)

    async def list_tenants(self) -> list[str]:
        """See UploadRecords."""
        return await self._read(uploads.tenants)

    async def save_statement(
        self,
        caller: Caller,
        statement: SqlStatement,
        event: AuditEvent,
        half: Answer | None = None,
        approved: AuditEvent | None = None,
    ) -> None:
        """See StatementRecords."""
        await self._write(statements.save, caller, statement, event, half, approved)

    async def get_statement(self, caller: Caller, statement_id: str) -> SqlStatement:
        """See StatementRecords."""
        return await self._read(statements.get, caller, statement_id)

    async def get_half(self, caller: Caller, statement_id: str) -> Answer | None:
        """See StatementRecords."""
        return await self._read(statements.half, caller, statement_id)

    async def move_statement(
        self, caller: Caller, statement_id: str, old: StatementState, new: StatementState, event: AuditEvent
    ) -> bool:
        """See StatementRecords."""
        return await self._write(statements.move, caller, statement_id, old, new, event)

    async def list_statements(self, caller: Caller, size: int, token: str) -> Page[SqlStatement]:
        """See StatementRecords."""
        return await self._read(statements.page, caller, size, token, dt.datetime.now(dt.UTC))

    async def list_events(self, caller: Caller, size: int, token: str) -> Page[AuditEvent]:
        """See StatementRecords."""
        return await self._read(audit.page, caller, size, token)

    async def interrupt_statements(self, expired: dt.datetime, detail: str) -> int:
        """See StatementRecords."""
        return await self._write(statements.interrupt, expired, detail)

    async def purge_statements(self, expired: dt.datetime) -> int:
        """See StatementRecords."""
        return await self._write(statements.purge, expired)

    async def save_items(
        self, caller: Caller, items: Sequence[KnowledgeItem], vectors: Vectors, model: str
    ) -> list[KnowledgeItem]:
        """See KnowledgeRecords."""
        return await self._write(knowledge.save, caller, items, vectors, model)

    async def list_items(self, caller: Caller, size: int, token: str) -> Page[KnowledgeItem]:
        """See KnowledgeRecords."""
        return await self._read(knowledge.page, caller, size, token)

    async def delete_item(self, caller: Caller, item_id: str) -> None:
        """See KnowledgeRecords."""
        await self._write(knowledge.delete, caller, item_id)

    async def count_items(self, caller: Caller) -> int:
        """See KnowledgeRecords."""
        return await self._read(knowledge.count, caller)

    async def knowledge_epoch(self, caller: Caller) -> str:
        """See KnowledgeRecords."""
        return await self._epochs.get(caller.tenant, lambda: self._read(knowledge.epoch, caller))

    async def items_without_vector(self, caller: Caller, model: str, limit: int) -> list[KnowledgeItem]:
        """See KnowledgeRecords."""
        return await self._read(knowledge.without_vector, caller, model, limit)

    async def save_vectors(self, caller: Caller, item_ids: Sequence[str], vectors: Vectors, model: str) -> None:
        """See KnowledgeRecords."""
        await self._write(knowledge.add_vectors, caller, item_ids, vectors, model)

    async def search_items(
        self, caller: Caller, question: str, vector: Vectors, model: str, limit: int
    ) -> list[KnowledgeItem]:
        """See KnowledgeRecords."""
        return await self._read(self._index.search, caller, question, vector, model, limit)

    async def save_answer(self, caller: Caller, answer_id: str, question: str) -> None:
        """See AnswerRecords. An answer that is given again is kept once."""
        await self._write(answers.save, caller, answer_id, question)

    async def save_feedback(self, caller: Caller, answer_id: str, rating: str, comment: str, corrected_sql: str) -> str:
        """See AnswerRecords."""
        return await self._write(feedback.save, caller, answer_id, rating, comment, corrected_sql)

    async def get_feedback(self, caller: Caller, feedback_id: str) -> Feedback:
        """See AnswerRecords."""
        return await self._read(feedback.get, caller, feedback_id)

    async def list_feedback(self, caller: Caller, size: int, token: str, waiting_only: bool) -> Page[Feedback]:
        """See AnswerRecords."""
        return await self._read(feedback.page, caller, size, token, waiting_only)

    async def save_promotion(self, caller: Caller, feedback_id: str, promotion: Promotion) -> Promotion:
        """See AnswerRecords."""
        return await self._write(feedback.promote, caller, feedback_id, promotion)

    async def add_usage(self, caller: Caller, totals: Sequence[UsageTotal]) -> None:
        """See UsageRecords."""
        await self._write(usage.add, caller, totals)

    async def list_usage(self, caller: Caller, first: dt.date, last: dt.date) -> list[UsageTotal]:
        """See UsageRecords."""
        return await self._read(usage.find, caller, first, last)

    def close(self) -> None:
        """Close the connections. They open again on use."""
        self._epochs.close()
        super().close()
