"""Joins of tables that a question does not speak of: they hide the rows that have none there, and repeat the others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from service.domain.rules import WORD_NUMBERS, numbers_in
from service.domain.schema_linking import name_parts, stem, words_of
from service.domain.sql import SchemaTable

if TYPE_CHECKING:
    from sqlglot import exp

_NUMBER = re.compile(rf"\d[\d.,]*|\b(?:{'|'.join(WORD_NUMBERS)})\b", re.I)
_FURTHER = re.compile(r"(?<=\w )(?:who|whom|whose|that|which|with|without|having|and|but|ever|never)\b", re.I)
_BOUND_WORDS = 4
_UNIT_WORDS = 1


def speaks_of(question: str, table: SchemaTable, read: Sequence[SchemaTable]) -> bool:
    """Whether a word of the question that the tables which are read leave over is a name in the table, keys aside."""
    asked = {stem(word) for word in words_of(question)} - {word for other in read for word in _names(other)}
    return not asked.isdisjoint(_names(table)) or not set(name_parts(table.name)).isdisjoint(
        stem(word) for word in words_of(question)
    )


def is_only_bounded(select: exp.Select, question: str) -> bool:
    """Whether a number of the question bounds the rows, and the question says no more of them.

    "Which customers above 30 bought something?" says more, and the join to what was bought may be all that says so.
    """
    from sqlglot import exp

    where = select.args.get("where")
    compared = list(where.this.find_all(exp.GT, exp.GTE, exp.LT, exp.LTE)) if where else []
    given = numbers_in(question)
    if not any(_is_given(item.expression, given) for item in compared):
        return False
    *_, last = _NUMBER.finditer(question)
    if len(words_of(question[last.end() :])) > _UNIT_WORDS:
        return False
    starts = (found.end() for found in _FURTHER.finditer(question[: last.start()]))
    return all(len(words_of(question[start : last.start()])) <= _BOUND_WORDS for start in starts)


def _is_given(number: exp.Expr, given: set[float]) -> bool:
    from sqlglot import exp

    return isinstance(number, exp.Literal) and not number.is_string and float(number.name) in given


def _names(table: SchemaTable) -> set[str]:
    keys = {*table.primary_key, *(name for key in table.foreign_keys for name in key.columns)}
    own = {part for column in table.columns if column.name not in keys for part in name_parts(column.name)}
    commented = [table.comment, *(column.comment for column in table.columns)]
    return own | set(name_parts(table.name)) | {stem(word) for text in commented for word in words_of(text)}
