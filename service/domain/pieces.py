"""A document's extracted text, cut into the smallest stretches that a chunk keeps whole."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from service.domain.documents import Block, BlockKind, Span
from service.domain.sentences import sentences

CountTokens = Callable[[str], int]
SEPARATOR = "\n\n"
_MOST_CHARACTERS_PER_TOKEN = 8
_LONGEST_PER_TOKEN = 64
"""A word that a model does not know is one token of any length: so many characters count as one at least."""
_LINE = re.compile(r"[^\n]+")
_SPACE = re.compile(r"\s")


@dataclass(frozen=True, slots=True)
class Piece:
    """text[span] of the document, with the white space before it at most tokens long.

    unit is the part that may be quoted, None for headings. header is the header row of the table that this row
    continues, None for anything but a row below the first.
    """

    span: Span
    tokens: int
    block: int
    unit: Span | None
    header: Span | None = None


def lay_out(blocks: tuple[Block, ...]) -> tuple[str, list[Span]]:
    """The document's extracted text and the span of each block in it."""
    spans: list[Span] = []
    position = 0
    for block in blocks:
        spans.append(Span(position, position + len(block.text)))
        position += len(block.text) + len(SEPARATOR)
    return SEPARATOR.join(block.text for block in blocks), spans


@dataclass(frozen=True, slots=True)
class Cutter:
    """Cuts blocks into pieces of at most limit tokens."""

    text: str
    limit: int
    count_tokens: CountTokens

    def cut(self, block: Block, index: int, span: Span) -> list[Piece]:
        """The pieces of a block that stands at span, in order."""
        if block.kind is BlockKind.TABLE:
            return list(self._rows(index, span))
        whole_kinds = (BlockKind.LIST_ITEM, BlockKind.CODE, BlockKind.HEADING)
        if block.kind in whole_kinds and not self._passes_limit(span):
            unit = None if block.kind is BlockKind.HEADING else span
            return [Piece(span, self._cost(span), index, unit)]
        parts = _lines(self.text, span) if block.kind is BlockKind.CODE else _sentences(self.text, span)
        return [piece for part in parts for piece in self._fit(part, index)]

    def _rows(self, index: int, span: Span) -> Iterator[Piece]:
        rows = _lines(self.text, span)
        if len(rows) < 2:
            yield from (piece for row in rows for piece in self._fit(row, index))
            return
        header, first = rows[0], rows[1]
        together = Span(header.start, first.end)
        if self._cost(together) <= self.limit:
            yield Piece(together, self._cost(together), index, first)
        else:
            yield from self._fit(header, index)
            yield from self._fit(first, index, header)
        for row in rows[2:]:
            yield from self._fit(row, index, header)

    def _fit(self, span: Span, index: int, header: Span | None = None) -> Iterator[Piece]:
        """The span as one piece, or as several, broken between words, when it alone passes the limit."""
        while self._passes_limit(span):
            end = self._longest_end(span)
            head = _trimmed(self.text, Span(span.start, end))
            yield Piece(head, self._cost(head), index, head, header)
            span = _trimmed(self.text, Span(end, span.end))
        if span.start < span.end:
            yield Piece(span, self._cost(span), index, span, header)

    def _passes_limit(self, span: Span) -> bool:
        """Counts no more than it must: a whole long text for each of its pieces would take the square of its length."""
        beginning = span.start + self.limit * _MOST_CHARACTERS_PER_TOKEN
        if beginning < span.end and self._cost(Span(span.start, beginning)) > self.limit:
            return True
        return self._cost(span) > self.limit

    def _longest_end(self, span: Span) -> int:
        low = span.start + 1
        high = min(span.end, span.start + self.limit * _MOST_CHARACTERS_PER_TOKEN)
        while low < high:
            middle = (low + high + 1) // 2
            if self._cost(Span(span.start, middle)) <= self.limit:
                low = middle
            else:
                high = middle - 1
        spaces = [found.start() for found in _SPACE.finditer(self.text, span.start, low + 1)]
        return spaces[-1] if spaces and spaces[-1] > span.start else low

    def _cost(self, span: Span) -> int:
        start = span.start
        while start > 0 and self.text[start - 1].isspace():
            start -= 1
        return max(self.count_tokens(self.text[start : span.end]), (span.end - start) // _LONGEST_PER_TOKEN)


def _lines(text: str, span: Span) -> list[Span]:
    found = (_trimmed(text, Span(*line.span())) for line in _LINE.finditer(text, span.start, span.end))
    return [line for line in found if line.start < line.end]


def _sentences(text: str, span: Span) -> list[Span]:
    return [Span(span.start + s.start, span.start + s.end) for s in sentences(text[span.start : span.end])]


def _trimmed(text: str, span: Span) -> Span:
    piece = text[span.start : span.end]
    start = span.start + len(piece) - len(piece.lstrip())
    return Span(start, max(start, span.start + len(piece.rstrip())))
