"""PostgreSQL's values as typed cells."""

from __future__ import annotations

import datetime as dt
import decimal
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from service.domain.tables import CellValue, Column, ColumnType

if TYPE_CHECKING:
    from psycopg import Column as CursorColumn
    from psycopg import Connection

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
_JSON_ARRAYS = frozenset(("json[]", "jsonb[]"))


def type_columns(
    described: Sequence[CursorColumn], rows: Sequence[tuple[object, ...]]
) -> tuple[tuple[Column, ...], list[tuple[CellValue, ...]]]:
    """Columns with portable types, and the rows with every value as a cell."""
    columns = tuple(
        Column(column.name, _TYPES.get(column.type_display.partition("(")[0], ColumnType.STRING), column.type_display)
        for column in described
    )
    are_json = [column.type_display in _JSON_ARRAYS for column in described]
    return columns, [tuple(map(_to_cell, row, are_json)) for row in rows]


def leave_json_as_text(connection: Connection) -> None:
    """Have this connection hand over JSON as the database wrote it: parsing would round its numbers."""
    from psycopg.types.string import TextLoader

    for name in ("json", "jsonb"):
        connection.adapters.register_loader(name, TextLoader)


def _to_cell(value: object, is_json: bool = False) -> CellValue:
    """A value as a cell. is_json says that texts in an array are JSON themselves."""
    if value is None or isinstance(value, (bool, int, float, decimal.Decimal, str, bytes, dt.datetime, dt.date)):
        return value
    if isinstance(value, list):
        return _array(cast(list[object], value), is_json)
    return str(value)


def _array(items: Sequence[object], is_json: bool) -> str:
    """JSON with every number as the database wrote it."""
    return f"[{', '.join(_element(item, is_json) for item in items)}]"


def _element(item: object, is_json: bool) -> str:
    if isinstance(item, list):
        return _array(cast(list[object], item), is_json)
    if isinstance(item, str) and is_json:
        return item
    if isinstance(item, decimal.Decimal) and item.is_finite():
        return str(item)
    return json.dumps(item, ensure_ascii=False, default=str)
