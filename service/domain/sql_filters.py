"""What a statement filters on, for a person who wonders why nothing was found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.errors import SqlRejected

if TYPE_CHECKING:
    from sqlglot import exp

MAX_FILTERS = 6
_MAX_CHARACTERS = 120


def filters_of(sql: str, dialect: str) -> list[str]:
    """The conditions of every WHERE and HAVING that compare with something given, at most MAX_FILTERS."""
    from sqlglot import exp

    from service.domain.sql_guard import read_statement
    from service.domain.sql_text import sql_text

    try:
        tree = read_statement(sql, dialect)
    except SqlRejected:
        return []
    conditions = [part for clause in tree.find_all(exp.Where, exp.Having) for part in _parts(clause.this)]
    given = [part for part in conditions if part.find(exp.Literal, exp.Null, exp.Boolean)]
    texts = [sql_text(_unqualified(part), dialect, copy=False) for part in given]
    return [_cut(text) for text in dict.fromkeys(texts)][:MAX_FILTERS]


def _parts(condition: exp.Expr) -> list[exp.Expr]:
    """The conditions that AND joins."""
    from sqlglot import exp

    if isinstance(condition, exp.Paren):
        return _parts(condition.this)
    if isinstance(condition, exp.And):
        return [*_parts(condition.this), *_parts(condition.expression)]
    return [condition]


def _unqualified(condition: exp.Expr) -> exp.Expr:
    from sqlglot import exp

    copy = condition.copy()
    if copy.find(exp.Select):
        return copy
    for column in copy.find_all(exp.Column):
        column.set("table", None)
        column.this.set("quoted", False)
    return copy


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_CHARACTERS else f"{text[: _MAX_CHARACTERS - 1]}…"
