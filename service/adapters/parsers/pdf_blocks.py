"""Lines of a PDF to paragraphs, list items and code."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from service.adapters.parsers.pdf_headings import Heading
from service.adapters.parsers.pdf_lines import HYPHEN, Line, PageLines
from service.adapters.parsers.tables import lines_of
from service.domain.documents import Block, BlockKind, PageBox, Span, TextLine

_ITEM = re.compile(r"(?:[•▪●◦‣–·*∗■□➢✓-]|\(?(?:\d{1,3}|[a-z]|[ivx]{1,4})[.)])\s+\S")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_SENTENCE_END = (".", "!", "?", ":", ";", "…", ".”", ".)", '."')
_PARAGRAPH_GAP = 0.6
_WIDEST_LINE_GAP = 1.6
_WIDER = 1.25
_FEWEST_GAPS = 10
_INDENT = 0.8


@dataclass(slots=True)
class _Draft:
    kind: BlockKind
    lines: list[Line]
    level: int = 0


@dataclass
class Assembler:
    """Makes the blocks of a whole document."""

    pages: Sequence[PageLines]
    lines: Sequence[Line]
    headings: Sequence[Heading]

    @cached_property
    def _words(self) -> set[str]:
        return {word for line in self.lines for word in _WORD.findall(line.text.casefold())}

    @cached_property
    def _widest_gap(self) -> float:
        """Between the lines of a paragraph, in heights of a line: more where lines that go on stand wider apart."""
        going_on = [
            (following.top - line.bottom) / line.height
            for line, following in pairwise(self.lines)
            if line.page == following.page and following.text[:1].islower() and line.text[-1:].isalpha()
        ]
        usual = [gap for gap in going_on if 0 <= gap <= _WIDEST_LINE_GAP]
        if len(usual) < _FEWEST_GAPS:
            return _PARAGRAPH_GAP
        return max(_PARAGRAPH_GAP, _WIDER * statistics.median(usual))

    def blocks(self) -> Iterator[Block]:
        """In reading order."""
        for draft in self._drafts():
            if draft.kind is BlockKind.TABLE:
                yield self._table(draft.lines[0])
                continue
            text, spans = self._joined(draft)
            boxes = (self._box(line.page, line.left, line.top, line.right, line.bottom) for line in draft.lines)
            lines = tuple(map(TextLine, spans, boxes))
            yield Block(draft.kind, text.replace(HYPHEN, "-"), draft.level, lines)

    def _table(self, line: Line) -> Block:
        boxes = [self._box(line.page, *row[1:]) for row in line.rows]
        rows = tuple(row.cells for row in line.rows)
        return Block(BlockKind.TABLE, line.text, lines=lines_of(line.text.split("\n"), boxes), rows=rows)

    def _drafts(self) -> Iterator[_Draft]:
        by_line = {heading.first: heading for heading in self.headings}
        current: _Draft | None = None
        position = 0
        while position < len(self.lines):
            heading = by_line.get(position)
            if heading:
                lines = list(self.lines[heading.first : heading.end])
                draft = _Draft(BlockKind.HEADING, lines, heading.level)
            else:
                draft = _Draft(_kind(self.lines[position]), [self.lines[position]])
            position = heading.end if heading else position + 1
            if current and _belongs(current, draft, self._widest_gap):
                current.lines += draft.lines
                continue
            if current:
                yield current
            current = draft
        if current:
            yield current

    def _joined(self, draft: _Draft) -> tuple[str, list[Span]]:
        """The text of a draft and where each of its lines stands in it."""
        text = ""
        spans: list[Span] = []
        for line in draft.lines:
            if spans and draft.kind is BlockKind.CODE:
                text += "\n"
            elif spans and self._drops_hyphen(text, line.text):
                text = text[:-1]
                spans[-1] = Span(spans[-1].start, len(text))
            elif spans and not _is_broken_word(text, line.text):
                text += " "
            spans.append(Span(len(text), len(text) + len(line.text)))
            text += line.text
        return text, spans

    def _drops_hyphen(self, text: str, following: str) -> bool:
        """A hyphen at a break within a word stays where the document writes the word with one."""
        if not _is_broken_word(text, following):
            return False
        before, after = _WORD.findall(text[:-1].casefold()), _WORD.findall(following.casefold())
        if not before or not after:
            return False
        with_hyphen, without = f"{before[-1]}-{after[0]}", f"{before[-1]}{after[0]}"
        return with_hyphen not in self._words or without in self._words

    def _box(self, number: int, left: float, top: float, right: float, bottom: float) -> PageBox:
        page = self.pages[number - 1]
        return PageBox(
            number,
            _share(left, page.width),
            _share(top, page.height),
            _share(right, page.width),
            _share(bottom, page.height),
        )


def _is_broken_word(text: str, following: str) -> bool:
    return text.endswith((HYPHEN, "-")) and not text[-2:-1].isspace() and following[:1].islower()


def _kind(line: Line) -> BlockKind:
    if line.rows:
        return BlockKind.TABLE
    if line.mono:
        return BlockKind.CODE
    return BlockKind.LIST_ITEM if _ITEM.match(line.text) else BlockKind.TEXT


def _belongs(current: _Draft, draft: _Draft, widest_gap: float) -> bool:
    """Whether a line continues the block before it."""
    line, following = current.lines[-1], draft.lines[0]
    if {BlockKind.HEADING, BlockKind.TABLE} & {current.kind, draft.kind} or draft.kind is BlockKind.LIST_ITEM:
        return False
    if current.kind is BlockKind.CODE or draft.kind is BlockKind.CODE:
        return current.kind is draft.kind and _close(line, following, widest_gap)
    if line.page != following.page or following.top < line.top - line.height:
        return not line.text.endswith(_SENTENCE_END) and following.text[:1].islower()
    same_size = abs(line.height - following.height) < 0.3 * max(line.height, following.height)
    return same_size and _close(line, following, widest_gap) and not _is_indented(current, following)


def _close(line: Line, following: Line, widest_gap: float) -> bool:
    gap = following.top - line.bottom
    tallest = max(line.height, following.height)
    overlap = min(line.right, following.right) - max(line.left, following.left)
    return line.page == following.page and -0.7 * tallest <= gap <= widest_gap * tallest and overlap > 0


def _is_indented(current: _Draft, following: Line) -> bool:
    """Whether the line opens a paragraph by its indent, after a line that ends a sentence."""
    last = current.lines[-1]
    indent = following.left - last.left > _INDENT * last.height
    opens = current.kind is BlockKind.TEXT and len(current.lines) > 1 and last.text.endswith(_SENTENCE_END)
    return indent and opens


def _share(position: float, size: float) -> float:
    return round(min(1.0, max(0.0, position / size)), 4) if size > 0 else 0.0
