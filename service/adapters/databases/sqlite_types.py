"""SQLite's values as typed cells: what a column was declared as counts, when every value agrees."""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Callable, Sequence

from service.domain.tables import CellValue, Column, ColumnType

Row = tuple[CellValue, ...]


def type_columns(
    names: Sequence[str], declared: Sequence[str], rows: Sequence[Row]
) -> tuple[tuple[Column, ...], list[Row]]:
    """Columns with portable types, and the rows converted to them. declared holds "" where it is not known."""
    columns: list[Column] = []
    converted: list[list[CellValue]] = []
    for index, name in enumerate(names):
        values = [row[index] for row in rows]
        kind, values = _type_values(declared[index].upper(), values)
        columns.append(Column(name, kind, declared[index]))
        converted.append(values)
    return tuple(columns), list(zip(*converted, strict=True)) if rows else []


def _type_values(declared: str, values: list[CellValue]) -> tuple[ColumnType, list[CellValue]]:
    for marks, kind, convert in _CONVERTERS:
        if any(mark in declared for mark in marks):
            try:
                return kind, [None if value is None else convert(value) for value in values]
            except (ValueError, TypeError, decimal.InvalidOperation, OverflowError):
                break
    return _type_by_values(declared, values)


def _type_by_values(declared: str, values: list[CellValue]) -> tuple[ColumnType, list[CellValue]]:
    kinds = {type(value) for value in values if value is not None}
    if not kinds:
        return (ColumnType.INT64 if "INT" in declared else ColumnType.STRING), values
    if kinds == {int}:
        return ColumnType.INT64, values
    if kinds <= {int, float}:
        if any(isinstance(v, int) and int(float(v)) != v for v in values):
            return ColumnType.DECIMAL, [None if v is None else _to_decimal(v) for v in values]
        return ColumnType.DOUBLE, [float(v) if isinstance(v, int) else v for v in values]
    if kinds == {bytes}:
        return ColumnType.BYTES, values
    return ColumnType.STRING, [v.decode("utf-8", "replace") if isinstance(v, bytes) else _text(v) for v in values]


def _text(value: CellValue) -> CellValue:
    return value if value is None or isinstance(value, str) else str(value)


def _to_bool(value: CellValue) -> CellValue:
    if value in (0, 1):
        return bool(value)
    raise ValueError(value)


def _to_decimal(value: CellValue) -> CellValue:
    if isinstance(value, (int, float)):
        return decimal.Decimal(str(value))
    raise TypeError(value)


def _to_datetime(value: CellValue) -> CellValue:
    if isinstance(value, str) and len(value) >= len("2000-01-01 00:00"):
        return dt.datetime.fromisoformat(value)
    raise TypeError(value)


def _to_date(value: CellValue) -> CellValue:
    if isinstance(value, str):
        return dt.date.fromisoformat(value)
    raise TypeError(value)


_CONVERTERS: tuple[tuple[tuple[str, ...], ColumnType, Callable[[CellValue], CellValue]], ...] = (
    (("BOOL",), ColumnType.BOOL, _to_bool),
    (("DATETIME", "TIMESTAMP"), ColumnType.TIMESTAMP, _to_datetime),
    (("DATE",), ColumnType.DATE, _to_date),
    (("DECIMAL", "NUMERIC"), ColumnType.DECIMAL, _to_decimal),
)
