"""Whole division, and what other dialects write or PostgreSQL refuses, in PostgreSQL's own words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from service.domain.sql import Schema

if TYPE_CHECKING:
    from sqlglot import exp

_DATES = ("date", "timestamp")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_FORMATS = {"%Y": "YYYY", "%m": "MM", "%d": "DD", "%H": "HH24", "%M": "MI", "%S": "SS", "%B": "FMMonth", "%w": "D"}


def mend_dialect(tree: exp.Expr, schema: Schema) -> int:
    """Correct functions of dates, whole division, and aliases where none may stand; says how many."""
    types = {column.name.lower(): column.type.lower() for table in schema.tables for column in table.columns}
    count = _divide(tree, types)
    if schema.dialect != "postgresql":
        return count
    count += _mend_dates(tree, types) + _compare_days(tree, types) + _compare_dates(tree, schema)
    count += _write_out_aliases(tree)
    return count


def _is(column: exp.Expr | None, types: dict[str, str], kinds: tuple[str, ...]) -> bool:
    from sqlglot import exp

    return isinstance(column, exp.Column) and types.get(column.name.lower(), "").startswith(kinds)


def _mend_dates(tree: exp.Expr, types: dict[str, str]) -> int:
    from sqlglot import exp

    count = 0
    for node in list(tree.find_all(exp.Extract, exp.TimestampTrunc, exp.DateTrunc, exp.Anonymous, exp.Year)):
        new = _mended_date(node, types)
        if new is not None:
            node.replace(new)
            count += 1
    return count


def _mended_date(node: exp.Expr, types: dict[str, str]) -> exp.Expr | None:
    from sqlglot import exp

    if isinstance(node, exp.Extract):
        inner, part = node.expression, node.this.name.upper()
        whole = inner.unnest() if isinstance(inner, exp.Paren) else inner
        if part == "YEAR" and _is(inner, types, ("int", "bigint", "smallint")):
            return inner.copy()
        days = isinstance(whole, exp.Sub) and all(
            _is(side, types, ("date",)) for side in (whole.this, whole.expression)
        )
        return exp.Paren(this=whole.copy()) if days and part in ("DAY", "DAYS") else None
    if isinstance(node, exp.Year):
        return node.this.copy() if _is(node.this, types, ("int", "bigint", "smallint")) else None
    if isinstance(node, (exp.TimestampTrunc, exp.DateTrunc)):
        return node.this.copy() if _is(node.this, types, ("int", "bigint", "smallint")) else None
    name, parts = node.name.lower(), node.expressions
    if name == "strftime" and len(parts) == 2 and isinstance(parts[0], exp.Literal):
        text = parts[0].name
        for mark, own in _FORMATS.items():
            text = text.replace(mark, own)
        return (
            None if "%" in text else exp.func("to_char", parts[1].copy(), exp.Literal.string(text), dialect="postgres")
        )
    if name == "julianday" and len(parts) == 1:
        return exp.cast(parts[0].copy(), "date")
    if name == "curdate":
        return exp.CurrentDate()
    return None


def _compare_days(tree: exp.Expr, types: dict[str, str]) -> int:
    """A time stamp falls on a day, or between two days, whatever its hour."""
    from sqlglot import exp

    count = 0
    for node in list(tree.find_all(exp.EQ, exp.Between)):
        column = node.this
        last = node.args["high"] if isinstance(node, exp.Between) else node.expression
        is_day = isinstance(last, exp.Literal) and last.is_string and _DAY.fullmatch(last.name)
        if is_day and _is(column, types, ("timestamp",)):
            column.replace(exp.cast(column.copy(), "date"))
            count += 1
    return count


def _compare_dates(tree: exp.Expr, schema: Schema) -> int:
    """A text cannot be compared with the current date; the only column of dates of its table can."""
    from sqlglot import exp

    tables = {table.name.lower(): table for table in schema.tables}
    aliases = {node.alias_or_name.lower(): tables.get(node.name.lower()) for node in tree.find_all(exp.Table)}
    count = 0
    for node in list(tree.find_all(exp.GT, exp.GTE, exp.LT, exp.LTE)):
        column = node.this
        if not isinstance(column, exp.Column) or not node.expression.find(exp.CurrentDate, exp.CurrentTimestamp):
            continue
        table = aliases.get(column.table.lower())
        own = next((c for c in table.columns if c.name.lower() == column.name.lower()), None) if table else None
        if table is None or own is None or not own.type.lower().startswith(("text", "char")):
            continue
        dates = [c.name for c in table.columns if c.type.lower().startswith(_DATES)]
        if len(dates) == 1:
            column.set("this", exp.to_identifier(dates[0]))
            count += 1
    return count


def _divide(tree: exp.Expr, types: dict[str, str]) -> int:
    """A quotient of counts is not whole, and nothing is divided by zero."""
    from sqlglot import exp

    count = 0
    for node in list(tree.find_all(exp.Div)):
        if _is_whole(node.this, types) and _is_whole(node.expression, types):
            node.set("this", exp.cast(node.this.copy(), "double precision"))
            count += 1
        divisor = node.expression
        if not isinstance(divisor, (exp.Literal, exp.Nullif)):
            node.set("expression", exp.Nullif(this=divisor.copy(), expression=exp.Literal.number(0)))
    return count


def _is_whole(node: exp.Expr, types: dict[str, str]) -> bool:
    from sqlglot import exp

    while isinstance(node, exp.Paren):
        node = node.this
    if isinstance(node, exp.Literal):
        return not node.is_string and node.name.isdigit()
    if isinstance(node, exp.Nullif | exp.Sum | exp.Coalesce | exp.Min | exp.Max | exp.Distinct):
        inner = node.this if not isinstance(node, exp.Distinct) else node.expressions[0]
        return _is_whole(inner, types)
    if isinstance(node, exp.Case):
        return all(_is_whole(part.args["true"], types) for part in node.args["ifs"])
    if isinstance(node, exp.Subquery):
        return len(node.selects) == 1 and _is_whole(node.selects[0].unalias(), types)
    if isinstance(node, exp.Filter):
        return _is_whole(node.this, types)
    if isinstance(node, (exp.Add, exp.Sub, exp.Mul)):
        return _is_whole(node.this, types) and _is_whole(node.expression, types)
    return isinstance(node, exp.Count) or _is(node, types, ("int", "bigint", "smallint"))


def _write_out_aliases(tree: exp.Expr) -> int:
    """Outputs that are called by their alias in WHERE and HAVING, where only their expressions may stand."""
    from sqlglot import exp

    count = 0
    for select in tree.find_all(exp.Select):
        outputs = {item.alias.lower(): item.this for item in select.selects if item.alias}
        having = select.args.get("having")
        for column in list(having.find_all(exp.Column)) if having else ():
            meant = outputs.get(column.name.lower()) if not column.table else None
            if meant is not None and column.parent_select is select and not isinstance(meant, exp.Column):
                column.replace(exp.Paren(this=meant.copy()) if isinstance(meant, exp.Binary) else meant.copy())
                count += 1
    return count
