"""Functions that make much out of little: bounded, because no row limit bounds one value."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from service.domain.sql_guard_place import refusal

if TYPE_CHECKING:
    from sqlglot import exp

_MAX_REPLACEMENT = 20
_MAX_NESTED_REPLACE = 3
_MAX_GROWTH = 5000
_AGGREGATE_GROWTH = 100
_AGGREGATES = frozenset(("GroupConcat", "ArrayAgg"))
_JOINED = frozenset(("DPipe", "Concat", "ConcatWs"))
_FORMAT = re.compile(r"(?:[^%]|%%|%[-+ 0,]*\d{0,3}(?:\.\d{1,2})?[dfsiegEGxXqQ])*")


def check_replace(node: exp.Expr) -> None:
    """Nested replacements by longer texts grow without bound."""
    depth, parent = 0, node.parent
    while parent is not None:
        depth += type(parent).__name__ == "Replace"
        parent = parent.parent
    replacement = node.args.get("replacement")
    literal = replacement is None or type(replacement).__name__ == "Literal"
    if depth >= _MAX_NESTED_REPLACE or not literal or len(replacement.name if replacement else "") > _MAX_REPLACEMENT:
        raise refusal("function", "REPLACE may nest three times and put in at most 20 literal characters.", node)


def check_format(node: exp.Expr) -> None:
    """A width or precision makes a text of any length."""
    first = node.this if type(node).__name__ == "Format" else next(iter(node.expressions), None)
    if first is None or type(first).__name__ != "Literal" or not _FORMAT.fullmatch(first.name):
        raise refusal("function", "A format must be a literal of plain conversions, at most 999 wide.", node)


def check_growth(tree: exp.Expr) -> None:
    """Bound how many times longer than what is stored a text can become: what nested queries do multiplies."""
    from sqlglot import exp

    growth = 1
    for select in tree.find_all(exp.Select):
        growth *= max((_growth(node) for node in select.selects), default=1)
        if growth > _MAX_GROWTH:
            raise refusal("size", "The statement joins texts again and again, which makes them too long.", select)


def _growth(projection: exp.Expr) -> int:
    """How many times longer than its columns a projection can be, without the queries inside it."""
    from sqlglot import exp

    joined, factor, leaves = False, 1, 0
    for node in projection.walk(prune=lambda n: isinstance(n, exp.Query)):
        kind = type(node).__name__
        joined = joined or kind in _JOINED
        leaves += kind == "Column"
        if kind in _AGGREGATES:
            factor *= _AGGREGATE_GROWTH
        if kind == "Replace":
            replacement = node.args.get("replacement")
            factor *= max(1, len(replacement.name)) if replacement is not None else 1
    return factor * max(1, leaves if joined else 1)
