"""The names of a schema as short phrases in plain words, to be compared with questions by meaning."""

from __future__ import annotations

import re

from service.domain.sql import Schema, SchemaTable

MAX_PHRASES = 2_000
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def plain_name(name: str) -> str:
    """SupportRepId and support_rep_id as "support rep id"."""
    return " ".join(_CAMEL.sub(" ", name).replace("_", " ").split()).lower()


def schema_phrases(schema: Schema) -> list[str]:
    """Each table with its columns, then each column with its table, at most MAX_PHRASES."""
    tables = [f"{plain_name(t.name)}: {', '.join(plain_name(c.name) for c in t.columns)}" for t in schema.tables]
    return (tables + [phrase for table in schema.tables for phrase in _columns(table)])[:MAX_PHRASES]


def _columns(table: SchemaTable) -> list[str]:
    return [
        f"{plain_name(table.name)} {plain_name(column.name)}{': ' + column.comment if column.comment else ''}"
        for column in table.columns
    ]
