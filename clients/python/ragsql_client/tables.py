"""The rows of a table as Python values."""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Iterator

from ragsql.v1.table_pb2 import Table, Value

CellValue = None | bool | int | float | decimal.Decimal | str | bytes | dt.datetime | dt.date

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def value(message: Value) -> CellValue:
    """A SQL value: decimals exact, instants in UTC, None for NULL. JSON stays text."""
    match message.WhichOneof("kind"):
        case None:
            return None
        case "decimal_value":
            return decimal.Decimal(message.decimal_value)
        case "timestamp_value":
            moment = message.timestamp_value
            return _EPOCH + dt.timedelta(seconds=moment.seconds, microseconds=moment.nanos // 1000)
        case "date_value":
            return dt.date.fromisoformat(message.date_value)
        case kind:
            return getattr(message, kind)


def rows(table: Table) -> list[tuple[CellValue, ...]]:
    """The rows, one value per column, in the order of table.columns."""
    return [tuple(map(value, row.values)) for row in table.rows]


def names(table: Table) -> list[str]:
    """One name per column, each once: a repeated one gets _2, _3 and so on, an empty one is column_ and its place."""
    given = {column.name for column in table.columns}
    found: dict[str, None] = {}
    for position, column in enumerate(table.columns, start=1):
        wanted = column.name or f"column_{position}"
        if wanted in found or (not column.name and wanted in given):
            wanted = next(free for free in _numbered(wanted) if free not in found and free not in given)
        found[wanted] = None
    return list(found)


def records(table: Table) -> list[dict[str, CellValue]]:
    """The rows as dictionaries by the names that names gives: no column is lost."""
    keys = names(table)
    return [dict(zip(keys, row, strict=True)) for row in rows(table)]


def _numbered(name: str) -> Iterator[str]:
    number = 2
    while True:
        yield f"{name}_{number}"
        number += 1
