"""The texts that a CHECK constraint lets a column hold: known before the first row has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from service.adapters.databases.values import MAX_SAMPLE_LENGTH, MAX_SAMPLED

if TYPE_CHECKING:
    from sqlglot import exp

Allowed = Mapping[str, tuple[str, ...]]


def allowed_by_table(sql: str) -> Allowed:
    """Allowed texts by lower-case column of a CREATE TABLE of SQLite; none where it is not understood."""
    from sqlglot import exp

    tree = _parse(sql, "sqlite") if "CHECK" in sql.upper() else None
    return _allowed([check.this for check in tree.find_all(exp.CheckColumnConstraint)] if tree else [])


def allowed_by_checks(conditions: Sequence[str]) -> Allowed:
    """Allowed texts by lower-case column, of conditions as PostgreSQL writes them."""
    trees = [_parse(condition, "postgres") for condition in conditions]
    return _allowed([tree for tree in trees if tree is not None])


def with_allowed(allowed: Allowed, column: str, stored: Sequence[str]) -> tuple[str, ...]:
    """What a column may hold in the order of its CHECK, then what it holds besides."""
    return tuple(dict.fromkeys((*allowed.get(column.lower(), ()), *stored)))


def _parse(sql: str, dialect: str) -> exp.Expr | None:
    import sqlglot
    from sqlglot.errors import SqlglotError

    try:
        return sqlglot.parse_one(sql, read=dialect)
    except (SqlglotError, RecursionError):
        return None


def _allowed(conditions: Sequence[exp.Expr]) -> Allowed:
    found: dict[str, tuple[str, ...]] = {}
    for condition in conditions:
        for part in _parts(condition):
            column, texts = _list(part)
            short = texts and len(texts) <= MAX_SAMPLED and all(len(text) <= MAX_SAMPLE_LENGTH for text in texts)
            if column and short:
                found.setdefault(column, tuple(texts))
    return found


def _parts(condition: exp.Expr) -> list[exp.Expr]:
    """What AND joins: each of it holds by itself."""
    from sqlglot import exp

    inner = condition.unnest()
    return [*_parts(inner.left), *_parts(inner.right)] if isinstance(inner, exp.And) else [inner]


def _list(condition: exp.Expr) -> tuple[str, list[str]]:
    """The column and texts of IN, = ANY (ARRAY[…]), = and IS NULL, and of OR between those; "" for anything else."""
    from sqlglot import exp

    node = condition.unnest()
    if isinstance(node, exp.Or):
        (left, some), (right, others) = _list(node.left), _list(node.right)
        return (left, [*some, *others]) if left == right else ("", [])
    if isinstance(node, exp.Is) and isinstance(node.expression, exp.Null):
        return _column(node.this), []
    if isinstance(node, exp.In):
        return _column(node.this), _texts(node.expressions)
    if isinstance(node, exp.EQ):
        other = _bare(node.expression.this) if isinstance(node.expression, exp.Any) else None
        items = other.expressions if isinstance(other, exp.Array) else [node.expression]
        return _column(node.this), _texts(items)
    return "", []


def _column(node: exp.Expr) -> str:
    from sqlglot import exp

    bare = _bare(node.this if isinstance(node, exp.Collate) else node)
    return bare.name.lower() if isinstance(bare, exp.Column) else ""


def _texts(items: Sequence[exp.Expr]) -> list[str]:
    """The texts, none unless all are."""
    from sqlglot import exp

    bare = [_bare(item) for item in items]
    return [item.name for item in bare] if all(isinstance(i, exp.Literal) and i.is_string for i in bare) else []


def _bare(node: exp.Expr) -> exp.Expr:
    """Without brackets and casts."""
    from sqlglot import exp

    while isinstance(node, (exp.Paren, exp.Cast)):
        node = node.this
    return node
