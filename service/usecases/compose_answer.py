"""Turn evidence and rows into one answer whose every sentence is cited."""

from __future__ import annotations

import datetime as dt
import decimal
import re
import uuid
from collections.abc import Sequence
from dataclasses import replace

from service.domain.documents import Span
from service.domain.questions import Answer, Citation
from service.domain.sql import SqlResult
from service.domain.tables import CellValue, Table
from service.domain.units import is_table_row, unit_text
from service.usecases.read_passages import Evidence

MAX_EVIDENCE = 3
SCORE_SPREAD = 0.3
"""Evidence this much below the best is left out; see docs/reading.md."""
MAX_PHRASED_ROWS = 20
LEANS_ON_PREVIOUS = re.compile(
    r"(?:it|this|they|that|these|those|he|she|otherwise|in that case|after that|then|both)\b", re.I
)
BARE_NAME = re.compile(r"[A-Za-z_][\w ]*")


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


def compose(evidence: Sequence[Evidence], results: Sequence[SqlResult], notes: Sequence[str] = ()) -> Answer:
    """One answer: what the rows say, then what the documents say, then what is missing."""
    text = ""
    citations: list[Citation] = []
    for paragraph in (phrase_table(result.table) for result in results):
        text = _append(text, paragraph)
    for item in evidence:
        statement = statement_of(item)
        text = _append(text, statement)
        span = Span(len(text) - len(statement), len(text))
        citations.append(replace(cite(item), answer_spans=(span,)))
    for note in notes:
        text = _append(text, note)
    return Answer(uuid.uuid4().hex, text, dt.datetime.now(dt.UTC), tuple(citations), tuple(results))


def statement_of(item: Evidence) -> str:
    """The evidence as a sentence of an answer."""
    if is_table_row(item.passage.chunk, item.unit):
        return unit_text(item.passage.chunk, item.unit)
    return " ".join(item.passage.chunk.text[item.unit.start : item.unit.end].split())


def phrase_table(table: Table) -> str:
    """The rows in words. Every number in them stands in the table."""
    if not table.rows:
        return "The database has no row that fits."
    names = [column.name if BARE_NAME.fullmatch(column.name) else "" for column in table.columns]
    if len(table.rows) == 1:
        cells = zip(names, table.rows[0], strict=True)
        return "; ".join(f"{name}: {_shown(cell)}" if name else _shown(cell) for name, cell in cells)
    lines = ["- " + ", ".join(_shown(cell) for cell in row) for row in table.rows[:MAX_PHRASED_ROWS]]
    rest = len(table.rows) - MAX_PHRASED_ROWS
    if rest > 0:
        lines.append(f"- and {rest} more rows in the table")
    if table.truncated:
        lines.append("- There are more rows than may be returned; the table is cut.")
    return "\n".join(lines)


def _append(text: str, paragraph: str) -> str:
    return f"{text}\n\n{paragraph}" if text else paragraph


def _shown(cell: CellValue) -> str:
    match cell:
        case None:
            return "(none)"
        case bool():
            return "yes" if cell else "no"
        case float():
            return f"{cell:.10g}"
        case decimal.Decimal():
            return f"{cell:f}"
        case bytes():
            return f"{len(cell)} bytes"
        case dt.datetime():
            return cell.date().isoformat() if cell.time() == dt.time() else str(cell)
        case dt.date():
            return cell.isoformat()
        case _:
            return str(cell)


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
