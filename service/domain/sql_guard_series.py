"""Series of numbers and dates: bounded before they run, because they make rows out of nothing."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from service.domain.sql_guard_place import refusal

if TYPE_CHECKING:
    from sqlglot import exp

MAX_SERIES = 10_000
"""The most rows of a series whose bounds are known."""
SERIES = frozenset(("GenerateSeries", "ExplodingGenerateSeries"))
_DATE = re.compile(r"([12]\d{3})-(\d\d?)-(\d\d?)(?:[ T][\d:.+]+)?")
_STEP = re.compile(r"'?(\d{1,3})\s*(day|week|month|quarter|year)?s?'?", re.IGNORECASE)
_LEAST = {"day": 1, "week": 7, "month": 28, "quarter": 84, "year": 365}
_MOST = {"day": 1, "week": 7, "month": 31, "quarter": 92, "year": 366}
_KEY = "series"


def is_series(table: exp.Expr) -> bool:
    """Whether a node is a series that stands where a table does."""
    return type(table).__name__ == "Table" and type(table.this).__name__ in SERIES


def check_series(node: exp.Expr, tree: exp.Expr) -> None:
    """One series in a statement: of at most MAX_SERIES numbers or dates between fixed bounds, or in a SELECT list of
    dates, a day or more apart, between stored ones. Raises SqlRejected.
    """
    from sqlglot import exp

    alone = sum(type(n).__name__ in SERIES for n in tree.walk()) == 1
    table = node.parent
    if alone and isinstance(table, exp.Table):
        alias = table.args.get("alias") or exp.TableAlias()
        plain = {key for key, value in table.args.items() if value} == {"this", "alias"}
        if plain and len(alias.args.get("columns") or ()) < 2 and _is_bounded(node):
            return
    elif alone and (_is_bounded(node) or _is_dated_series(node)):
        return
    raise refusal(
        "function",
        f"GENERATE_SERIES may stand once, with an alias such as AS s(n) in FROM, over at most {MAX_SERIES} numbers or "
        "days between bounds that are written out, or in a SELECT list over stored dates by steps of days or more.",
        node,
    )


def without_series(tree: exp.Expr) -> bool:
    """Put a query of one column in the place of every series, as which its column can be resolved.

    Says whether there was one.
    """
    from sqlglot import exp

    series = [found for found in tree.find_all(exp.Table) if is_series(found)]
    for table in series:
        alias = table.args["alias"]
        column = (alias.args.get("columns") or [alias.this])[0]
        stand_in = exp.Subquery(
            this=exp.Select(expressions=[exp.alias_(exp.Literal.number(0), column.copy())]),
            alias=exp.TableAlias(this=alias.this.copy()),
        )
        stand_in.meta[_KEY] = table.copy()
        table.replace(stand_in)
    return bool(series)


def with_series(tree: exp.Expr) -> None:
    """Put every series back."""
    from sqlglot import exp

    for stand_in in [found for found in tree.find_all(exp.Subquery) if _KEY in found.meta]:
        stand_in.replace(stand_in.meta[_KEY])


def _is_bounded(node: exp.Expr) -> bool:
    """Whether no stored value has a part in a series, and its size is known."""
    from sqlglot import exp

    start, end, step = (node.args.get(key) for key in ("start", "end", "step"))
    if start is None or end is None or node.find(exp.Column, exp.Query):
        return False
    numbers = [_whole(part) for part in (start, end, step) if part is not None]
    if all(number is not None for number in numbers):
        first, last, by = (*(number or 0 for number in numbers), 1)[:3]
        return by != 0 and abs(last - first) // abs(by) < MAX_SERIES
    days = _days(step, _LEAST) if step is not None else None
    bounds = _day(start), _day(end)
    if not days or bounds[0] is None or bounds[1] is None:
        return False
    return abs(bounds[1] - bounds[0]) // days < MAX_SERIES


def _whole(node: exp.Expr) -> int | None:
    from sqlglot import exp

    if isinstance(node, exp.Neg):
        inner = _whole(node.this)
        return None if inner is None else -inner
    plain = isinstance(node, exp.Literal) and not node.is_string and node.name.isascii() and node.name.isdigit()
    return int(node.name) if plain and len(node.name) < 10 else None


def _day(node: exp.Expr) -> int | None:
    """Which day an expression names, counted from the first; None when that is not known."""
    from sqlglot import exp

    if isinstance(node, (exp.CurrentDate, exp.CurrentTimestamp)):
        return dt.date.today().toordinal()
    if isinstance(node, (exp.Paren, exp.Cast, exp.DateTrunc, exp.TimestampTrunc)):
        return _day(node.this)
    if isinstance(node, (exp.Add, exp.Sub)):
        day, days = _day(node.this), _days(node.expression, _MOST)
        if day is None or days is None:
            return None
        return day + days if isinstance(node, exp.Add) else day - days
    found = _DATE.fullmatch(node.name) if isinstance(node, exp.Literal) and node.is_string else None
    try:
        return dt.date(int(found[1]), int(found[2]), int(found[3])).toordinal() if found else None
    except ValueError:
        return None


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


def _is_dated_series(node: exp.Expr) -> bool:
    """Whether a series goes from date to date by days or more, and nothing in it reaches far beyond what is stored."""
    from sqlglot import exp

    step = node.args.get("step")
    parts = [part for key in ("start", "end") if (part := node.args.get(key)) is not None]
    dated = len(parts) == 2 and all(_is_dated(part) for part in parts)
    return dated and step is not None and bool(_days(step, _LEAST)) and not node.find_ancestor(exp.From, exp.Join)


def _days(interval: exp.Expr, days: Mapping[str, int]) -> int | None:
    """How many days an interval has by those of its unit; None when it is none of whole days."""
    from sqlglot import exp

    unit = ""
    if isinstance(interval, exp.Interval):
        text, unit = interval.this.name, str(interval.args.get("unit") or "")
    elif (isinstance(interval, exp.Cast) and interval.to.this.name == "INTERVAL") or isinstance(interval, exp.Literal):
        text = interval.name
    else:
        return None
    found = _STEP.fullmatch(f"{text} {unit}".strip())
    return int(found[1]) * days[found[2].lower()] if found and found[2] else None
