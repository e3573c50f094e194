"""One sentence about a statement for the person who reviews it, made from its syntax tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.domain.sql_guard import read_statement
from service.domain.sql_guard_series import is_series
from service.domain.sql_text import sql_text

if TYPE_CHECKING:
    from sqlglot import exp

_MAX_PART = 200


def explain(sql: str, dialect: str) -> str:
    """Say what a guarded statement selects, from where, and how it filters, groups, orders and limits."""
    from sqlglot import exp

    tree = read_statement(sql, dialect)
    if isinstance(tree, exp.SetOperation):
        parts = len(list(tree.find_all(exp.SetOperation))) + 1
        kind = type(tree).__name__.lower()
        sentence = f"Combines the rows of {parts} queries ({kind}) over {_join(_tables(tree))}"
    else:
        sentence = _select_sentence(tree, dialect)
    order = tree.args.get("order")
    if order:
        sentence += f", ordered by {_join([_ordered(item, dialect) for item in order.expressions])}"
    limit = tree.args.get("limit")
    if isinstance(limit, exp.Limit):
        count = sql_text(limit.expression, dialect)
        sentence += f", at most {count} {'row' if count == '1' else 'rows'}"
    return f"{sentence}."


def _select_sentence(tree: exp.Expr, dialect: str) -> str:
    from sqlglot import exp

    distinct = "the different values of " if tree.args.get("distinct") else ""
    selected: list[exp.Expr] = tree.args.get("expressions") or []
    outputs = [_output(item, dialect) for item in selected]
    tables = _tables(tree)
    sentence = f"Selects {distinct}{_cut(_join(outputs))}" + (
        f" from {_join(tables)}" if tables else " without a table"
    )
    where, group, having = (tree.args.get(name) for name in ("where", "group", "having"))
    if where:
        sentence += f", where {_cut(sql_text(where.this, dialect))}"
    if group:
        sentence += f", grouped by {_join([sql_text(item, dialect) for item in group.expressions])}"
    if having:
        sentence += f", keeping groups where {_cut(sql_text(having.this, dialect))}"
    nested = sum(1 for _ in tree.find_all(exp.Select)) - 1
    if nested:
        sentence += f", using {nested} inner {'query' if nested == 1 else 'queries'}"
    return sentence


def _output(item: exp.Expr, dialect: str) -> str:
    from sqlglot import exp

    plain = item.unalias()
    text = plain.name if isinstance(plain, exp.Column) else sql_text(plain, dialect)
    return f"{text} as {item.alias}" if item.alias and item.alias != text else text


def _ordered(item: exp.Expr, dialect: str) -> str:
    return f"{sql_text(item.this, dialect)} ({'highest' if item.args.get('desc') else 'lowest'} first)"


def _tables(tree: exp.Expr) -> list[str]:
    from sqlglot import exp

    hidden = {cte.alias for cte in tree.find_all(exp.CTE)}
    return sorted({"a series" if is_series(table) else table.name for table in tree.find_all(exp.Table)} - hidden)


def _join(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else "nothing"


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_PART else f"{text[: _MAX_PART - 3]}..."
