"""PostgreSQL's values as typed cells."""

from __future__ import annotations

import datetime as dt
import decimal
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from service.domain.tables import CellValue, Column, ColumnType

if TYPE_CHECKING:
    from psycopg import Column as CursorColumn

_TYPES = {
    "bool": ColumnType.BOOL,
    "int2": ColumnType.INT64,
    "int4": ColumnType.INT64,
    "int8": ColumnType.INT64,
    "oid": ColumnType.INT64,
    "float4": ColumnType.DOUBLE,
    "float8": ColumnType.DOUBLE,
    "numeric": ColumnType.DECIMAL,
    "bytea": ColumnType.BYTES,
    "timestamp": ColumnType.TIMESTAMP,
    "timestamptz": ColumnType.TIMESTAMP,
    "date": ColumnType.DATE,
    "json": ColumnType.JSON,
    "jsonb": ColumnType.JSON,
}


def type_columns(
    described: Sequence[CursorColumn], rows: Sequence[tuple[object, ...]]
) -> tuple[tuple[Column, ...], list[tuple[CellValue, ...]]]:
    """Columns with portable types, and the rows with every value as a cell."""
    columns = tuple(
        Column(column.name, _TYPES.get(column.type_display.partition("(")[0], ColumnType.STRING), column.type_display)
        for column in described
    )
    converters = [_to_json if column.type is ColumnType.JSON else _to_cell for column in columns]
    return columns, [tuple(_apply(converters, row)) for row in rows]


def _apply(converters: Sequence[Callable[[object], CellValue]], row: tuple[object, ...]) -> list[CellValue]:
    return [None if value is None else convert(value) for convert, value in zip(converters, row, strict=True)]


def _to_json(value: object) -> CellValue:
    return json.dumps(value, ensure_ascii=False)


def _to_cell(value: object) -> CellValue:
    if isinstance(value, (bool, int, float, decimal.Decimal, str, bytes, dt.datetime, dt.date)):
        return value
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
