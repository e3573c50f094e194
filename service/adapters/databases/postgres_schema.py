"""What a PostgreSQL role may read: tables, keys, sizes, samples of text, and an index of values."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from service.adapters.databases.values import (
    MAX_INDEXED_PER_COLUMN,
    MAX_SAMPLE_LENGTH,
    MAX_SAMPLED,
    ValueIndex,
    is_person_name,
    is_secret,
)
from service.domain.inferred_keys import with_inferred_keys
from service.domain.sql import SAMPLED_EXAMPLES, ForeignKey, Schema, SchemaColumn, SchemaTable

if TYPE_CHECKING:
    from psycopg import Connection

_SCANNED_ROWS = 20_000
_MAX_TABLES = 500
_COUNTED_BYTES = 4 * 1024 * 1024
# Schemas of the server and of hosting platforms, which hold no answers.
_HIDDEN = [
    "information_schema", "auth", "storage", "vault", "extensions", "cron", "net", "realtime", "graphql",
    "graphql_public", "supabase_functions", "supabase_migrations", "pgsodium", "pgbouncer", "ragsql",
]  # fmt: skip
_TEXT = ("text", "character varying", "character", "citext", "name")

_TABLES = """
SELECT c.oid, n.nspname, c.relname, c.relkind IN ('v', 'm'), c.reltuples::bigint, obj_description(c.oid, 'pg_class'),
       c.relkind = 'r' AND pg_relation_size(c.oid) <= %s AND has_table_privilege(c.oid, 'SELECT')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND NOT c.relispartition AND n.nspname !~ '^pg_'
  AND n.nspname <> ALL(%s) AND has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT')
ORDER BY n.nspname <> 'public', n.nspname, c.relname LIMIT %s"""
_COLUMNS = """
SELECT a.attrelid, a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
       col_description(a.attrelid, a.attnum),
       (SELECT array_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = a.atttypid)
FROM pg_attribute a
WHERE a.attrelid = ANY(%s) AND a.attnum > 0 AND NOT a.attisdropped
  AND has_column_privilege(a.attrelid, a.attnum, 'SELECT')
ORDER BY a.attrelid, a.attnum"""
_KEYS = """
SELECT k.conrelid, k.contype::text, k.confrelid,
  (SELECT array_agg(a.attname::text ORDER BY u.n) FROM unnest(k.conkey) WITH ORDINALITY u(num, n)
   JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.num),
  (SELECT array_agg(a.attname::text ORDER BY u.n) FROM unnest(k.confkey) WITH ORDINALITY u(num, n)
   JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.num)
FROM pg_constraint k WHERE k.conrelid = ANY(%s) AND k.contype IN ('p', 'f') ORDER BY k.conname"""


def read_schema(connection: Connection) -> Schema:
    """All tables and views of which the role may read a column. Those outside public are named schema.table."""
    tables = connection.execute(_TABLES, (_COUNTED_BYTES, _HIDDEN, _MAX_TABLES)).fetchall()
    ids = [row[0] for row in tables]
    names = {row[0]: row[2] if row[1] == "public" else f"{row[1]}.{row[2]}" for row in tables}
    columns: dict[int, list[SchemaColumn]] = {}
    for table, name, kind, nullable, comment, labels in connection.execute(_COLUMNS, (ids,)):
        values = tuple(labels or ()) or _sample(connection, names[table], name, kind)
        columns.setdefault(table, []).append(SchemaColumn(name, kind, nullable, comment or "", values))
    primary: dict[int, tuple[str, ...]] = {}
    foreign: dict[int, list[ForeignKey]] = {}
    for table, kind, target, own, others in connection.execute(_KEYS, (ids,)).fetchall():
        if kind == "p":
            primary[table] = tuple(own)
        elif target in names:
            foreign.setdefault(table, []).append(ForeignKey(tuple(own), names[target], tuple(others)))
    found = with_inferred_keys([
        SchemaTable(
            names[table], tuple(columns.get(table, ())), primary.get(table, ()), tuple(foreign.get(table, ())),
            comment or "", is_view, _count(connection, names[table]) if is_small else rows,
        )
        for table, _, _, is_view, rows, comment, is_small in tables
    ])  # fmt: skip
    digest = hashlib.sha256(repr([(t.name, t.columns, t.foreign_keys) for t in found]).encode())
    return Schema("postgresql", found, digest.hexdigest()[:16])


def _count(connection: Connection, table: str) -> int:
    from psycopg import sql

    query = sql.SQL("SELECT COUNT(*) FROM {}").format(sql.Identifier(*table.split(".")))
    row = connection.execute(query).fetchone()
    return row[0] if row else -1


def _sample(connection: Connection, table: str, column: str, kind: str) -> tuple[str, ...]:
    """All values of a column that has few and short ones, else some examples."""
    from psycopg import sql

    if not kind.startswith(_TEXT) or is_secret(column) or is_person_name(column):
        return ()
    query = sql.SQL(
        "SELECT DISTINCT v::text FROM (SELECT {column} AS v FROM {table} LIMIT {scanned}) s WHERE v IS NOT NULL "
        "ORDER BY 1 LIMIT {limit}"
    ).format(
        column=sql.Identifier(column),
        table=sql.Identifier(*table.split(".")),
        scanned=sql.Literal(_SCANNED_ROWS),
        limit=sql.Literal(MAX_SAMPLED + 1),
    )
    rows = connection.execute(query).fetchall()
    values = tuple(row[0] for row in rows if len(row[0]) <= MAX_SAMPLE_LENGTH)
    return values if len(rows) <= MAX_SAMPLED else values[:SAMPLED_EXAMPLES]


def index_values(connection: Connection, schema: Schema) -> ValueIndex:
    """An index over the distinct short values of all text columns but secret ones."""
    from psycopg import sql

    index = ValueIndex()
    for table in schema.tables:
        for column in table.columns:
            if table.is_view or not column.type.startswith(_TEXT) or is_secret(column.name):
                continue
            query = sql.SQL(
                "SELECT DISTINCT {column}::text FROM {table} WHERE length({column}::text) <= {length} LIMIT {limit}"
            ).format(
                column=sql.Identifier(column.name),
                table=sql.Identifier(*table.name.split(".")),
                length=sql.Literal(MAX_SAMPLE_LENGTH),
                limit=sql.Literal(MAX_INDEXED_PER_COLUMN),
            )
            index.add_column(table.name, column.name, (row[0] for row in connection.execute(query)))
    return index
