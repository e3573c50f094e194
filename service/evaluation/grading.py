"""Whether rows, texts and quotes are right.

A result is right when each gold column is matched by a column of its own with the same values, rows in the same
order only where the gold SQL orders them. Numbers are compared to two decimals, texts without case.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Sequence

from ragsql.v1.table_pb2 import Table, Value

MAX_ASSIGNMENTS = 5_000


def rows_match(gold: Sequence[Sequence[object]], found: Sequence[Sequence[object]], ordered: bool) -> bool:
    """Whether found holds the gold rows; extra columns are allowed."""
    if len(gold) != len(found):
        return False
    if not gold:
        return True
    gold_rows = [tuple(_plain(cell) for cell in row) for row in gold]
    found_rows = [tuple(_plain(cell) for cell in row) for row in found]
    candidates = [_columns_like(gold_rows, i, found_rows) for i in range(len(gold_rows[0]))]
    for choice in itertools.islice(itertools.product(*candidates), MAX_ASSIGNMENTS):
        picked = [tuple(row[i] for i in choice) for row in found_rows]
        if len(set(choice)) == len(choice) and (
            picked == gold_rows if ordered else Counter(picked) == Counter(gold_rows)
        ):
            return True
    return False


def is_ordered(sql: str) -> bool:
    """Whether the outermost query orders its rows."""
    return bool(re.search(r"\border\s+by\b[^()]*$", sql, re.I))


def numbers_in_text(gold: Sequence[Sequence[object]], text: str) -> bool:
    """Whether every cell of a single gold row stands in the text."""
    if len(gold) != 1:
        return False
    stated = {_plain(number.replace(",", "")) for number in re.findall(r"-?\d[\d,]*(?:\.\d+)?", text)}
    return all(
        _plain(cell) in stated or (isinstance(cell, str) and cell.casefold() in text.casefold()) for cell in gold[0]
    )


def patterns_match(patterns: Sequence[str], text: str) -> bool:
    """Whether every pattern is found, without case."""
    return all(re.search(pattern, text, re.I) for pattern in patterns)


def stands_in(quote: str, text: str) -> bool:
    """Whether a quote stands in a text, apart from white space and cell separators."""
    return _squeezed(quote) in _squeezed(text)


def rows_of(table: Table) -> list[list[object]]:
    """The values of a table."""
    return [[_value(value) for value in row.values] for row in table.rows]


def _value(value: Value) -> object:
    kind = value.WhichOneof("kind")
    if kind == "timestamp_value":
        return value.timestamp_value.ToDatetime().isoformat(" ")
    return getattr(value, kind) if kind else None


def _squeezed(text: str) -> str:
    return re.sub(r"[\s|]+", "", text)


def _columns_like(gold: Sequence[tuple[object, ...]], column: int, found: Sequence[tuple[object, ...]]) -> list[int]:
    wanted = Counter(row[column] for row in gold)
    return [i for i in range(len(found[0])) if Counter(row[i] for row in found) == wanted]


def _plain(cell: object) -> object:
    if cell is None or isinstance(cell, bool):
        return cell
    try:
        return round(float(str(cell)), 2)
    except ValueError:
        return re.sub(r"[T ]00:00:00(\.0+)?(Z|\+00:00)?$", "", str(cell)).strip().casefold()
