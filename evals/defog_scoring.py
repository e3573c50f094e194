"""Execution accuracy by defog's rule: a gold query may stand for several results, and extra columns are allowed.

A gold holds alternatives between semicolons; {a, b} in it is any non-empty choice of these columns, and GROUP BY {}
repeats the choice. Order matters when the category is order_by or the question asks for one; repeated rows are
ignored when no extra column is shown.
"""

from __future__ import annotations

import datetime as dt
import decimal
import itertools
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

Row = tuple[object, ...]
Cell = tuple[str, object]
_TOLERANCE, _LEAST = 1e-5, 1e-8
_MAX_CHOICES = 5_000
_MAX_UNSORTED = 500
_ORDERED = re.compile(r"\b(order|sort|arrange)\b", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?(Z|[+-]\d\d(:?\d\d)?)?")


@dataclass(frozen=True, slots=True)
class Result:
    """What a query returned."""

    sql: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def is_right(
    golds: Sequence[Result], columns: Sequence[str], rows: Sequence[Row], question: str, category: str
) -> bool:
    """Whether the rows hold one of the gold results."""
    ordered = category == "order_by" or bool(_ORDERED.search(question))
    for gold in golds:
        if _holds(gold, columns, rows, ordered):
            return True
        if len(columns) == len(gold.columns):
            once = replace(gold, rows=_distinct(gold.rows))
            if _holds(once, columns, _distinct(rows), ordered):
                return True
    return False


def expand(gold: str) -> list[str]:
    """The queries that a gold stands for, the smallest choices of columns first."""
    found: list[str] = []
    for query in _split(gold, ";"):
        opened = [i for i, mark, _ in _outside_quotes(query) if mark == "{"]
        start = next((i for i in opened if query[i + 1 : query.index("}", i)].strip()), -1)
        if start < 0:
            found.append(query)
            continue
        end = query.index("}", start)
        options = _split(query[start + 1 : end], ",", top_level=True)
        for size in range(1, len(options) + 1):
            for chosen in itertools.combinations(options, size):
                names = ", ".join(re.sub(r"\s+AS\s+\S+$", "", option, flags=re.IGNORECASE) for option in chosen)
                rest = re.sub(r"(?i)GROUP\s+BY\s*\{\s*\}", f"GROUP BY {names}".replace("\\", r"\\"), query[end + 1 :])
                found.append(query[:start] + ", ".join(chosen) + rest)
    return found


def _outside_quotes(text: str) -> Iterator[tuple[int, str, int]]:
    """Place, character and depth of parentheses, without what is quoted or a comment."""
    place, depth = 0, 0
    while place < len(text):
        mark = text[place]
        if mark in "'\"":
            end = text.find(mark, place + 1)
            place = len(text) if end < 0 else end + 1
            continue
        if text.startswith("--", place):
            end = text.find("\n", place)
            place = len(text) if end < 0 else end + 1
            continue
        depth -= mark == ")"
        yield place, mark, depth
        depth += mark == "("
        place += 1


def _split(text: str, separator: str, top_level: bool = False) -> list[str]:
    cuts = [i for i, mark, depth in _outside_quotes(text) if mark == separator and (depth == 0 or not top_level)]
    edges = [-1, *cuts, len(text)]
    return [part for a, b in itertools.pairwise(edges) if (part := text[a + 1 : b].strip())]


def _order_keys(gold: Result) -> list[int] | None:
    """None without an ORDER BY, else the output columns it orders by, empty when they are not all shown."""
    seen = {i: (mark, depth) for i, mark, depth in _outside_quotes(gold.sql)}
    top = "".join(seen[i][0] if i in seen and seen[i][1] == 0 else " " for i in range(len(gold.sql)))
    hits = list(re.finditer(r"(?i)\border\s+by\b", top))
    if not hits:
        return None
    start = hits[-1].end()
    stop = re.search(r"(?i)\b(limit|offset|fetch|for)\b", top[start:])
    names = [name.lower() for name in gold.columns]
    keys: list[int] = []
    for item in _split(gold.sql[start : start + stop.start() if stop else None], ",", top_level=True):
        plain = re.sub(r"(?i)\s+(asc|desc)\s*$", "", re.sub(r"(?i)\s+nulls\s+(first|last)\s*$", "", item)).strip()
        if plain.isdigit():
            keys.append(int(plain) - 1)
            continue
        name = plain.split(".")[-1].strip('"').lower() if re.fullmatch(r'[\w."]+', plain) else None
        if name not in names:
            squeezed = r"\s*".join(re.escape(token) for token in re.findall(r"\w+|[^\w\s]", plain))
            alias = re.search(rf"(?is){squeezed}\s+(?:AS\s+)?(\w+)\s*(?:,|\bFROM\b)", gold.sql)
            name = alias[1].lower() if alias else None
        if name not in names:
            return []
        keys.append(names.index(name))
    return keys


def _holds(gold: Result, columns: Sequence[str], rows: Sequence[Row], ordered: bool) -> bool:
    if len(rows) != len(gold.rows) or len(columns) < len(gold.columns):
        return False
    if not rows:
        return True
    wanted = [[_cell(row[i]) for row in gold.rows] for i in range(len(gold.columns))]
    have = [[_cell(row[i]) for row in rows] for i in range(len(columns))]
    gold_rows: list[tuple[Cell, ...]] = list(zip(*wanted, strict=True))
    keys = _order_keys(gold) if ordered else None
    for chosen in _choices(wanted, have):
        shown: list[tuple[Cell, ...]] = list(zip(*chosen, strict=True))
        if keys == []:
            if _same_rows(gold_rows, shown):
                return True
        elif _same_multiset(gold_rows, shown) and (keys is None or _same_rows(_at(gold_rows, keys), _at(shown, keys))):
            return True
    return False


def _at(rows: Sequence[tuple[Cell, ...]], keys: Sequence[int]) -> list[tuple[Cell, ...]]:
    return [tuple(row[key] for key in keys) for row in rows]


def _choices(wanted: Sequence[list[Cell]], have: Sequence[list[Cell]]) -> Iterator[list[list[Cell]]]:
    """Ways to find every wanted column in one of its own."""
    options = [
        [(j, column) for j, column in enumerate(have) if _same_multiset([(v,) for v in gold], [(v,) for v in column])]
        for gold in wanted
    ]

    def walk(i: int, used: frozenset[int]) -> Iterator[list[list[Cell]]]:
        if i == len(options):
            yield []
            return
        for j, column in options[i]:
            if j not in used:
                for rest in walk(i + 1, used | {j}):
                    yield [column, *rest]

    yield from itertools.islice(walk(0, frozenset()), _MAX_CHOICES)


def _cell(value: object) -> Cell:
    """A value as it is compared: midnight is its date, ISO texts are dates, truth values are 0 and 1."""
    if value is None:
        return ("null", 0)
    if isinstance(value, (bool, int, float, decimal.Decimal)):
        return ("number", value if isinstance(value, int) and abs(value) > 2**52 else float(value))
    if isinstance(value, dt.timedelta):
        return ("span", value.total_seconds())
    if isinstance(value, dt.datetime):
        zoned = value.astimezone(dt.UTC).replace(tzinfo=None) if value.tzinfo else value
        return ("time", zoned.isoformat())
    if isinstance(value, dt.date):
        return ("time", dt.datetime(value.year, value.month, value.day).isoformat())
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return _cell(dt.datetime.fromisoformat(value.replace("Z", "+00:00")))
        except ValueError:
            return ("text", value)
    return ("text", str(value))


def _same(first: Cell, second: Cell) -> bool:
    if first[0] != second[0]:
        return False
    a, b = first[1], second[1]
    if isinstance(a, (int, float)) and isinstance(b, (int, float)) and first[0] in ("number", "span"):
        return a == b or math.isclose(a, b, rel_tol=_TOLERANCE, abs_tol=_LEAST) or (a != a and b != b)
    return a == b


def _sort_key(row: tuple[Cell, ...]) -> list[tuple[str, float, str]]:
    return [(k, float(f"{v:.4g}"), "") if isinstance(v, (int, float)) else (k, 0.0, str(v)) for k, v in row]


def _same_rows(first: Sequence[tuple[Cell, ...]], second: Sequence[tuple[Cell, ...]]) -> bool:
    return len(first) == len(second) and all(all(map(_same, a, b)) for a, b in zip(first, second, strict=True))


def _same_multiset(first: Sequence[tuple[Cell, ...]], second: Sequence[tuple[Cell, ...]]) -> bool:
    if len(first) != len(second):
        return False
    a, b = sorted(first, key=_sort_key), sorted(second, key=_sort_key)
    if _same_rows(a, b) or len(a) > _MAX_UNSORTED:
        return _same_rows(a, b)
    # Rounding can upset the order: match one by one.
    for row in a:
        place = next((j for j, other in enumerate(b) if all(map(_same, row, other))), -1)
        if place < 0:
            return False
        del b[place]
    return True


def _distinct(rows: Sequence[Row]) -> tuple[Row, ...]:
    key: Callable[[Row], tuple[Cell, ...]] = lambda row: tuple(map(_cell, row))  # noqa: E731
    return tuple({key(row): row for row in reversed(rows)}.values())[::-1]
