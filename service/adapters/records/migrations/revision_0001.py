"""The tables of version 0.1 and of those before it, which numbered them 1 to 5 and may lack some."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
additive = False
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make what is missing."""
    _documents()
    _statements()
    _knowledge()
    _answers()
    op.execute("DROP TABLE IF EXISTS schema_version")


def _table(name: str, *columns: sa.schema.SchemaItem) -> None:
    op.create_table(name, *columns, if_not_exists=True)


def _keyed(name: str, *columns: sa.schema.SchemaItem) -> None:
    _table(name, _key("tenant"), _key("id"), *columns)


def _key(name: str, kind: type[Any] = sa.String) -> sa.Column[object]:
    return sa.Column(name, kind, primary_key=True)


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _strings(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.String, nullable=False) for name in names]


def _times(*names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, _TIME, nullable=False) for name in names]


def _numbers(kind: type[sa.Integer], *names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, kind, nullable=False) for name in names]


def _index(name: str, table: str, *columns: str) -> None:
    op.create_index(name, table, columns, if_not_exists=True)


def _documents() -> None:
    reason = sa.Column("error_reason", sa.String, nullable=False, server_default="")
    if op.get_bind().dialect.has_table(op.get_bind(), "documents"):
        if "error_reason" not in {column["name"] for column in sa.inspect(op.get_bind()).get_columns("documents")}:
            op.add_column("documents", reason)
    else:
        _keyed(
            "documents",
            *_text("filename", "media_type"),
            *_numbers(sa.BigInteger, "size_bytes"),
            *_strings("sha256", "state"),
            *_times("create_time", "update_time"),
            *_numbers(sa.Integer, "page_count", "chunk_count"),
            *_text("failure_reason", "parser"),
            reason,
        )
    _index("documents_newest", "documents", "tenant", "create_time", "id")
    _index("documents_by_filename", "documents", "tenant", "filename")
    _index("documents_by_sha256", "documents", "tenant", "sha256")
    _keyed(
        "uploads",
        *_text("filename"),
        *_numbers(sa.BigInteger, "size_bytes"),
        *_strings("sha256"),
        *_times("create_time", "expire_time"),
        *_strings("document_id"),
    )


def _statements() -> None:
    _keyed(
        "statements",
        *_strings("principal"),
        *_text("question", "sql"),
        *_strings("dialect"),
        *_text("explanation"),
        sa.Column("tables", sa.JSON, nullable=False),
        *_strings("etag", "state"),
        *_times("create_time", "expire_time"),
    )
    _index("statements_newest", "statements", "tenant", "principal", "state", "create_time", "id")
    statement = sa.ForeignKeyConstraint(["tenant", "id"], ["statements.tenant", "statements.id"], ondelete="CASCADE")
    _keyed("statement_halves", *_text("answer"), statement)
    _keyed(
        "sql_events",
        *_times("create_time"),
        *_strings("principal", "action", "statement_id", "etag"),
        *_text("sql"),
        *_strings("approver"),
        *_numbers(sa.BigInteger, "row_count"),
        sa.Column("cache_hit", sa.Boolean, nullable=False),
        sa.Column("duration_seconds", sa.Float, nullable=False),
        *_text("detail"),
    )
    _index("sql_events_newest", "sql_events", "tenant", "principal", "create_time", "id")
    if op.get_bind().dialect.name == "sqlite":
        for name, act in (("sql_events_stay", "UPDATE"), ("sql_events_remain", "DELETE")):
            op.execute(
                f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE {act} ON sql_events "
                "BEGIN SELECT RAISE(ABORT, 'events stay'); END"
            )
        return
    op.execute(
        "CREATE OR REPLACE FUNCTION sql_events_stay() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'events stay'; END $$"
    )
    op.execute("DROP TRIGGER IF EXISTS sql_events_stay ON sql_events")
    op.execute(
        "CREATE TRIGGER sql_events_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON sql_events "
        "FOR EACH STATEMENT EXECUTE FUNCTION sql_events_stay()"
    )


def _knowledge() -> None:
    example = [sa.Column(name, sa.Text) for name in ("example_question", "example_sql")]
    _keyed("knowledge_items", *_times("create_time"), *_text("ddl", "documentation"), *example)
    _index("knowledge_items_newest", "knowledge_items", "tenant", "create_time", "id")
    item = ["knowledge_items.tenant", "knowledge_items.id"]
    _table(
        "knowledge_vectors",
        *(_key(name) for name in ("tenant", "item_id", "model")),
        sa.Column("vector", sa.LargeBinary, nullable=False),
        sa.ForeignKeyConstraint(["tenant", "item_id"], item, ondelete="CASCADE"),
    )
    _table("knowledge_epochs", _key("tenant"), *_strings("epoch"))


def _answers() -> None:
    _keyed("answers", *_strings("principal"), *_text("question"), *_times("create_time"))
    _keyed(
        "feedback",
        *_strings("principal", "answer_id", "rating"),
        *_text("comment", "corrected_sql"),
        *_times("create_time"),
        sa.ForeignKeyConstraint(["tenant", "answer_id"], ["answers.tenant", "answers.id"]),
    )
    _index("feedback_by_answer", "feedback", "tenant", "answer_id")
    _table(
        "promotions",
        *(_key(name) for name in ("tenant", "feedback_id")),
        *_strings("item_id", "principal"),
        *_times("create_time"),
        sa.ForeignKeyConstraint(["tenant", "feedback_id"], ["feedback.tenant", "feedback.id"]),
    )
    _table(
        "usage",
        _key("tenant"),
        _key("day", sa.Date),
        *(_key(name) for name in ("kind", "model")),
        *_numbers(sa.BigInteger, "calls", "input_tokens", "output_tokens", "embedding_tokens"),
        sa.Column("cost_usd", sa.Float(53), nullable=False),
    )
