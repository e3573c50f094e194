"""What a PostgreSQL role may read: tables, keys, sizes, samples of text, and an index of values."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from service.adapters.databases.allowed_values import Allowed, allowed_by_checks, with_allowed
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

if TYPE_CHECKING:
    from psycopg import Connection

_SCANNED_ROWS = 20_000
_MAX_TABLES = 500
_COUNTED_BYTES = 4 * 1024 * 1024
# Schemas of the server and of hosting platforms, which hold no answers.
HIDDEN = [
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
_FINGERPRINT = """
SELECT md5(concat(
  (SELECT string_agg(concat_ws(',', c.oid, c.relname, c.relkind, c.relacl::text, n.nspname, n.nspacl::text), ';'
                     ORDER BY c.oid)
   FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'),
  (SELECT string_agg(concat_ws(',', a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull,
                               a.attacl::text), ';' ORDER BY a.attrelid, a.attnum)
   FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'v', 'm', 'p', 'f')
     AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'),
  (SELECT string_agg(k.oid::text, ',' ORDER BY k.oid) FROM pg_constraint k WHERE k.contype IN ('p', 'f', 'c')),
  (SELECT string_agg(concat_ws(',', e.oid, e.enumlabel), ';' ORDER BY e.oid) FROM pg_enum e),
  (SELECT string_agg(concat_ws(',', d.objoid, d.objsubid, md5(d.description)), ';' ORDER BY d.objoid, d.objsubid)
   FROM pg_description d JOIN pg_class c ON c.oid = d.objoid JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE d.classoid = 'pg_class'::regclass AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'),
  (SELECT string_agg(concat_ws(',', r.oid, r.xmin), ';' ORDER BY r.oid)
   FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind IN ('v', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'),
  (SELECT string_agg(concat_ws(',', p.oid, p.xmin), ';' ORDER BY p.oid) FROM pg_policy p),
  (SELECT string_agg(concat_ws(',', c.oid, c.relforcerowsecurity), ';' ORDER BY c.oid)
   FROM pg_class c WHERE c.relrowsecurity)))"""
_DEFINITIONS = """
SELECT c.oid::text, pg_get_viewdef(c.oid), NULL, NULL
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('v', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
UNION ALL
SELECT c.oid::text, c.relforcerowsecurity::text, p.polroles::text,
       concat_ws(' ', p.oid, p.polpermissive, p.polcmd, pg_get_expr(p.polqual, p.polrelid))
FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid WHERE c.relrowsecurity
ORDER BY 1, 2, 3, 4"""
_KEYS = """
SELECT k.conrelid, k.contype::text, k.confrelid,
  (SELECT array_agg(a.attname::text ORDER BY u.n) FROM unnest(k.conkey) WITH ORDINALITY u(num, n)
   JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.num),
  (SELECT array_agg(a.attname::text ORDER BY u.n) FROM unnest(k.confkey) WITH ORDINALITY u(num, n)
   JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.num)
FROM pg_constraint k WHERE k.conrelid = ANY(%s) AND k.contype IN ('p', 'f') ORDER BY k.conname"""
_CHECKS = """
SELECT k.conrelid, pg_get_expr(k.conbin, k.conrelid) FROM pg_constraint k
WHERE k.conrelid = ANY(%s) AND k.contype = 'c' AND cardinality(k.conkey) = 1 ORDER BY k.conname"""


def fingerprint(connection: Connection) -> str:
    """A digest of the catalog that changes with tables, columns, keys, comments, labels, grants, views and policies."""
    row = connection.execute(_FINGERPRINT).fetchone()
    return str(row[0]) if row else ""


def read_schema(connection: Connection, privacy: Privacy) -> Schema:
    """All tables and views of which the role may read a column. Those outside public are named schema.table."""
    tables = connection.execute(_TABLES, (_COUNTED_BYTES, HIDDEN, _MAX_TABLES)).fetchall()
    ids = [row[0] for row in tables]
    names = {row[0]: row[2] if row[1] == "public" else f"{row[1]}.{row[2]}" for row in tables}
    columns: dict[int, list[SchemaColumn]] = {}
    for table, name, kind, nullable, comment, labels in connection.execute(_COLUMNS, (ids,)):
        shown = labels if labels and privacy.may_sample(names[table], name) else ()
        columns.setdefault(table, []).append(SchemaColumn(name, kind, nullable, comment or "", tuple(shown)))
    checks: dict[int, list[str]] = {}
    for table, condition in connection.execute(_CHECKS, (ids,)):
        checks.setdefault(table, []).append(condition)
    for table, found_columns in columns.items():
        allowed = allowed_by_checks(checks.get(table, ()))
        columns[table] = _with_samples(connection, names[table], found_columns, privacy, allowed)
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
    definitions = [repr(row) for row in connection.execute(_DEFINITIONS)]
    return Schema("postgresql", found, epoch_of(found, definitions))


def _count(connection: Connection, table: str) -> int:
    from psycopg import sql

    query = sql.SQL("SELECT COUNT(*) FROM {}").format(sql.Identifier(*table.split(".")))
    row = connection.execute(query).fetchone()
    return row[0] if row else -1


def _with_samples(
    connection: Connection, table: str, columns: list[SchemaColumn], privacy: Privacy, allowed: Allowed
) -> list[SchemaColumn]:
    """The columns with all values of those that have few and short ones, and those that a CHECK allows, else some
    examples; one query a table.

    A table that is locked, or a view that fails, has none but those of its CHECKs.
    """
    import psycopg
    from psycopg import sql

    sampled = [c for c in columns if c.type.startswith(_TEXT) and privacy.may_sample(table, c.name)]
    if not sampled:
        return columns
    parts = [
        sql.SQL(
            "ARRAY(SELECT DISTINCT v::text FROM (SELECT {column} AS v FROM {table} LIMIT {scanned}) s "
            "WHERE v IS NOT NULL ORDER BY 1 LIMIT {limit})"
        ).format(
            column=sql.Identifier(column.name),
            table=sql.Identifier(*table.split(".")),
            scanned=sql.Literal(_SCANNED_ROWS),
            limit=sql.Literal(MAX_SAMPLED + 1),
        )
        for column in sampled
    ]
    try:
        with connection.transaction():
            row = connection.execute(sql.SQL("SELECT {}").format(sql.SQL(", ").join(parts))).fetchone()
    except psycopg.errors.QueryCanceled:
        raise
    except psycopg.Error:
        if connection.closed:
            raise
        row = tuple(list[str]() for _ in sampled)
    found = {c.name: _few(values, c.name, allowed) for c, values in zip(sampled, row or (), strict=False)}
    return [replace(column, values=found[column.name]) if column.name in found else column for column in columns]


def _few(values: list[str], column: str, allowed: Allowed) -> tuple[str, ...]:
    short = tuple(value for value in values if len(value) <= MAX_SAMPLE_LENGTH)
    return with_allowed(allowed, column, short) if len(values) <= MAX_SAMPLED else short[:SAMPLED_EXAMPLES]


def index_values(connection: Connection, schema: Schema, privacy: Privacy) -> ValueIndex:
    """An index over the distinct short values of all text columns that may be searched."""
    from psycopg import sql

    index = ValueIndex()
    for table in schema.tables:
        for column in table.columns:
            if table.is_view or not privacy.may_search(table.name, column.name):
                continue
            if not column.type.startswith(_TEXT):
                index.add_column(table.name, column.name, column.values)
                continue
            query = sql.SQL(
                "SELECT DISTINCT {column}::text FROM {table} WHERE length({column}::text) <= {length} LIMIT {limit}"
            ).format(
                column=sql.Identifier(column.name),
                table=sql.Identifier(*table.name.split(".")),
                length=sql.Literal(MAX_SAMPLE_LENGTH),
                limit=sql.Literal(MAX_INDEXED_PER_COLUMN),
            )
            stored = (row[0] for row in connection.execute(query))
            index.add_column(table.name, column.name, dict.fromkeys((*stored, *column.values)))
    return index
