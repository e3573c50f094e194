"""The rules of documents that may decide what the database is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from service.domain.documents import Chunk, Span
from service.domain.rules import selects, statement_applies
from service.domain.units import is_table_row, unit_text
from service.usecases.read_passages import Evidence

MAX_RULES = 5
MAX_UNITS = 3
SELECTS_WEIGHT = 0.1
ANSWER_WEIGHT = 0.02
"""What a number, a comparison, and the reader's logarithm each add to the relevance; see docs/hybrid.md."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A text that may decide what to select, and the units that it was taken from, the likeliest first."""

    text: str
    units: tuple[Evidence, ...]

    def applied_by(self, sql: str, question: str) -> Evidence:
        """The unit that the statement applies: what is to be cited for it."""
        applied = (u for u in self.units if statement_applies(sql, unit_text(u.passage.chunk, u.unit), question))
        return next(applied, self.units[0])


def likeliest_rules(evidence: Sequence[Evidence]) -> list[Evidence]:
    """The evidence by how likely each unit is a rule that decides the question; its relevance stands for the score."""

    def likeliness(item: Evidence) -> float:
        signs = sum(selects(unit_text(item.passage.chunk, item.unit)))
        return item.relevance + SELECTS_WEIGHT * signs + ANSWER_WEIGHT * item.answers

    return [replace(item, score=item.relevance) for item in sorted(evidence, key=likeliness, reverse=True)]


def find_rules(evidence: Sequence[Evidence], least: float) -> list[Rule]:
    """At most MAX_RULES rules, the likeliest first: the best units alone, then what stands around them.

    A unit alone leaves a reader least to mistake. A table row comes later with its whole table, and a sentence with
    its neighbours, which often hold the number or the exception.
    """
    best = [item for item in evidence[:MAX_UNITS] if item.score >= least]
    rules = [Rule(unit_text(item.passage.chunk, item.unit), (item,)) for item in best]
    rules += [_with_surroundings(item) for item in best]
    return list({rule.text: rule for rule in reversed(rules)}.values())[::-1][:MAX_RULES]


def whole(item: Evidence) -> str:
    """The unit, or the table that it is a row of."""
    chunk = item.passage.chunk
    units = _rows(chunk) if is_table_row(chunk, item.unit) else [item.unit]
    return "\n".join(unit_text(chunk, unit) for unit in units)


def _with_surroundings(item: Evidence) -> Rule:
    chunk = item.passage.chunk
    row = is_table_row(chunk, item.unit)
    near = _rows(chunk) if row else _neighbours(chunk, item.unit)
    text = ("\n" if row else " ").join(unit_text(chunk, unit) for unit in near)
    others = tuple(replace(item, unit=unit) for unit in near if unit != item.unit)
    return Rule(text, (item, *others))


def _rows(chunk: Chunk) -> list[Span]:
    return [unit for unit in chunk.units if is_table_row(chunk, unit)]


def _neighbours(chunk: Chunk, unit: Span) -> list[Span]:
    position = chunk.units.index(unit)
    return [other for other in chunk.units[max(0, position - 1) : position + 2] if _same_block(chunk, other, unit)]


def _same_block(chunk: Chunk, other: Span, unit: Span) -> bool:
    between = chunk.text[min(other.start, unit.start) : max(other.end, unit.end)]
    return "\n\n" not in between and not is_table_row(chunk, other)
