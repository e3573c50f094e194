"""What an answer needs to show: the number it was chosen by, and whole names of people."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from service.adapters.sqlgen.identity import add_keys
from service.adapters.sqlgen.shape_counts import settle_counts
from service.adapters.sqlgen.shape_keys import add_row_keys, add_row_names, list_rows, name_keys
from service.adapters.sqlgen.shape_lists import add_asked, complete_group, sort_nulls_last, unround
from service.adapters.sqlgen.units import Conversion
from service.domain.sql import Schema
from service.domain.sql_guard import parse_statement
from service.domain.sql_text import SQLGLOT_DIALECTS, sql_text
from service.errors import SqlRejected

if TYPE_CHECKING:
    from sqlglot import exp

_FIRST = re.compile(r"first_?name|given_?name", re.IGNORECASE)
_LAST = re.compile(r"last_?name|surname|family_?name", re.IGNORECASE)


def complete(sql: str, question: str, schema: Schema, units: Sequence[Conversion] = ()) -> str:
    """The statement grouped by what it lists, with the measures of its ORDER BY and HAVING and both names of a
    person in its SELECT list, in the units that were asked for, and in an order.

    Only the outermost SELECT is touched.
    """
    from sqlglot import exp

    try:
        tree = parse_statement(sql, schema.dialect)
    except SqlRejected:
        return sql
    if not isinstance(tree, exp.Select):
        return sql
    exact = schema.dialect == "postgresql"
    changed = exact and unround(tree, question)
    if tree.args.get("distinct"):
        changed |= _list_order(tree) | (exact and sort_nulls_last(tree))
        return sql_text(tree, schema.dialect, copy=False) if changed else sql
    changed |= list_rows(tree, question, schema)
    changed |= settle_counts(tree, question, schema) | (exact and sort_nulls_last(tree))
    changed |= _add_units(tree, units)
    changed |= _add_group(tree) | complete_group(tree) | add_asked(tree, question, schema)
    changed |= add_row_keys(tree, question, schema) | name_keys(tree, schema) | add_row_names(tree, question, schema)
    changed |= _add_other_names(tree, schema) | _add_measures(tree)
    changed |= add_keys(tree, schema)
    if not (changed | _add_order(tree, SQLGLOT_DIALECTS[schema.dialect])):
        return sql
    return sql_text(tree, schema.dialect, copy=False)


def _add_units(tree: exp.Select, units: Sequence[Conversion]) -> bool:
    """Show a column, or an aggregate of it, in the unit too, unless it is divided somewhere already."""
    from sqlglot import exp

    changed = False
    for item in list(tree.selects):
        node = item.unalias()
        column = node.this if isinstance(node, (exp.Sum, exp.Avg, exp.Min, exp.Max)) else node
        if tree.find(exp.Div) or not isinstance(column, exp.Column):
            continue
        for unit in units:
            if unit.column.lower() == column.name.lower():
                divided = exp.Div(this=node.copy(), expression=exp.Literal.number(f"{unit.factor:.1f}"), typed=True)
                rounded = exp.Round(this=divided, decimals=exp.Literal.number(1))
                tree.append("expressions", exp.alias_(rounded, unit.unit))
                changed = True
    return changed


def _add_group(tree: exp.Select) -> bool:
    """Group by the plain columns of a list that also aggregates: SQLite would show any row's, others refuse."""
    from sqlglot import exp

    plain = [item.unalias() for item in tree.selects if isinstance(item.unalias(), exp.Column)]
    if tree.args.get("group") or not plain or not _aggregated(tree):
        return False
    if not any(isinstance(node, (exp.Count, exp.Sum, exp.Avg)) for item in tree.selects for node in item.walk()):
        return False
    tree.set("group", exp.Group(expressions=[column.copy() for column in plain]))
    return True


def _add_measures(tree: exp.Select) -> bool:
    from sqlglot import exp

    wanted: list[exp.Expr] = []
    having, order = tree.args.get("having"), tree.args.get("order")
    if having:
        wanted.extend(having.find_all(exp.AggFunc))
    for item in order.expressions if order and (tree.args.get("limit") or not tree.args.get("group")) else ():
        aggregates = tree.args.get("group") or item.find(exp.AggFunc)
        plain = isinstance(item.this, exp.Column) and not _is_alias(item.this, tree)
        if item.find(exp.AggFunc) or (plain and not aggregates and not _aggregated(tree)):
            wanted.append(item.this)
    shown = {part.sql().lower() for item in tree.selects for part in (item.unalias(), *item.find_all(exp.AggFunc))}
    new = [node for node in wanted if node.sql().lower() not in shown]
    for node in {node.sql().lower(): node for node in new}.values():
        tree.append("expressions", node.copy())
    return bool(new)


def _add_order(tree: exp.Select, dialect: str) -> bool:
    """Order a list of groups by its first number, the largest first, and then by what it is grouped by."""
    from sqlglot import exp

    group = tree.args.get("group")
    measures = [item for item in tree.selects if isinstance(item.unalias(), exp.AggFunc | exp.Round)]
    if tree.args.get("order") or not group or not measures:
        return False
    if not all(isinstance(item, exp.Column) for item in group.expressions):
        return False
    shown = [item.unalias() for item in tree.selects if isinstance(item.unalias(), exp.Column)]
    ties = [column.sql(dialect) for column in shown if column in group.expressions]
    named = measures[0].alias and measures[0].alias not in {column.name for column in tree.find_all(exp.Column)}
    first = exp.column(measures[0].args["alias"].copy()) if named else measures[0].unalias()
    tree.order_by(f"{first.sql(dialect)} DESC", *ties, dialect=dialect, copy=False)
    return True


def _list_order(tree: exp.Select) -> bool:
    """Different rows can only be ordered by what they show."""
    order = tree.args.get("order")
    shown = {part.sql().lower() for item in tree.selects for part in (item.unalias(),)} | {
        item.alias_or_name.lower() for item in tree.selects
    }
    hidden = [item.this for item in order.expressions if item.this.sql().lower() not in shown] if order else []
    for node in hidden:
        tree.append("expressions", node.copy())
    return bool(hidden)


def _is_alias(column: exp.Column, tree: exp.Select) -> bool:
    return not column.table and column.name.lower() in {item.alias_or_name.lower() for item in tree.selects}


def _aggregated(tree: exp.Select) -> bool:
    from sqlglot import exp

    return any(item.find(exp.AggFunc) for item in tree.selects)


def _add_other_names(tree: exp.Select, schema: Schema) -> bool:
    """Add the last name beside a first name, and the other way round, from the same table."""
    from sqlglot import exp

    columns = [item.unalias() for item in tree.selects]
    shown = {(column.table.lower(), column.name.lower()) for column in columns if isinstance(column, exp.Column)}
    changed = False
    for column in columns:
        other = _other_name(column.name, schema) if isinstance(column, exp.Column) else ""
        if other and isinstance(column, exp.Column) and (column.table.lower(), other.lower()) not in shown:
            added = exp.column(other, table=column.args.get("table"))
            tree.append("expressions", added)
            group = tree.args.get("group")
            if group:
                group.append("expressions", added.copy())
            changed = True
    return changed


def _other_name(name: str, schema: Schema) -> str:
    """The counterpart of a first or last name, when every table that has the one has the other."""
    pattern = _LAST if _FIRST.fullmatch(name) else _FIRST if _LAST.fullmatch(name) else None
    if pattern is None:
        return ""
    found: set[str] = set()
    for table in schema.tables:
        names = [column.name for column in table.columns]
        if name.lower() in {known.lower() for known in names}:
            found.add(next((known for known in names if pattern.fullmatch(known)), ""))
    return found.pop() if len(found) == 1 else ""
