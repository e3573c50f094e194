"""The tables of the record store, one schema for every database. Importing this loads SQLAlchemy."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Date,
    DateTime,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)

if TYPE_CHECKING:
    from sqlalchemy import Dialect

VERSION = 3


class UtcDateTime(TypeDecorator[dt.datetime]):
    """Aware datetimes, kept in UTC also where the database knows no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None or value.tzinfo is None:
            raise ValueError("a time without its zone")
        return value.astimezone(dt.UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> dt.datetime | None:
        return value.astimezone(dt.UTC) if value.tzinfo else value.replace(tzinfo=dt.UTC)


metadata = MetaData()


def _key() -> tuple[Column[str], Column[str]]:
    return Column("tenant", String, primary_key=True), Column("id", String, primary_key=True)


schema_version = Table("schema_version", metadata, Column("version", Integer, primary_key=True))

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
    Index("documents_newest", "tenant", "create_time", "id"),
    Index("documents_by_filename", "tenant", "filename"),
    Index("documents_by_sha256", "tenant", "sha256"),
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
)

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
