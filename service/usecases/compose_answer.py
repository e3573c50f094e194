"""Turn evidence into an answer whose every sentence is cited."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Sequence
from dataclasses import replace

from service.domain.documents import Span
from service.domain.questions import Answer, Citation
from service.domain.sql import SqlResult
from service.domain.units import is_table_row, unit_text
from service.usecases.read_passages import Evidence

MAX_EVIDENCE = 3
SCORE_SPREAD = 0.3
"""Evidence this much below the best is left out; see docs/reading.md."""
LEANS_ON_PREVIOUS = re.compile(
    r"(?:it|this|they|that|these|those|he|she|otherwise|in that case|after that|then|both)\b", re.I
)


def select_evidence(evidence: Sequence[Evidence], least: float) -> list[Evidence]:
    """The evidence worth showing, best first: empty when not even the best reaches least."""
    return [item for item in best_of(evidence) if item.score >= max(least, evidence[0].score - SCORE_SPREAD)]


def best_of(evidence: Sequence[Evidence]) -> list[Evidence]:
    """The first MAX_EVIDENCE pieces that do not repeat one another, each with the sentence that it leans on."""
    chosen: list[Evidence] = []
    for item in evidence:
        if len(chosen) == MAX_EVIDENCE:
            break
        if not any(_same_text(item, other) for other in chosen):
            chosen.append(_with_previous(item))
    return chosen


def put_first(item: Evidence, evidence: Sequence[Evidence]) -> list[Evidence]:
    """The evidence with this piece before all other, still at most MAX_EVIDENCE."""
    return [item, *(other for other in evidence if not _same_text(item, other))][:MAX_EVIDENCE]


def cite(item: Evidence) -> Citation:
    """The citation of one piece of evidence. Its quote stands word for word in the document's extracted text.

    Pages and boxes are those of the quote, the pages those of its chunk where the quote has no box.
    """
    chunk = item.passage.chunk
    boxes = chunk.boxes_of(item.unit)
    return Citation(
        document_id=item.passage.document_id,
        filename=item.passage.filename,
        headings=chunk.headings,
        first_page=boxes[0].page if boxes else chunk.first_page,
        last_page=boxes[-1].page if boxes else chunk.last_page,
        boxes=boxes,
        source_span=chunk.place(item.unit),
        quote=chunk.text[item.unit.start : item.unit.end],
        score=item.score,
    )


def compose(evidence: Sequence[Evidence], notes: Sequence[str] = ()) -> Answer:
    """What the documents say, then what is missing."""
    text = ""
    citations: list[Citation] = []
    for item in evidence:
        statement = statement_of(item)
        text = _append(text, statement)
        span = Span(len(text) - len(statement), len(text))
        citations.append(replace(cite(item), answer_spans=(span,)))
    for note in notes:
        text = _append(text, note)
    return Answer(uuid.uuid4().hex, text, dt.datetime.now(dt.UTC), tuple(citations))


def with_rows(half: Answer | None, said: str, result: SqlResult) -> Answer:
    """The answer with what the rows say before all else."""
    time = dt.datetime.now(dt.UTC)
    if half is None:
        return Answer(uuid.uuid4().hex, said, time, (), (result,))
    shift = len(said) + 2
    citations = tuple(
        replace(citation, answer_spans=tuple(Span(s.start + shift, s.end + shift) for s in citation.answer_spans))
        for citation in half.citations
    )
    return replace(half, text=f"{said}\n\n{half.text}", create_time=time, citations=citations, sql_results=(result,))


def statement_of(item: Evidence) -> str:
    """The evidence as a sentence of an answer."""
    if is_table_row(item.passage.chunk, item.unit):
        return unit_text(item.passage.chunk, item.unit)
    return " ".join(item.passage.chunk.text[item.unit.start : item.unit.end].split())


def _append(text: str, paragraph: str) -> str:
    return f"{text}\n\n{paragraph}" if text else paragraph


def _same_text(item: Evidence, other: Evidence) -> bool:
    same_chunk = (item.passage.document_id, item.passage.chunk.ordinal) == (
        other.passage.document_id,
        other.passage.chunk.ordinal,
    )
    return (same_chunk and item.unit.start < other.unit.end and other.unit.start < item.unit.end) or (
        statement_of(item) == statement_of(other)
    )


def _with_previous(item: Evidence) -> Evidence:
    """A sentence that leans on the one before it is shown with it."""
    chunk = item.passage.chunk
    before = [unit for unit in chunk.units if unit.end <= item.unit.start]
    if not before or not LEANS_ON_PREVIOUS.match(chunk.text[item.unit.start : item.unit.end]):
        return item
    if "\n\n" in chunk.text[before[-1].end : item.unit.start]:
        return item
    return replace(item, unit=Span(before[-1].start, item.unit.end))
