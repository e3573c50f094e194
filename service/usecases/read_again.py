"""Ask the documents a part of a question, or all of it with what the database found."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from service.domain.bands import band_of
from service.domain.caller import Caller
from service.domain.questions import Question
from service.domain.tables import Table
from service.domain.terms import terms
from service.domain.units import CELL_SEPARATOR, is_table_row, unit_text
from service.usecases.choose_evidence import LEAST_RULE
from service.usecases.compose_answer import select_evidence
from service.usecases.read_passages import OWN_WORDS_WEIGHT, Evidence, by_relevance
from service.usecases.retrieve_passages import Retrieved, RetrievePassages

MAX_VALUES = 3
_KEY = re.compile(r"(?:^|_|(?<=[a-z]))(?:id|no|number|key|code)$", re.I)


@dataclass(frozen=True, slots=True)
class ReadAgain:
    """One more retrieval a question. may_embed_rows is false where no row may go to a model that runs elsewhere."""

    retrieve: RetrievePassages
    may_embed_rows: bool = True

    async def part(self, caller: Caller, question: Question, asked: str) -> tuple[list[Evidence], Retrieved]:
        """The evidence for a part of the question, the best first. Raises UpstreamUnavailable."""
        found = await self.retrieve(caller, replace(question, text=asked))
        return select_evidence(by_relevance(found.evidence), LEAST_RULE), found

    async def with_rows(
        self, caller: Caller, question: Question, asked: str, rows: Table
    ) -> tuple[list[Evidence], Retrieved]:
        """The evidence for what the rows name: rows of a rule table that a number of theirs falls into come first.

        Raises UpstreamUnavailable.
        """
        values = named_by(rows)
        text = f"{', '.join(values)}: {asked}" if values and self.may_embed_rows else asked
        found = await self.retrieve(caller, replace(question, text=text))
        evidence = by_relevance(found.evidence if self.may_embed_rows else by_value(found.evidence, values))
        return select_evidence(by_band(evidence, numbers_of(rows)), LEAST_RULE), found


def by_value(evidence: Sequence[Evidence], values: Sequence[str]) -> list[Evidence]:
    """The evidence, more relevant by as much as words of the question count where a unit holds a word of a value."""
    named = {term for value in values for term in terms(value)}

    def holds(item: Evidence) -> bool:
        return not named.isdisjoint(terms(unit_text(item.passage.chunk, item.unit)))

    return [replace(item, relevance=item.relevance + OWN_WORDS_WEIGHT * holds(item)) for item in evidence]


def named_by(rows: Table) -> list[str]:
    """The texts of the first rows, each once: what documents may speak of by name."""
    cells = (cell for row in rows.rows[:MAX_VALUES] for cell in row)
    return list(dict.fromkeys(cell for cell in cells if isinstance(cell, str) and cell and not cell[0].isdigit()))


def numbers_of(rows: Table) -> list[Decimal]:
    """What a single row measures; keys measure nothing."""
    if len(rows.rows) != 1:
        return []
    cells = zip(rows.columns, rows.rows[0], strict=True)
    return [
        Decimal(str(cell))
        for column, cell in cells
        if isinstance(cell, (int, float, Decimal)) and not isinstance(cell, bool) and not _KEY.search(column.name)
    ]


def by_band(evidence: Sequence[Evidence], numbers: Sequence[Decimal]) -> list[Evidence]:
    """The evidence with the table row first whose band holds a number, and without the other bands of its table."""
    likeliest = next((item for item in evidence if _fits(item, numbers)), None)
    if likeliest is None:
        return list(evidence)
    chunk = likeliest.passage.chunk
    others = [
        item for item in evidence if item is not likeliest and not (item.passage.chunk is chunk and _has_band(item))
    ]
    return [replace(likeliest, score=max(likeliest.score, evidence[0].score)), *others]


def _fits(item: Evidence, numbers: Sequence[Decimal]) -> bool:
    bands = [band_of(cell) for cell in _cells(item)]
    return any(band is not None and band.holds(number) for band in bands for number in numbers)


def _has_band(item: Evidence) -> bool:
    return any(band_of(cell) for cell in _cells(item))


def _cells(item: Evidence) -> list[str]:
    chunk = item.passage.chunk
    if not is_table_row(chunk, item.unit):
        return []
    return chunk.text[item.unit.start : item.unit.end].split(CELL_SEPARATOR)
