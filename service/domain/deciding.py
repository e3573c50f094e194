"""Which kind of a thing a rule turns on: the stored values that its table or its sentence goes through."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from service.domain.join_keys import equals
from service.domain.schema_linking import few_values
from service.domain.sql import Schema
from service.domain.sql_text import sql_text
from service.domain.terms import terms

if TYPE_CHECKING:
    from sqlglot import exp

_LEAST_VALUES = 2


def deciding_column(rules: Sequence[str], schema: Schema, tables: Collection[str] = ()) -> tuple[str, str] | None:
    """The table and the column most of whose values the first rule names that names two of any column.

    "Casual: $300; Regular: $150" turns on the column of plans. None where no rule goes through stored values. Only
    columns of tables count, if there are any.
    """
    values = {
        place: [set(terms(value)) for value in held]
        for place, held in few_values(schema).items()
        if not tables or place[0] in tables
    }
    for rule in rules:
        said = set(terms(rule))
        named = {place: sum(bool(words) and words <= said for words in held) for place, held in values.items()}
        most = max(named, key=lambda place: named[place], default=None)
        if most and named[most] >= _LEAST_VALUES:
            return most
    return None


def showing(sql: str, schema: Schema, place: tuple[str, str]) -> str:
    """The statement with one column more: of a table that it reads, or that a key of one refers to.

    Empty where it lists no rows or groups of plain tables, or where the column would repeat rows.
    """
    from sqlglot import exp

    from service.domain.sql_guard import parse_statement

    tree = parse_statement(sql, schema.dialect)
    if not isinstance(tree, exp.Select) or tree.args.get("distinct") or not tree.args.get("from_"):
        return ""
    joins: list[exp.Join] = tree.args.get("joins") or []
    nodes: list[exp.Expr] = [tree.args["from_"].this, *(join.this for join in joins)]
    if not all(isinstance(node, exp.Table) for node in nodes):
        return ""
    group = tree.args.get("group")
    if group is None and any(item.find(exp.AggFunc) for item in tree.selects):
        return ""
    aliases = {node.name.casefold(): node.alias_or_name for node in nodes}
    table, column = place
    if table.casefold() not in aliases:
        if not _join_parent(tree, table, aliases, schema):
            return ""
        aliases[table.casefold()] = table
    shown = exp.column(column, table=aliases[table.casefold()])
    tree.append("expressions", shown)
    if group is not None:
        group.append("expressions", shown.copy())
    return sql_text(tree, schema.dialect, copy=False)


def _join_parent(tree: exp.Select, parent: str, aliases: dict[str, str], schema: Schema) -> bool:
    """Join the table that a key of one that is read refers to: each row has one there, so that none is repeated."""
    from sqlglot import exp

    known = {table.name.casefold(): table for table in schema.tables}
    keys = [
        (alias, key)
        for name, alias in aliases.items()
        for key in (known[name].foreign_keys if name in known else ())
        if key.target_table == parent
    ]
    named = {item.alias.casefold() for item in tree.selects}
    plain = [
        column
        for column in tree.find_all(exp.Column)
        if not column.table and not (column.find_ancestor(exp.Order) and column.name.casefold() in named)
    ]
    if len(keys) != 1 or (plain and len(aliases) > 1):
        return False
    for column in plain:
        column.set("table", exp.to_identifier(next(iter(aliases.values()))))
    alias, key = keys[0]
    on = exp.and_(*equals(key, alias, parent))
    tree.append("joins", exp.Join(this=exp.Table(this=exp.to_identifier(parent)), kind="LEFT", on=on))
    return True
