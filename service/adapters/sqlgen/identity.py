"""Things that share a name stay apart: what is grouped by a name is grouped by its key, and shown with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.domain.sql import SAMPLED_EXAMPLES, Schema, SchemaTable

if TYPE_CHECKING:
    from sqlglot import exp


def add_keys(tree: exp.Select, schema: Schema) -> bool:
    """Add to GROUP BY the key of every table whose names are in it, and to SELECT where names are known to repeat.

    Says whether anything changed.
    """
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
        key = exp.column(table.primary_key[0], table=column.args.get("table"))
        place = (column.table.lower(), key.name.lower())
        if place not in held:
            group.append("expressions", key.copy())
            held.add(place)
            changed = True
        shown = {item.unalias().name.lower() for item in tree.selects if isinstance(item.unalias(), exp.Column)}
        if _repeat(column.name, table) and key.name.lower() not in shown:
            tree.append("expressions", key.copy())
            changed = True
    return changed


def _repeat(column: str, table: SchemaTable) -> bool:
    """Whether rows are known to share a value: all values of the column were read, and they are fewer than the rows."""
    values = next((item.values for item in table.columns if item.name.lower() == column.lower()), ())
    return bool(values) and len(values) != SAMPLED_EXAMPLES and len(values) < table.row_count


def _names_one(column: str, table: SchemaTable) -> bool:
    """Whether a column names a row of its table: a name, or a title where there is no name."""
    named = [item.name.lower() for item in table.columns if item.name.lower().endswith("name")]
    return column.lower() in named or (not named and column.lower().endswith("title"))
