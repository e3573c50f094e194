"""Typed SQL results."""

from __future__ import annotations

import datetime as dt
import decimal
from dataclasses import dataclass
from enum import StrEnum

CellValue = None | bool | int | float | decimal.Decimal | str | bytes | dt.datetime | dt.date


class ColumnType(StrEnum):
    """The portable type of a column."""

    UNSPECIFIED = "UNSPECIFIED"
    BOOL = "BOOL"
    INT64 = "INT64"
    DOUBLE = "DOUBLE"
    DECIMAL = "DECIMAL"
    STRING = "STRING"
    BYTES = "BYTES"
    TIMESTAMP = "TIMESTAMP"
    DATE = "DATE"
    JSON = "JSON"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a result. The name may be empty or repeat."""

    name: str
    type: ColumnType
    database_type: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows in the order the database gave them, one value per column. truncated says that a cap cut them."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[CellValue, ...], ...]
    truncated: bool = False
