"""Units that a question asks in, for columns that store another one."""

from __future__ import annotations

from dataclasses import dataclass

from service.domain.schema_linking import name_parts, stem, words_of
from service.domain.schema_memo import once_per_schema
from service.domain.sql import Schema

# Each unit in the smallest one of its kind: milliseconds, bytes.
_TIMES = {"millisecond": 1, "second": 1_000, "minute": 60_000, "hour": 3_600_000, "day": 86_400_000}
_SIZES = {"byte": 1, "kilobyte": 1024, "megabyte": 1024**2, "gigabyte": 1024**3, "mb": 1024**2, "gb": 1024**3}
_UNITS = (_TIMES, _SIZES)
_NUMBERS = ("INT", "NUM", "DEC", "REAL", "DOUB", "FLOA")


@dataclass(frozen=True, slots=True)
class Conversion:
    """unit is asked for; the column holds factor times as many of a smaller one."""

    unit: str
    table: str
    column: str
    factor: float

    def text(self) -> str:
        """For the prompt."""
        return f"{self.unit} = ROUND({self.table}.{self.column} / {self.factor:.1f}, 1)"


def conversions(question: str, schema: Schema) -> list[Conversion]:
    """Conversions to the units that a question names, of columns that are named by their unit."""
    # "Within an hour" asks for no conversion, "how many hours" does.
    asked = [stem(word) for word in words_of(question) if word.lower().endswith(("s", "mb", "gb"))]
    return [
        Conversion(f"{name}s", table, column, size / stored)
        for units, columns in zip(_UNITS, _measured(schema), strict=True)
        for table, column, stored in columns
        for name, size in units.items()
        if stem(name) in asked and size > stored
    ]


@once_per_schema
def _measured(schema: Schema) -> tuple[tuple[tuple[str, str, int], ...], ...]:
    """For each kind of _UNITS the tables and columns of numbers that are named by a unit, and its size."""
    found: list[tuple[tuple[str, str, int], ...]] = []
    for units in _UNITS:
        stems = {stem(name): size for name, size in units.items()}
        sizes = [
            (table.name, column.name, stems[part])
            for table in schema.tables
            for column in table.columns
            if any(mark in column.type.upper() for mark in _NUMBERS)
            for part in [part for part in name_parts(column.name) if part in stems][:1]
        ]
        found.append(tuple(sizes))
    return tuple(found)
