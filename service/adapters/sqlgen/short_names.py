"""Tables outside the default schema, by their own names: what mends a statement need not know about schemas."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from service.domain.schema_memo import once_per_schema
from service.domain.sql import Schema
from service.domain.sql_guard import parse_statement
from service.domain.sql_text import sql_text

if TYPE_CHECKING:
    from sqlglot import exp


@once_per_schema
def shortened(schema: Schema) -> Schema:
    """The schema with sales.orders called orders where no other table is; the same object where none has a schema."""
    names = _short_names(schema)
    if not names:
        return schema
    tables = [
        replace(
            table,
            name=names.get(table.name, table.name),
            foreign_keys=tuple(
                replace(key, target_table=names.get(key.target_table, key.target_table)) for key in table.foreign_keys
            ),
        )
        for table in schema.tables
    ]
    return replace(schema, tables=tuple(tables))


def shorten(sql: str, schema: Schema) -> str:
    """A statement with its tables called as in shortened(schema). Raises SqlRejected."""
    names = _short_names(schema)
    if not names:
        return sql
    tree = parse_statement(sql, schema.dialect)
    for node in _tables(tree):
        written = ".".join(part.name for part in node.parts).lower()
        if written in {name.lower() for name in names}:
            node.set("db", None)
            node.set("catalog", None)
    return sql_text(tree, schema.dialect, copy=False)


def restore(sql: str, schema: Schema) -> str:
    """The same with the schemas of tables named. Raises SqlRejected."""
    from sqlglot import exp

    full = {short.lower(): name for name, short in _short_names(schema).items()}
    if not full:
        return sql
    tree = parse_statement(sql, schema.dialect)
    hidden = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    for node in _tables(tree):
        name = full.get(node.name.lower(), "")
        if name and not node.db and node.name.lower() not in hidden:
            node.set("db", exp.to_identifier(name.rpartition(".")[0]))
    return sql_text(tree, schema.dialect, copy=False)


def _tables(tree: exp.Expr) -> list[exp.Table]:
    from sqlglot import exp

    return list(tree.find_all(exp.Table))


@once_per_schema
def _short_names(schema: Schema) -> dict[str, str]:
    counted = Counter(table.name.rpartition(".")[2].lower() for table in schema.tables)
    return {
        table.name: short
        for table in schema.tables
        if "." in table.name and counted[(short := table.name.rpartition(".")[2]).lower()] == 1
    }
