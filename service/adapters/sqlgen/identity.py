"""Things that share a name stay apart: what is grouped by a name is grouped by its key as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.domain.sql import Schema, SchemaTable

if TYPE_CHECKING:
    from sqlglot import exp


def add_keys(tree: exp.Select, schema: Schema) -> bool:
    """Add to GROUP BY the key of every table whose names are in it. Says whether anything changed."""
    from sqlglot import exp

    group = tree.args.get("group")
    if not group:
        return False
    tables = {table.name.lower(): table for table in schema.tables}
    sources = {table.alias_or_name.lower(): tables.get(table.name.lower()) for table in tree.find_all(exp.Table)}
    grouped = [column for column in group.expressions if isinstance(column, exp.Column)]
    held = {(column.table.lower(), column.name.lower()) for column in grouped}
    changed = False
    for column in grouped:
        table = sources.get(column.table.lower())
        if table is None or len(table.primary_key) != 1 or not _names_one(column.name, table):
            continue
        key = (column.table.lower(), table.primary_key[0].lower())
        if key not in held:
            group.append("expressions", exp.column(table.primary_key[0], table=column.args.get("table")))
            held.add(key)
            changed = True
    return changed


def _names_one(column: str, table: SchemaTable) -> bool:
    """Whether a column names a row of its table: a name, or a title where there is no name."""
    named = [item.name.lower() for item in table.columns if item.name.lower().endswith("name")]
    return column.lower() in named or (not named and column.lower().endswith("title"))
