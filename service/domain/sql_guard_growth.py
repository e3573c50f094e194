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
_DATE = re.compile(r"[12]\d{3}-\d\d?-\d\d?(?:[ T][\d:.+]+)?")
_STEP = re.compile(r"'?(\d{1,3})\s*(day|week|month|quarter|year)?s?'?", re.IGNORECASE)


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


def check_series(node: exp.Expr, tree: exp.Expr) -> None:
    """One series of dates, a day or more apart, between dates of this age or stored ones."""
    from sqlglot import exp

    step = node.args.get("step")
    parts = [part for key in ("start", "end") if (part := node.args.get(key)) is not None]
    dated = all(_is_dated(part) for part in parts) and len(parts) == 2
    alone = len([n for n in tree.walk() if isinstance(n, type(node))]) == 1
    if not (dated and alone and step is not None and _is_days(step) and not node.find_ancestor(exp.From, exp.Join)):
        raise refusal(
            "function", "GENERATE_SERIES may stand once, in a SELECT list, over dates by steps of days or more.", node
        )


def _is_dated(part: exp.Expr) -> bool:
    """Whether nothing in an expression reaches far beyond now and what is stored."""
    from sqlglot import exp

    for literal in part.find_all(exp.Literal):
        inside = literal.find_ancestor(exp.Interval, exp.Cast)
        if isinstance(inside, exp.Interval):
            if not _STEP.fullmatch(inside.this.name):
                return False
        elif isinstance(literal.parent, exp.Cast) and literal.parent.to.this.name == "INTERVAL":
            if not _STEP.fullmatch(literal.name):
                return False
        elif not (literal.is_string and _DATE.fullmatch(literal.name)):
            return isinstance(literal.parent, (exp.TimestampTrunc, exp.DateTrunc)) and literal.is_string
    dates = (exp.CurrentDate, exp.CurrentTimestamp, exp.Column, exp.Cast, exp.TimestampTrunc, exp.DateTrunc)
    return part.find(*dates) is not None


def _is_days(step: exp.Expr) -> bool:
    from sqlglot import exp

    unit = ""
    if isinstance(step, exp.Interval):
        text, unit = step.this.name, str(step.args.get("unit") or "")
    elif (isinstance(step, exp.Cast) and step.to.this.name == "INTERVAL") or isinstance(step, exp.Literal):
        text = step.name
    else:
        return False
    found = _STEP.fullmatch(f"{text} {unit}".strip())
    return found is not None and bool(found[2]) and int(found[1]) > 0


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
