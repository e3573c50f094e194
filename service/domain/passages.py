"""Retrieved passages, tidied: none that only repeats better ones, and neighbours joined again."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import reduce

from service.domain.documents import Chunk, Passage, Span, TextLine
from service.domain.pieces import SEPARATOR
from service.domain.units import CELL_SEPARATOR

_WORD_OR_SIGN = re.compile(r"\w+|[^\w\s.,;:!?\"'“”„‘’«»()\[\]…]")


def without_repeats(passages: Sequence[Passage]) -> list[Passage]:
    """The passages, which come best first, without those that say nothing new.

    A passage is left out when every sentence, item and row of it, and every heading inside, stands word for word in
    better passages, under the same headings below the document's title. Case and punctuation do not count; numbers
    and signs do. Where the borders of chunks lie does not matter.
    """
    seen: set[tuple[tuple[str, ...], str]] = set()
    kept: list[Passage] = []
    for passage in passages:
        said = {(passage.chunk.headings[1:], _spoken(piece)) for piece in _pieces(passage.chunk) if piece.strip()}
        if not said <= seen:
            kept.append(passage)
            seen |= said
    return kept


def merge_neighbours(passages: Sequence[Passage]) -> list[Passage]:
    """The passages, those that follow one another in a document under the same headings joined to one.

    A joined passage stands where its best part stood and keeps that part's scores. The table header that its later
    parts repeat is left out, and white space of the same length fills the gaps, so that distances in its text are
    those in the document.
    """
    runs: list[list[tuple[int, Passage]]] = []
    for rank, passage in sorted(enumerate(passages), key=lambda item: (item[1].document_id, item[1].chunk.ordinal)):
        if runs and _follows(runs[-1][-1][1], passage):
            runs[-1].append((rank, passage))
        else:
            runs.append([(rank, passage)])
    ranked = sorted((min(rank for rank, _ in run), run) for run in runs)
    return [replace(passages[rank], chunk=reduce(_joined, (part.chunk for _, part in run))) for rank, run in ranked]


def _pieces(chunk: Chunk) -> Iterator[str]:
    """The units of a chunk and what stands between them, as far as it is not empty."""
    position = 0
    for unit in (*chunk.units, Span(len(chunk.text), len(chunk.text))):
        yield chunk.text[position : unit.start]
        yield chunk.text[unit.start : unit.end]
        position = unit.end


def _spoken(text: str) -> str:
    return " ".join(_WORD_OR_SIGN.findall(unicodedata.normalize("NFKC", text).casefold()))


def _follows(first: Passage, second: Passage) -> bool:
    one, other = first.chunk, second.chunk
    return (
        first.document_id == second.document_id
        and one.ordinal + 1 == other.ordinal
        and one.headings == other.headings
        and 0 <= other.span.start - one.span.end <= len(SEPARATOR)
        and f"\n{_copied_header(other)}" in f"\n{one.text}"
    )


def _copied_header(chunk: Chunk) -> str:
    """The header row, with its line break, that a chunk that continues a table begins with."""
    return chunk.text[: len(chunk.text) - (chunk.span.end - chunk.span.start)]


def _joined(first: Chunk, second: Chunk) -> Chunk:
    own = second.text[len(_copied_header(second)) :]
    text = first.text + _gap(first.text, own, second.span.start - first.span.end)
    shift = len(text) - (len(second.text) - len(own))
    return Chunk(
        ordinal=first.ordinal,
        text=text + own,
        span=Span(first.span.start, second.span.end),
        headings=first.headings,
        lines=first.lines + tuple(TextLine(_moved(line.span, shift), line.box) for line in second.lines),
        units=first.units + tuple(_moved(unit, shift) for unit in second.units),
    )


def _moved(span: Span, shift: int) -> Span:
    return Span(span.start + shift, span.end + shift)


def _gap(before: str, after: str, length: int) -> str:
    """White space between parts: blocks are two line breaks apart, lines and rows one, and sentences a space."""
    above, below = before.rpartition(SEPARATOR)[2], after.partition(SEPARATOR)[0]
    rows = CELL_SEPARATOR in above and CELL_SEPARATOR in below
    lines = rows or "\n" in above + below or length == len(SEPARATOR)
    return ("\n" if lines else " ") * length
