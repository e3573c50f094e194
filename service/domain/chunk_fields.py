"""A chunk as plain lists of numbers and texts, for everything that stores chunks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from service.domain.documents import Chunk, PageBox, Span, TextLine

_PLACES = 10_000
_PER_LINE = 7


def chunk_fields(chunk: Chunk) -> list[Any]:
    """What JSON can hold. Boxes keep four places, in whole numbers."""
    return [
        chunk.ordinal,
        chunk.text,
        [chunk.span.start, chunk.span.end],
        list(chunk.headings),
        list(_numbers(chunk.lines)),
        [number for unit in chunk.units for number in (unit.start, unit.end)],
    ]


def chunk_of(fields: Sequence[Any]) -> Chunk:
    """The inverse of chunk_fields. Raises ValueError, TypeError or IndexError for other lists."""
    ordinal, text, span, headings, lines, units = fields
    return Chunk(
        ordinal=ordinal,
        text=text,
        span=Span(*span),
        headings=tuple(headings),
        lines=tuple(_line(lines[at : at + _PER_LINE]) for at in range(0, len(lines), _PER_LINE)),
        units=tuple(Span(*units[at : at + 2]) for at in range(0, len(units), 2)),
    )


def _numbers(lines: Sequence[TextLine]) -> Iterator[int]:
    for line in lines:
        yield from (line.span.start, line.span.end, line.box.page)
        yield from (round(side * _PLACES) for side in (line.box.left, line.box.top, line.box.right, line.box.bottom))


def _line(numbers: Sequence[int]) -> TextLine:
    start, end, page, *sides = numbers
    left, top, right, bottom = (side / _PLACES for side in sides)
    return TextLine(Span(start, end), PageBox(page, left, top, right, bottom))
