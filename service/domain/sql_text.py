"""SQL written from a syntax tree, as a person would write it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlglot import exp

SQLGLOT_DIALECTS = {"sqlite": "sqlite", "postgresql": "postgres"}


def sql_text(tree: exp.Expr, dialect: str, *, copy: bool = True, **options: Any) -> str:
    """The text of a tree, with x NOT IN (…) for NOT x IN (…) and the like. copy=False spends the tree.

    options are those of sqlglot's generators. Raises UnsupportedError where they say so.
    """
    from sqlglot import exp
    from sqlglot.dialects.dialect import Dialect

    spent = tree.copy() if copy else tree
    for node in list(spent.find_all(exp.Not)):
        turned = _turned(node, dialect, options)
        if node is spent:
            spent = turned
        elif turned is not node:
            node.replace(turned)
    return Dialect.get_or_raise(SQLGLOT_DIALECTS[dialect]).generate(spent, copy=False, **options)


def _turned(node: exp.Not, dialect: str, options: dict[str, Any]) -> exp.Expr:
    """A condition with its NOT where it is read, before IN, BETWEEN, LIKE and NULL; node itself for others."""
    from sqlglot import exp

    inner = node.this
    if isinstance(inner, exp.Is) and isinstance(inner.expression, exp.Null):
        inner.set("expression", exp.Not(this=exp.Null()))
    elif isinstance(inner, (exp.In, exp.Between, exp.Like, exp.ILike)):
        # No node says NOT IN: the words before IN become a text.
        inner.set("this", exp.Var(this=f"{sql_text(inner.this, dialect, **options)} NOT"))
    else:
        return node
    return inner
