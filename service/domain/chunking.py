"""Chunks along the structure of a document: whole sections, sentences, list items and table rows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from service.domain.chunk_text import headings_text
from service.domain.documents import Chunk, ParsedDocument, Span, TextLine
from service.domain.pieces import CountTokens, Cutter, Piece, lay_out
from service.domain.sections import Section, runs_of_siblings, sections

SMALLEST_LIMIT = 24
_HEADINGS_SHARE = 2
_TINY_SHARE = 8
_MERGED_SHARE = 2
_HEADER_SHARE = 2


def chunk(parsed: ParsedDocument, *, max_tokens: int, count_tokens: CountTokens) -> tuple[str, tuple[Chunk, ...]]:
    """The document's extracted text and its chunks, in order.

    embedding_text of every chunk has at most max_tokens tokens, which must be 24 or more. count_tokens may not give
    less for a text than for a part of it, nor more for a text than for its parts together. Only a sentence, list
    item or row that alone passes the limit is split; headings too long for half the limit lose their outer titles.
    """
    if max_tokens < SMALLEST_LIMIT:
        raise ValueError(f"max_tokens must be {SMALLEST_LIMIT} or more, not {max_tokens}")
    text, spans = lay_out(parsed.blocks)
    chunker = _Chunker(parsed, text, spans, max_tokens, count_tokens)
    return text, tuple(
        chunker.build(ordinal, headings, pieces) for ordinal, (headings, pieces) in enumerate(chunker.drafts())
    )


@dataclass(frozen=True, slots=True)
class _Chunker:
    parsed: ParsedDocument
    text: str
    spans: list[Span]
    max_tokens: int
    count_tokens: CountTokens

    def drafts(self) -> Iterator[tuple[tuple[str, ...], list[Piece]]]:
        """Headings and pieces of each chunk to be."""
        found = [section for section in sections(self.parsed) if section.body or not self._is_shown_below(section)]
        sizes = [self._size(section) for section in found]
        tiny = [size * _TINY_SHARE <= self.max_tokens for size in sizes]
        for run in runs_of_siblings(found, tiny):
            for group in self._groups(run, sizes):
                members = [found[index] for index in group]
                headings, pieces = self._merged(members) if len(members) > 1 else self._alone(members[0])
                for packed in self._pack(pieces, self._budget(headings)):
                    yield headings, packed

    def build(self, ordinal: int, headings: tuple[str, ...], pieces: list[Piece]) -> Chunk:
        """The chunk of these pieces, which follow one another in the document."""
        span = Span(pieces[0].span.start, pieces[-1].span.end)
        header = pieces[0].header if self._header_fits(headings, pieces) else None
        lead = self.text[header.start : header.end] + "\n" if header else ""
        shift = len(lead) - span.start
        return Chunk(
            ordinal=ordinal,
            text=lead + self.text[span.start : span.end],
            span=span,
            headings=headings,
            lines=tuple(self._lines(pieces, span, shift)),
            units=tuple(Span(p.unit.start + shift, p.unit.end + shift) for p in pieces if p.unit),
        )

    def _lines(self, pieces: list[Piece], span: Span, shift: int) -> Iterator[TextLine]:
        """The lines of the pieces' blocks as far as they lie in span, moved by shift."""
        for index in range(pieces[0].block, pieces[-1].block + 1):
            base = self.spans[index].start
            for line in self.parsed.blocks[index].lines:
                start, end = max(base + line.span.start, span.start), min(base + line.span.end, span.end)
                if start < end:
                    yield TextLine(Span(start + shift, end + shift), line.box)

    def _is_shown_below(self, section: Section) -> bool:
        return section.has_children and self._fitted(section.path) == section.path

    def _size(self, section: Section) -> int:
        first, last = section.blocks()[0], section.blocks()[-1]
        return self.count_tokens("\n\n" + self.text[self.spans[first].start : self.spans[last].end])

    def _groups(self, run: list[int], sizes: list[int]) -> Iterator[list[int]]:
        group: list[int] = []
        for index in run:
            if group and (sum(sizes[member] for member in group) + sizes[index]) * _MERGED_SHARE > self.max_tokens:
                yield group
                group = []
            group.append(index)
        yield group

    def _merged(self, members: list[Section]) -> tuple[tuple[str, ...], list[Piece]]:
        headings = self._fitted(members[0].above)
        blocks = [index for member in members for index in member.blocks()]
        return headings, self._cut(blocks, headings)

    def _alone(self, section: Section) -> tuple[tuple[str, ...], list[Piece]]:
        headings = self._fitted(section.path)
        if section.body and headings == section.path:
            return headings, self._cut(section.body, headings)
        headings = self._fitted(section.above)
        return headings, self._cut(section.blocks(), headings)

    def _cut(self, blocks: list[int], headings: tuple[str, ...]) -> list[Piece]:
        cutter = Cutter(self.text, self._budget(headings), self.count_tokens)
        return [piece for index in blocks for piece in cutter.cut(self.parsed.blocks[index], index, self.spans[index])]

    def _fitted(self, path: tuple[str, ...]) -> tuple[str, ...]:
        while path and self.count_tokens(headings_text(path)) * _HEADINGS_SHARE > self.max_tokens:
            path = path[1:]
        return path

    def _budget(self, headings: tuple[str, ...]) -> int:
        return self.max_tokens - self.count_tokens(headings_text(headings))

    def _pack(self, pieces: list[Piece], budget: int) -> list[list[Piece]]:
        """Chunks of about the same size, as few as possible."""
        total = sum(piece.tokens for piece in pieces)
        fewest = max(1, math.ceil(total / budget))
        packed = list(self._filled(pieces, budget, total / fewest))
        return packed if len(packed) <= fewest else list(self._filled(pieces, budget, total / len(packed)))

    def _filled(self, pieces: list[Piece], budget: int, target: float) -> Iterator[list[Piece]]:
        """Pieces up to target, or less where the next one would not fit."""
        packed: list[Piece] = []
        used = 0
        for piece in pieces:
            if packed and (used >= target or used + piece.tokens > budget):
                yield packed
                packed, used = [], 0
            if not packed:
                used = self._header_cost(piece, budget)
            packed.append(piece)
            used += piece.tokens
        if packed:
            yield packed

    def _header_fits(self, headings: tuple[str, ...], pieces: list[Piece]) -> bool:
        return self._header_cost(pieces[0], self._budget(headings)) > 0

    def _header_cost(self, piece: Piece, budget: int) -> int:
        """What the repeated header row takes of a chunk that begins with piece; 0 where it is left out."""
        if piece.header is None:
            return 0
        cost = self.count_tokens(self.text[piece.header.start : piece.header.end] + "\n")
        return cost if cost * _HEADER_SHARE <= budget and cost + piece.tokens <= budget else 0
