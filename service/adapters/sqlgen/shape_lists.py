"""What a list shows: the columns that a question names, what it is grouped by, and no NULL before the highest."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from service.domain.schema_linking import name_parts, stem, words_of
from service.domain.sql import Schema, SchemaColumn

if TYPE_CHECKING:
    from sqlglot import exp

_ASKS = re.compile(r"\b(return|give|show|list|display|include|provide|what(?:'s| is| are)|with)\b", re.IGNORECASE)
_ROUNDED = re.compile(r"\b(round\w*|decimals?|whole numbers?|nearest)\b", re.IGNORECASE)
_PLAIN = frozenset(("id", "nam", "name", "number", "date", "type", "text", "count", "year", "month", "day", "state"))


def complete_group(tree: exp.Select) -> bool:
    """Group by every plain column that is listed beside a group, and list what is grouped by but not shown."""
    from sqlglot import exp

    group = tree.args.get("group")
    if not group or any(group.args.get(kind) for kind in ("rollup", "cube", "grouping_sets")):
        return False
    changed = False
    outputs = {item.alias.lower(): item.unalias() for item in tree.selects if item.alias}
    positions = [tree.selects[int(i.name) - 1].unalias() for i in group.expressions if _is_position(i, tree)]
    held = [
        outputs.get(i.name.lower(), i) if isinstance(i, exp.Column) and not i.table else i for i in group.expressions
    ]
    held += positions
    for item in tree.selects:
        plain = item.unalias()
        if isinstance(plain, exp.Column) and not _holds(held, plain):
            group.append("expressions", plain.copy())
            held.append(plain)
            changed = True
    shown = [item.unalias() for item in tree.selects]
    hidden = [item for item in held if isinstance(item, exp.Column) and not _holds(shown, item)]
    named = {item.table.lower() for item in shown if isinstance(item, exp.Column)}
    for item in reversed(hidden):
        # A key that tells same names apart says nothing to a reader.
        if not (item.name.lower().endswith("id") and item.table.lower() in named):
            tree.args["expressions"].insert(0, item.copy())
            changed = True
    return changed


def _is_position(item: exp.Expr, tree: exp.Select) -> bool:
    from sqlglot import exp

    return isinstance(item, exp.Literal) and item.name.isdigit() and 0 < int(item.name) <= len(tree.selects)


def _holds(items: list[exp.Expr], column: exp.Column) -> bool:
    """Whether a column is among items, with or without its table."""
    from sqlglot import exp

    return any(
        isinstance(item, exp.Column)
        and item.name.lower() == column.name.lower()
        and (not item.table or not column.table or item.table.lower() == column.table.lower())
        for item in items
    )


def add_asked(tree: exp.Select, question: str, schema: Schema) -> bool:
    """List the columns of the joined tables that a question which asks to list things names in full."""
    from sqlglot import exp

    if tree.args.get("group") or tree.find(exp.AggFunc) or not _ASKS.search(question):
        return False
    asked = [stem(word) for word in words_of(question)]
    known = {table.name.lower(): table for table in schema.tables}
    used = {column.name.lower() for column in tree.find_all(exp.Column)}
    changed = False
    for node in tree.find_all(exp.Table):
        table = known.get(node.name.lower())
        if table is None or node.parent_select is not tree:
            continue
        own = set(name_parts(table.name))
        for column in table.columns:
            if column.name.lower() not in used and _is_named(column, own, asked):
                alias = node.alias_or_name if tree.args.get("joins") else None
                tree.append("expressions", exp.column(column.name, table=alias))
                used.add(column.name.lower())
                changed = True
    return changed


def _is_named(column: SchemaColumn, own: set[str], asked: list[str]) -> bool:
    parts = [part for part in name_parts(column.name) if part not in own]
    return bool(parts) and not set(parts) <= _PLAIN and set(parts) <= set(asked)


def unround(tree: exp.Select, question: str) -> bool:
    """Leave numbers as exact as they are stored unless a question asks to round them."""
    from sqlglot import exp

    if _ROUNDED.search(question):
        return False
    rounds = list(tree.find_all(exp.Round))
    for node in rounds:
        node.replace(node.this.copy())
    return bool(rounds)


def sort_nulls_last(tree: exp.Expr) -> bool:
    """In PostgreSQL NULL is the largest of all: the highest of a column that has none is something else."""
    from sqlglot import exp

    changed = False
    for select in tree.find_all(exp.Select):
        order = select.args.get("order")
        for item in order.expressions if order and select.args.get("limit") else ():
            if item.args.get("desc") and item.args.get("nulls_first") and not item.find(exp.Count):
                item.set("nulls_first", False)
                changed = True
    return changed
