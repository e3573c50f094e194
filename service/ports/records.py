"""Everything that is kept as rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from service.ports.checks import Checkable
from service.ports.knowledge_records import KnowledgeRecords
from service.ports.pages import Page
from service.ports.record_rows import RecordRows

if TYPE_CHECKING:
    from service.domain.audit import AuditEvent
    from service.domain.caller import Caller
    from service.domain.documents import Document, DocumentState, IngestProgress, Upload
    from service.domain.feedback import Feedback, Promotion
    from service.domain.questions import Answer
    from service.domain.sql import SqlStatement, StatementState
    from service.domain.usage import UsageTotal


class DocumentRecords(Protocol):
    """Documents, newest first."""

    async def save_document(self, caller: Caller, document: Document, replaces: Sequence[str] = ()) -> None:
        """Insert or update by id, and remove the documents in replaces, in one transaction."""
        ...

    async def update_document(self, caller: Caller, document: Document, replaces: Sequence[str] = ()) -> bool:
        """Like save_document, but False and no change when the document is gone or being deleted."""
        ...

    async def swap_document(self, caller: Caller, old: Document, new: Document) -> bool:
        """Store new in place of old, atomically.

        False and no change when state or update_time are not old's any more, or when it is being deleted.
        So of several processes that want to work on a document, one may.
        """
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

    async def start_delete(self, caller: Caller, document_id: str, now: dt.datetime) -> Document:
        """Note that it is being deleted, and return it as it was, with its delete_time. Raises NotFound.

        From here on nothing but hide_document and delete_document changes it. Unless it is ACTIVE, nothing but
        claim_deleted finds it any more.
        """
        ...

    async def hide_document(self, caller: Caller, document_id: str) -> None:
        """Let nothing but claim_deleted find one that is being deleted."""
        ...

    async def claim_deleted(self, before: dt.datetime, now: dt.datetime) -> list[tuple[str, Document]]:
        """Some of those of every tenant whose delete_time is not after before, as if their deletion began now.

        Each is given to one caller only, with its tenant.
        """
        ...

    async def delete_document(self, caller: Caller, document_id: str) -> None:
        """Remove it, whether its deletion was noted or not. Raises NotFound."""
        ...

    async def count_documents(self, caller: Caller) -> int:
        """Those that are ACTIVE."""
        ...


class UploadRecords(DocumentRecords, Protocol):
    """Documents, and the files that were announced and may become some.

    shared says that processes on other machines may work on the same ones.
    """

    @property
    def shared(self) -> bool: ...

    async def claim_documents(self, before: dt.datetime, now: dt.datetime) -> list[tuple[str, Document]]:
        """Some of those of every tenant that are unfinished, oldest first: whose retry_time has come, or that have none
        and were not touched since before.

        They are touched now, and have no retry_time any more. Each is given to one caller only, with its tenant.
        """
        ...

    async def touch_documents(
        self, caller: Caller, progress: Mapping[str, IngestProgress | None], now: dt.datetime
    ) -> None:
        """Set the update_time and the progress of those, by id, that are here and unfinished."""
        ...

    async def save_upload(self, caller: Caller, upload: Upload, document: Document | None = None) -> None:
        """Insert or update by id, and in the same transaction insert the document made of it, unless it is there."""
        ...

    async def get_upload(self, caller: Caller, upload_id: str) -> Upload:
        """Raises NotFound."""
        ...

    async def list_uploads(self, caller: Caller, expired: dt.datetime | None = None) -> list[Upload]:
        """All, or those whose expire_time is not after expired."""
        ...

    async def delete_upload(self, caller: Caller, upload_id: str) -> None:
        """Delete if it is there."""
        ...

    async def list_tenants(self) -> list[str]:
        """Every tenant that has documents or uploads."""
        ...


class StatementRecords(Protocol):
    """Generated statements and what became of them. Each belongs to the tenant and principal that asked.

    No state changes without its event: both are written in one transaction, and events are only ever added.
    """

    async def save_statement(
        self,
        caller: Caller,
        statement: SqlStatement,
        event: AuditEvent,
        half: Answer | None = None,
        approved: AuditEvent | None = None,
    ) -> None:
        """Insert, with the half of the answer that needs no rows; approved too when it is saved as EXECUTING."""
        ...

    async def get_statement(self, caller: Caller, statement_id: str) -> SqlStatement:
        """Raises NotFound, also for another principal's."""
        ...

    async def get_half(self, caller: Caller, statement_id: str) -> Answer | None:
        """The half of the answer that a statement was saved with, None when there is none."""
        ...

    async def move_statement(
        self, caller: Caller, statement_id: str, old: StatementState, new: StatementState, event: AuditEvent
    ) -> bool:
        """Change the state if it is old, atomically. False, and no event, when it was not."""
        ...

    async def list_statements(self, caller: Caller, size: int, token: str) -> Page[SqlStatement]:
        """The caller's PROPOSED ones that have not expired, newest first."""
        ...

    async def list_events(self, caller: Caller, size: int, token: str) -> Page[AuditEvent]:
        """What happened to the caller's statements, newest first."""
        ...

    async def interrupt_statements(self, expired: dt.datetime, detail: str) -> int:
        """Mark those of every tenant FAILED that are EXECUTING and expired by then: nothing runs them any more."""
        ...

    async def purge_statements(self, expired: dt.datetime) -> int:
        """Delete those of every tenant that expired by then and are not EXECUTING. Their events stay."""
        ...


class AnswerRecords(Protocol):
    """Which answers were given, and what people thought of them."""

    async def save_answer(self, caller: Caller, answer_id: str, question: str) -> None:
        """Insert."""
        ...

    async def save_feedback(self, caller: Caller, answer_id: str, rating: str, comment: str, corrected_sql: str) -> str:
        """Insert and return the feedback's id. Raises NotFound when there is no such answer."""
        ...

    async def get_feedback(self, caller: Caller, feedback_id: str) -> Feedback:
        """Anybody's of the tenant. Raises NotFound."""
        ...

    async def list_feedback(self, caller: Caller, size: int, token: str, waiting_only: bool) -> Page[Feedback]:
        """A page of the tenant's, newest first. waiting_only leaves those with corrected SQL that is not promoted."""
        ...

    async def save_promotion(self, caller: Caller, feedback_id: str, promotion: Promotion) -> Promotion:
        """Store it unless the feedback was promoted before, and return the one that is stored."""
        ...


class UsageRecords(Protocol):
    """What models were used for, one row a day, kind and model."""

    async def add_usage(self, caller: Caller, totals: Sequence[UsageTotal]) -> None:
        """Add to what is kept, all in one transaction. Two processes that add at the same time lose nothing."""
        ...

    async def list_usage(self, caller: Caller, first: dt.date, last: dt.date) -> list[UsageTotal]:
        """Those of the days from first to last, newest day first, then by kind and model."""
        ...


class RecordStore(
    UploadRecords,
    StatementRecords,
    KnowledgeRecords,
    AnswerRecords,
    UsageRecords,
    RecordRows,
    Checkable,
    Protocol,
):
    """Everything that is kept as rows."""
