"""Which kind of a thing a rule turns on: the stored values that its table or its sentence goes through."""

from __future__ import annotations

from collections.abc import Sequence

from service.domain.sql import Schema
from service.domain.terms import terms

_LEAST_VALUES = 2


def deciding_column(rules: Sequence[str], schema: Schema) -> tuple[str, str] | None:
    """The table and the column most of whose values the first rule names that names two of any column.

    "Casual: $300; Regular: $150" turns on the column of plans. None where no rule goes through stored values.
    """
    values = {
        (table.name, column.name): [set(terms(value)) for value in column.values]
        for table in schema.tables
        for column in table.columns
    }
    for rule in rules:
        said = set(terms(rule))
        named = {place: sum(bool(words) and words <= said for words in held) for place, held in values.items()}
        most = max(named, key=lambda place: named[place], default=None)
        if most and named[most] >= _LEAST_VALUES:
            return most
    return None
