"""A bound on a total that was written as a bound on each single row."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from service.adapters.sqlgen.sources import sources
from service.domain.rules import numbers_in
from service.domain.sql import Schema

if TYPE_CHECKING:
    from sqlglot import exp

_IN_TOTAL = re.compile(r"\b(?:in total|altogether|in sum)\b", re.I)


def mend_totals(select: exp.Select, question: str, schema: Schema) -> int:
    """Compare the sum for each of what is listed, not each row: where the question says in total, or the sum is so too.

    Says how much changed: nothing unless one table is listed and a column of another is compared with a number of the
    question. The totals then order the list, and after them its keys, unless something was ordered by a number.
    """
    from sqlglot import exp

    where = select.args.get("where")
    listed = [item for item in select.selects if isinstance(item, exp.Column)]
    owners = {column.table.lower() for column in listed}
    if where is None or len(owners) != 1 or not select.args.get("joins"):
        return 0
    given = numbers_in(question)
    parts = list(where.this.flatten()) if isinstance(where.this, exp.And) else [where.this]
    for condition in parts:
        if _bounds_a_row(condition, owners, given) and (_IN_TOTAL.search(question) or _sums_too(select, condition)):
            _remove(select, parts, condition)
            _bound_total(select, condition, listed, schema)
            return 1
    return 0


def _bounds_a_row(condition: exp.Expr, owners: set[str], given: set[float]) -> bool:
    from sqlglot import exp

    if not isinstance(condition, (exp.GT, exp.GTE, exp.LT, exp.LTE)) or not isinstance(condition.this, exp.Column):
        return False
    number = condition.expression
    if not isinstance(number, exp.Literal) or number.is_string or float(number.name) not in given:
        return False
    return condition.this.table.lower() not in owners


def _sums_too(select: exp.Select, condition: exp.Expr) -> bool:
    """Whether the sum of the same column is compared in the same way."""
    from sqlglot import exp

    having = select.args.get("having")
    summed = type(condition)(this=exp.Sum(this=condition.this.copy()), expression=condition.expression.copy())
    return having is not None and any(part == summed for part in having.find_all(type(condition)))


def _remove(select: exp.Select, parts: list[exp.Expr], condition: exp.Expr) -> None:
    from sqlglot import exp

    rest = [part.copy() for part in parts if part is not condition]
    select.set("where", exp.Where(this=exp.and_(*rest)) if rest else None)


def _bound_total(select: exp.Select, condition: exp.Expr, listed: list[exp.Column], schema: Schema) -> None:
    from sqlglot import exp

    total = exp.Sum(this=condition.this.copy())
    if not any(item.find(exp.Sum) for item in select.selects):
        select.select(total.copy(), copy=False)
    if not select.args.get("group"):
        name = sources(select).get(listed[0].table.lower(), "")
        keys = next((table.primary_key for table in schema.tables if table.name.lower() == name), ())
        columns = [exp.column(key, table=listed[0].table) for key in keys] + [column.copy() for column in listed]
        select.group_by(*{column.sql(): column for column in columns}.values(), copy=False)
    order = select.args.get("order")
    if (order is None or not order.find(exp.AggFunc)) and not select.args.get("limit"):
        falls = isinstance(condition, (exp.GT, exp.GTE))
        key = select.args["group"].expressions[0].copy()
        # Where each dialect puts NULL by itself, so that nothing is written about it.
        small = schema.dialect == "sqlite"
        first = exp.Ordered(this=total.copy(), desc=falls, nulls_first=falls is not small)
        select.set("order", exp.Order(expressions=[first, exp.Ordered(this=key, nulls_first=small)]))
    if not select.args.get("having"):
        select.having(type(condition)(this=total, expression=condition.expression.copy()), copy=False)
