"""SQL written from a syntax tree, as a person would write it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.generator import Generator

SQLGLOT_DIALECTS = {"sqlite": "sqlite", "postgresql": "postgres"}


def sql_text(tree: exp.Expr, dialect: str, *, copy: bool = True, **options: Any) -> str:
    """The text of a tree, with x NOT IN (…) for NOT x IN (…) and the like. copy=False spends the tree.

    options are those of sqlglot's generators. Raises UnsupportedError where they say so.
    """
    return _writer(dialect)(dialect=SQLGLOT_DIALECTS[dialect], **options).generate(tree, copy=copy)


@lru_cache(maxsize=2)
def _writer(dialect: str) -> type[Generator]:
    from sqlglot import exp
    from sqlglot.dialects.dialect import Dialect

    parent: type[Generator] = Dialect.get_or_raise(SQLGLOT_DIALECTS[dialect]).generator_class
    turned = (exp.In, exp.Between, exp.Like, exp.ILike)

    class Readable(parent):
        """NOT stands where it is read, before IN, BETWEEN, LIKE and NULL."""

        def not_sql(self, expression: exp.Not) -> str:
            inner = expression.this
            is_null = isinstance(inner, exp.Is) and isinstance(inner.expression, exp.Null)
            if is_null or (isinstance(inner, turned) and not inner.comments):
                whole, left = self.sql(inner), self.sql(inner, "this")
                word = " IS" if is_null else ""
                if whole.startswith(f"{left}{word} "):
                    return f"{left}{word} NOT{whole[len(left) + len(word) :]}"
            return super().not_sql(expression)

    return Readable
