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
from service.domain.units import CELL_SEPARATOR, is_table_row
from service.usecases.choose_evidence import LEAST_RULE
from service.usecases.compose_answer import select_evidence
from service.usecases.read_passages import Evidence, by_relevance
from service.usecases.retrieve_passages import Retrieved, RetrievePassages

MAX_VALUES = 3
_KEY = re.compile(r"(?:^|_|(?<=[a-z]))(?:id|no|number|key|code)$", re.I)


@dataclass(frozen=True, slots=True)
class ReadAgain:
    """One more retrieval a question."""

    retrieve: RetrievePassages

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
        text = f"{', '.join(values)}: {asked}" if values else asked
        found = await self.retrieve(caller, replace(question, text=text))
        fitting = by_band(by_relevance(found.evidence), numbers_of(rows))
        return select_evidence(fitting, LEAST_RULE), found


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
