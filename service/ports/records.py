"""Everything that is kept as rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from service.domain.caller import Caller
from service.domain.documents import Document, DocumentState, Upload
from service.domain.sql import KnowledgeItem, SqlStatement, StatementState
from service.domain.usage import UsageTotal
from service.ports.checks import Checkable

T = TypeVar("T")


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

    async def update_document(self, caller: Caller, document: Document, replaces: Sequence[str] = ()) -> bool:
        """Like save_document, but False and no change when there is no document of this id any more."""
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


class UploadRecords(DocumentRecords, Protocol):
    """Documents, and the files that were announced and may become some."""

    async def save_upload(self, caller: Caller, upload: Upload, document: Document | None = None) -> None:
        """Insert or update by id, and insert the document that was made of it, in one transaction."""
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


class UsageRecords(Protocol):
    """What models were used for, one row a day, kind and model."""

    async def add_usage(self, caller: Caller, totals: Sequence[UsageTotal]) -> None:
        """Add to what is kept, all in one transaction. Two processes that add at the same time lose nothing."""
        ...

    async def list_usage(self, caller: Caller, first: dt.date, last: dt.date) -> list[UsageTotal]:
        """Those of the days from first to last, newest day first, then by kind and model."""
        ...


class RecordStore(UploadRecords, StatementRecords, KnowledgeRecords, AnswerRecords, UsageRecords, Checkable, Protocol):
    """Everything that is kept as rows."""
