"""Tables that do not exist, or that are missing, found by their names and by the columns taken from them."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from service.domain.schema_linking import name_parts
from service.domain.sql import Schema, SchemaTable

if TYPE_CHECKING:
    from sqlglot import exp

_LEAST_LIKENESS = 0.75


def name_tables(tree: exp.Expr, schema: Schema) -> int:
    """Replace each unknown table by the one that has its columns or nearly its name; says how many."""
    from sqlglot import exp

    known = {table.name.lower() for table in schema.tables} | {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    changed = 0
    for node in list(tree.find_all(exp.Table)):
        if node.name.lower() in known or node.db or not isinstance(node.this, exp.Identifier):
            continue
        alias = node.alias_or_name.lower()
        used = {column.name.lower() for column in tree.find_all(exp.Column) if column.table.lower() == alias}
        meant = _meant(node.name, used, schema)
        if meant is None:
            continue
        if not node.alias:
            for column in tree.find_all(exp.Column):
                if column.table.lower() == alias:
                    column.set("table", exp.to_identifier(meant.name))
        node.set("this", exp.to_identifier(meant.name))
        changed += 1
    return changed


def _meant(name: str, used: set[str], schema: Schema) -> SchemaTable | None:
    scored: list[tuple[float, float, SchemaTable]] = []
    for table in schema.tables:
        have = used & {column.name.lower() for column in table.columns}
        like = _likeness(name, table.name)
        if like >= _LEAST_LIKENESS or (used and len(have) == len(used)):
            scored.append((len(have) / max(1, len(used)), like, table))
    scored.sort(key=lambda item: item[:2], reverse=True)
    if not scored or (len(scored) > 1 and scored[0][:2] == scored[1][:2]):
        return None
    return scored[0][2]


def _likeness(first: str, second: str) -> float:
    if name_parts(first) == name_parts(second):
        return 1.0
    if set(name_parts(first)) < set(name_parts(second)) or set(name_parts(second)) < set(name_parts(first)):
        return 0.8
    return SequenceMatcher(None, first.lower(), second.lower()).ratio()


def add_from(select: exp.Select, schema: Schema) -> int:
    """Give a SELECT of columns without a FROM the one smallest table that has them all; says whether it did."""
    from sqlglot import exp

    if select.args.get("from_") or select.parent_select is not None:
        return 0
    columns = [column for column in select.find_all(exp.Column) if column.parent_select is select]
    aliases = {item.alias.lower() for item in select.selects if item.alias}
    names = {column.name.lower() for column in columns} - aliases
    owners = [table for table in schema.tables if names <= {column.name.lower() for column in table.columns}]
    if not names or not owners:
        return 0
    qualified = {column.table.lower() for column in columns if column.table}
    named = [table for table in owners if table.name.lower() in qualified]
    owner = (named or owners)[0]
    if len(owners) > 1 and len(named) != 1:
        return 0
    for column in columns:
        column.set("table", None)
    select.set("from_", exp.From(this=exp.Table(this=exp.to_identifier(owner.name))))
    return 1
