"""The tables of the record store, one schema for every database. Importing this loads SQLAlchemy."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    DDL,
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    TypeDecorator,
    event,
    text,
)

from service.adapters.records.append_only import APPEND_ONLY

if TYPE_CHECKING:
    from sqlalchemy import Dialect

HEAD = "0003"
"""The last of the revisions in migrations/, which is what these tables are."""
COMPATIBLE_FROM = "0001"
"""The last of them that is not additive: programs of it and later ones can use these tables."""


class UtcDateTime(TypeDecorator[dt.datetime]):
    """Aware datetimes, kept in UTC also where the database knows no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without its zone")
        return value.astimezone(dt.UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        return value.astimezone(dt.UTC) if value.tzinfo else value.replace(tzinfo=dt.UTC)


metadata = MetaData()
UNFINISHED = text("state IN ('PENDING', 'PROCESSING')")
DELETED = text("delete_time IS NOT NULL")


def _key() -> tuple[Column[str], Column[str]]:
    return Column("tenant", String, primary_key=True), Column("id", String, primary_key=True)


alembic_version = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
    Column("compatible_from", String(32)),
)
"""As alembic makes it, and COMPATIBLE_FROM, which tables of before it was kept lack. One row."""

documents = Table(
    "documents",
    metadata,
    *_key(),
    Column("filename", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", String, nullable=False),
    Column("state", String, nullable=False),
    Column("create_time", UtcDateTime, nullable=False),
    Column("update_time", UtcDateTime, nullable=False),
    Column("page_count", Integer, nullable=False),
    Column("chunk_count", Integer, nullable=False),
    Column("failure_reason", Text, nullable=False),
    Column("parser", Text, nullable=False),
    Column("error_reason", String, nullable=False, server_default=""),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("retry_time", UtcDateTime),
    Column("delete_time", UtcDateTime),
    Column("progress_phase", String, nullable=False, server_default=""),
    Column("progress_done", Integer, nullable=False, server_default="0"),
    Column("progress_total", Integer, nullable=False, server_default="0"),
    Column("usage", Text),
    Index("documents_newest", "tenant", "create_time", "id"),
    Index("documents_by_filename", "tenant", "filename"),
    Index("documents_by_sha256", "tenant", "sha256"),
    Index("documents_unfinished", "update_time", sqlite_where=UNFINISHED, postgresql_where=UNFINISHED),
    Index("documents_deleted", "delete_time", sqlite_where=DELETED, postgresql_where=DELETED),
)

uploads = Table(
    "uploads",
    metadata,
    *_key(),
    Column("filename", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", String, nullable=False),
    Column("create_time", UtcDateTime, nullable=False),
    Column("expire_time", UtcDateTime, nullable=False),
    Column("document_id", String, nullable=False),
)

statements = Table(
    "statements",
    metadata,
    *_key(),
    Column("principal", String, nullable=False),
    Column("question", Text, nullable=False),
    Column("sql", Text, nullable=False),
    Column("dialect", String, nullable=False),
    Column("explanation", Text, nullable=False),
    Column("tables", JSON, nullable=False),
    Column("etag", String, nullable=False),
    Column("state", String, nullable=False),
    Column("create_time", UtcDateTime, nullable=False),
    Column("expire_time", UtcDateTime, nullable=False),
    Index("statements_newest", "tenant", "principal", "state", "create_time", "id"),
    Index("statements_by_expiry", "expire_time"),
)

statement_halves = Table(
    "statement_halves",
    metadata,
    *_key(),
    Column("answer", Text, nullable=False),
    ForeignKeyConstraint(["tenant", "id"], ["statements.tenant", "statements.id"], ondelete="CASCADE"),
)

sql_events = Table(
    "sql_events",
    metadata,
    *_key(),
    Column("create_time", UtcDateTime, nullable=False),
    Column("principal", String, nullable=False),
    Column("action", String, nullable=False),
    Column("statement_id", String, nullable=False),
    Column("etag", String, nullable=False),
    Column("sql", Text, nullable=False),
    Column("approver", String, nullable=False),
    Column("row_count", BigInteger, nullable=False),
    Column("cache_hit", Boolean, nullable=False),
    Column("duration_seconds", Float, nullable=False),
    Column("detail", Text, nullable=False),
    Index("sql_events_newest", "tenant", "principal", "create_time", "id"),
)
for _statement, _dialect in APPEND_ONLY:
    event.listen(sql_events, "after_create", DDL(_statement).execute_if(dialect=_dialect))

knowledge_items = Table(
    "knowledge_items",
    metadata,
    *_key(),
    Column("create_time", UtcDateTime, nullable=False),
    Column("ddl", Text, nullable=False),
    Column("documentation", Text, nullable=False),
    Column("example_question", Text),
    Column("example_sql", Text),
    Index("knowledge_items_newest", "tenant", "create_time", "id"),
)

knowledge_vectors = Table(
    "knowledge_vectors",
    metadata,
    Column("tenant", String, primary_key=True),
    Column("item_id", String, primary_key=True),
    Column("model", String, primary_key=True),
    Column("vector", LargeBinary, nullable=False),
    ForeignKeyConstraint(["tenant", "item_id"], ["knowledge_items.tenant", "knowledge_items.id"], ondelete="CASCADE"),
)

knowledge_epochs = Table(
    "knowledge_epochs",
    metadata,
    Column("tenant", String, primary_key=True),
    Column("epoch", String, nullable=False),
)

answers = Table(
    "answers",
    metadata,
    *_key(),
    Column("principal", String, nullable=False),
    Column("question", Text, nullable=False),
    Column("create_time", UtcDateTime, nullable=False),
)

feedback = Table(
    "feedback",
    metadata,
    *_key(),
    Column("principal", String, nullable=False),
    Column("answer_id", String, nullable=False),
    Column("rating", String, nullable=False),
    Column("comment", Text, nullable=False),
    Column("corrected_sql", Text, nullable=False),
    Column("create_time", UtcDateTime, nullable=False),
    ForeignKeyConstraint(["tenant", "answer_id"], ["answers.tenant", "answers.id"]),
    Index("feedback_by_answer", "tenant", "answer_id"),
)

promotions = Table(
    "promotions",
    metadata,
    Column("tenant", String, primary_key=True),
    Column("feedback_id", String, primary_key=True),
    Column("item_id", String, nullable=False),
    Column("principal", String, nullable=False),
    Column("create_time", UtcDateTime, nullable=False),
    ForeignKeyConstraint(["tenant", "feedback_id"], ["feedback.tenant", "feedback.id"]),
)

usage = Table(
    "usage",
    metadata,
    Column("tenant", String, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("model", String, primary_key=True),
    Column("calls", BigInteger, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("embedding_tokens", BigInteger, nullable=False),
    Column("cost_usd", Float(53), nullable=False),
)
