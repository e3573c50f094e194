"""What a SQLite file holds: tables, keys, sizes, samples of text, and an index of its values."""

from __future__ import annotations

import sqlite3
import time

from service.adapters.databases.allowed_values import Allowed, allowed_by_table, with_allowed
from service.adapters.databases.known import epoch_of
from service.adapters.databases.values import (
    MAX_INDEXED_PER_COLUMN,
    MAX_SAMPLE_LENGTH,
    MAX_SAMPLED,
    Privacy,
    ValueIndex,
)
from service.domain.inferred_keys import with_inferred_keys
from service.domain.sql import SAMPLED_EXAMPLES, ForeignKey, Schema, SchemaColumn, SchemaTable

_SCANNED_ROWS = 20_000
_COUNT_SECONDS = 3.0


def read_schema(connection: sqlite3.Connection, privacy: Privacy | None = None) -> Schema:
    """All tables and views apart from SQLite's own, by name."""
    rows = connection.execute(
        "SELECT name, type, COALESCE(sql, '') FROM sqlite_master WHERE type IN ('table', 'view') "
        "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
    ).fetchall()
    count_until = time.monotonic() + _COUNT_SECONDS
    allowed = privacy or Privacy()
    tables = with_inferred_keys(
        [_read_table(connection, name, kind == "view", sql, count_until, allowed) for name, kind, sql in rows]
    )
    return Schema("sqlite", tables, epoch_of(tables, [sql for _, kind, sql in rows if kind == "view"]))


def _read_table(
    connection: sqlite3.Connection, name: str, is_view: bool, sql: str, count_until: float, privacy: Privacy
) -> SchemaTable:
    allowed = allowed_by_table(sql)
    info = connection.execute(f"PRAGMA table_xinfo({_quote(name)})").fetchall()
    keys = sorted((row[5], row[1]) for row in info if row[5])
    columns = tuple(
        SchemaColumn(row[1], row[2], not row[3], values=_sample(connection, name, row[1], row[2], privacy, allowed))
        for row in info
        if row[6] != 1
    )
    rows = -1
    if not is_view and time.monotonic() < count_until:
        rows = connection.execute(f"SELECT COUNT(*) FROM {_quote(name)}").fetchone()[0]
    return SchemaTable(
        name,
        columns,
        primary_key=tuple(column for _, column in keys),
        foreign_keys=_foreign_keys(connection, name),
        is_view=is_view,
        row_count=rows,
    )


def _foreign_keys(connection: sqlite3.Connection, table: str) -> tuple[ForeignKey, ...]:
    found: dict[int, list[tuple[int, str, str, str | None]]] = {}
    for number, position, target, column, target_column, *_ in connection.execute(
        f"PRAGMA foreign_key_list({_quote(table)})"
    ):
        found.setdefault(number, []).append((position, target, column, target_column))
    keys: list[ForeignKey] = []
    for number in sorted(found):
        parts = sorted(found[number])
        target = parts[0][1]
        targets = tuple(part[3] or "" for part in parts)
        if not all(targets):
            info = connection.execute(f"PRAGMA table_info({_quote(target)})").fetchall()
            targets = tuple(column for _, column in sorted((row[5], row[1]) for row in info if row[5]))
        if len(targets) == len(parts):
            keys.append(ForeignKey(tuple(part[2] for part in parts), target, targets))
    return tuple(keys)


def is_text(declared: str) -> bool:
    """Whether a declared type has text affinity, or none."""
    return not declared or any(mark in declared.upper() for mark in ("CHAR", "TEXT", "CLOB"))


def _sample(
    connection: sqlite3.Connection, table: str, column: str, declared: str, privacy: Privacy, allowed: Allowed
) -> tuple[str, ...]:
    """All values of a column that has few and short ones, and those that its CHECK allows, else some examples."""
    if not is_text(declared) or not privacy.may_sample(table, column):
        return ()
    rows = connection.execute(
        f"SELECT DISTINCT {_quote(column)} FROM (SELECT {_quote(column)} FROM {_quote(table)} LIMIT {_SCANNED_ROWS}) "
        f"WHERE typeof({_quote(column)}) = 'text' ORDER BY 1 LIMIT {MAX_SAMPLED + 1}"
    ).fetchall()
    values = tuple(row[0] for row in rows if len(row[0]) <= MAX_SAMPLE_LENGTH)
    return with_allowed(allowed, column, values) if len(rows) <= MAX_SAMPLED else values[:SAMPLED_EXAMPLES]


def index_values(connection: sqlite3.Connection, schema: Schema, privacy: Privacy) -> ValueIndex:
    """An index over the distinct short values of all text columns that may be searched."""
    index = ValueIndex()
    for table in schema.tables:
        for column in table.columns:
            if table.is_view or not is_text(column.type) or not privacy.may_search(table.name, column.name):
                continue
            name = _quote(column.name)
            rows = connection.execute(
                f"SELECT DISTINCT {name} FROM {_quote(table.name)} WHERE typeof({name}) = 'text' "
                f"AND length({name}) <= {MAX_SAMPLE_LENGTH} LIMIT {MAX_INDEXED_PER_COLUMN}"
            )
            index.add_column(table.name, column.name, dict.fromkeys((*(row[0] for row in rows), *column.values)))
    return index


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
