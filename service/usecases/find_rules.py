"""The rules of documents that may decide what the database is asked."""

from __future__ import annotations

from collections.abc import Sequence

from service.domain.documents import Chunk, Span
from service.domain.units import is_table_row, unit_text
from service.usecases.read_passages import Evidence

MAX_RULES = 4


def find_rules(evidence: Sequence[Evidence], least: float) -> list[str]:
    """At most MAX_RULES stretches of text around the best evidence, the likeliest first, each once.

    A table row comes with its whole table, so that a reader can pick the row; a sentence with its neighbours, which
    often hold the exception or the number.
    """
    rules: dict[str, None] = {}
    for item in evidence:
        if item.score < least or len(rules) == MAX_RULES:
            break
        rule = "\n".join(_around(item.passage.chunk, item.unit))
        if not any(rule in known or known in rule for known in rules):
            rules[rule] = None
    return list(rules)


def _around(chunk: Chunk, unit: Span) -> list[str]:
    position = next(i for i, other in enumerate(chunk.units) if other.end >= unit.end)
    if is_table_row(chunk, chunk.units[position]):
        return [unit_text(chunk, other) for other in chunk.units if is_table_row(chunk, other)]
    near = [other for other in chunk.units[max(0, position - 1) : position + 2] if _same_block(chunk, other, unit)]
    return [" ".join(unit_text(chunk, other) for other in near)]


def _same_block(chunk: Chunk, other: Span, unit: Span) -> bool:
    between = chunk.text[min(other.start, unit.start) : max(other.end, unit.end)]
    return "\n\n" not in between and not is_table_row(chunk, other)
