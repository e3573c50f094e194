"""Rows in words, by template. Every number in them stands in the table, or in the filters that found nothing."""

from __future__ import annotations

import datetime as dt
import decimal
import re

from service.domain.sql import SqlResult
from service.domain.sql_filters import filters_of
from service.domain.tables import CellValue, Table

MAX_PHRASED_ROWS = 20
MAX_CELL_CHARACTERS = 300
_BARE_NAME = re.compile(r"[A-Za-z_][\w ]*")
_AGGREGATE = re.compile(r"(count|sum|avg|min|max)(?:\s*\(.*\))?", re.IGNORECASE | re.DOTALL)
_AGGREGATES = {"count": "count", "sum": "total", "avg": "average", "min": "lowest value", "max": "highest value"}
_NONE = "The database has no row that fits"


def phrase_rows(result: SqlResult) -> str:
    """The rows as sentences and a list in Markdown."""
    table = result.table
    if not table.rows or all(cell is None for row in table.rows for cell in row):
        return _nothing(result)
    names = [_shown_name(column.name) for column in table.columns]
    if len(table.rows) == 1 and not table.truncated:
        return _one_row(names, table.rows[0])
    return _several_rows(names, table)


def _nothing(result: SqlResult) -> str:
    """Says what was asked for, since the reason that nothing was found is most often there."""
    said = "The database has no value for this" if result.table.rows else _NONE
    filters = filters_of(result.statement.sql, result.statement.dialect)
    return f"{said}. It was asked for: {'; '.join(filters)}." if filters else f"{said}."


def _one_row(names: list[str], row: tuple[CellValue, ...]) -> str:
    if len(row) == 1:
        return _one_cell(names[0] or "answer", row[0])
    cells = zip(names, row, strict=True)
    return "; ".join(f"{name}: {_shown(cell)}" if name else _shown(cell) for name, cell in cells)


def _one_cell(name: str, cell: CellValue) -> str:
    plural = re.search(r"[^s]s$", name) is not None
    if plural and " " not in name and isinstance(cell, int) and cell not in (True, False):
        return f"There are {cell} {name}."
    return f"The {name} {'are' if plural else 'is'} {_shown(cell)}."


def _several_rows(names: list[str], table: Table) -> str:
    columns = f" ({', '.join(names)})" if all(names) else ""
    count = len(table.rows)
    what = f"{count} {'row fits' if count == 1 else 'rows fit'}{columns}"
    if table.truncated:
        what = f"These are the first {count} rows{columns}; there are more than may be returned"
    lines = ["- " + ", ".join(_shown(cell) for cell in row) for row in table.rows[:MAX_PHRASED_ROWS]]
    rest = count - MAX_PHRASED_ROWS
    if rest > 0:
        lines.append(f"- and {rest} more {'row' if rest == 1 else 'rows'} in the table")
    return "\n".join([f"{what}:", "", *lines])


def _shown_name(name: str) -> str:
    """A column's name as words; empty for an expression that has none."""
    aggregate = _AGGREGATE.fullmatch(name)
    if aggregate:
        return _AGGREGATES[aggregate[1].lower()]
    if not _BARE_NAME.fullmatch(name):
        return ""
    return " ".join(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).replace("_", " ").split()).lower()


def _shown(cell: CellValue) -> str:
    match cell:
        case None:
            return "(none)"
        case bool():
            return "yes" if cell else "no"
        case float():
            return f"{cell:.10g}"
        case decimal.Decimal():
            return f"{cell:f}"
        case bytes():
            return f"{len(cell)} bytes"
        case dt.datetime():
            return cell.date().isoformat() if cell.time() == dt.time() else str(cell)
        case dt.date():
            return cell.isoformat()
        case _:
            return _on_one_line(str(cell))


def _on_one_line(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= MAX_CELL_CHARACTERS else f"{plain[:MAX_CELL_CHARACTERS]}…"
