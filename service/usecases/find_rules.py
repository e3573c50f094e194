"""The rules of documents that may decide what the database is asked."""

from __future__ import annotations

from collections.abc import Sequence

from service.domain.documents import Chunk, Span
from service.domain.units import is_table_row, unit_text
from service.usecases.read_passages import Evidence

MAX_RULES = 5
MAX_UNITS = 3


def find_rules(evidence: Sequence[Evidence], least: float) -> list[str]:
    """At most MAX_RULES rules, the likeliest first: the best units alone, then what stands around them.

    A unit alone leaves a reader least to mistake. A table row comes later with its whole table, and a sentence with
    its neighbours, which often hold the number or the exception.
    """
    best = [item for item in evidence[:MAX_UNITS] if item.score >= least]
    alone = [unit_text(item.passage.chunk, item.unit) for item in best]
    around = ["\n".join(_around(item.passage.chunk, item.unit)) for item in best]
    return list(dict.fromkeys(alone + around))[:MAX_RULES]


def _around(chunk: Chunk, unit: Span) -> list[str]:
    position = next(i for i, other in enumerate(chunk.units) if other.end >= unit.end)
    if is_table_row(chunk, chunk.units[position]):
        return [unit_text(chunk, other) for other in chunk.units if is_table_row(chunk, other)]
    near = [other for other in chunk.units[max(0, position - 1) : position + 2] if _same_block(chunk, other, unit)]
    return [" ".join(unit_text(chunk, other) for other in near)]


def _same_block(chunk: Chunk, other: Span, unit: Span) -> bool:
    between = chunk.text[min(other.start, unit.start) : max(other.end, unit.end)]
    return "\n\n" not in between and not is_table_row(chunk, other)
