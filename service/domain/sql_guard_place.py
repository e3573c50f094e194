"""Where a refused part of a statement stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.errors import SqlRejected

if TYPE_CHECKING:
    from sqlglot import exp

_MAX_SHOWN = 60


def refusal(rule: str, problem: str, node: exp.Expr) -> SqlRejected:
    """The error for a node of a syntax tree, with its text and where it begins."""
    line, column = place(node)
    return SqlRejected(rule, problem, shown(node), line, column)


def place(node: exp.Expr) -> tuple[int, int]:
    """The line and column, from 1, of the first token known to belong to a node; zeros when none is."""
    known = [found.meta for found in node.walk() if "start" in found.meta]
    if not known:
        return 0, 0
    first = min(known, key=lambda meta: meta["start"])
    return first["line"], max(1, first["col"] - (first["end"] - first["start"]))


def shown(node: exp.Expr) -> str:
    """A node as text of at most 60 characters."""
    from sqlglot.errors import ErrorLevel

    text = node.sql(comments=False, unsupported_level=ErrorLevel.IGNORE)
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 3]}..."
