"""Units that a question asks in, for columns that store another one."""

from __future__ import annotations

from dataclasses import dataclass

from service.domain.schema_linking import name_parts, stem, words_of
from service.domain.sql import Schema

# Each unit in the smallest one of its kind: milliseconds, bytes.
_TIMES = {"millisecond": 1, "second": 1_000, "minute": 60_000, "hour": 3_600_000, "day": 86_400_000}
_SIZES = {"byte": 1, "kilobyte": 1024, "megabyte": 1024**2, "gigabyte": 1024**3, "mb": 1024**2, "gb": 1024**3}
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
    found: list[Conversion] = []
    for units in (_TIMES, _SIZES):
        stems = {stem(name): size for name, size in units.items()}
        wanted = {stem(name): f"{name}s" for name in units if stem(name) in asked}
        for table in schema.tables:
            for column in table.columns:
                stored = next((part for part in name_parts(column.name) if part in stems), None)
                if stored is None or not any(mark in column.type.upper() for mark in _NUMBERS):
                    continue
                found.extend(
                    Conversion(name, table.name, column.name, stems[part] / stems[stored])
                    for part, name in wanted.items()
                    if stems[part] > stems[stored]
                )
    return found
