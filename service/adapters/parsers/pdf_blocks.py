"""Lines of a PDF to paragraphs, list items and code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from service.adapters.parsers.pdf_headings import Heading
from service.adapters.parsers.pdf_lines import HYPHEN, Line, PageLines
from service.domain.documents import Block, BlockKind, PageBox, Span, TextLine

_ITEM = re.compile(r"(?:[•▪●◦‣–·*∗■□➢✓-]|\(?(?:\d{1,3}|[a-z]|[ivx]{1,4})[.)])\s+\S")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_SENTENCE_END = (".", "!", "?", ":", ";", "…", ".”", ".)", '."')
_PARAGRAPH_GAP = 0.6
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

    def blocks(self) -> Iterator[Block]:
        """In reading order."""
        for draft in self._drafts():
            text, spans = self._joined(draft)
            lines = tuple(TextLine(span, self._box(line)) for span, line in zip(spans, draft.lines, strict=True))
            yield Block(draft.kind, text.replace(HYPHEN, "-"), draft.level, lines)

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
            if current and _belongs(current, draft):
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

    def _box(self, line: Line) -> PageBox:
        page = self.pages[line.page - 1]
        return PageBox(
            line.page,
            _share(line.left, page.width),
            _share(line.top, page.height),
            _share(line.right, page.width),
            _share(line.bottom, page.height),
        )


def _is_broken_word(text: str, following: str) -> bool:
    return text.endswith((HYPHEN, "-")) and not text[-2:-1].isspace() and following[:1].islower()


def _kind(line: Line) -> BlockKind:
    if line.mono:
        return BlockKind.CODE
    return BlockKind.LIST_ITEM if _ITEM.match(line.text) else BlockKind.TEXT


def _belongs(current: _Draft, draft: _Draft) -> bool:
    """Whether a line continues the block before it."""
    line, following = current.lines[-1], draft.lines[0]
    if BlockKind.HEADING in (current.kind, draft.kind) or draft.kind is BlockKind.LIST_ITEM:
        return False
    if current.kind is BlockKind.CODE or draft.kind is BlockKind.CODE:
        return current.kind is draft.kind and _close(line, following)
    if line.page != following.page or following.top < line.top - line.height:
        return not line.text.endswith(_SENTENCE_END) and following.text[:1].islower()
    same_size = abs(line.height - following.height) < 0.3 * max(line.height, following.height)
    return same_size and _close(line, following) and not _is_indented(current, following)


def _close(line: Line, following: Line) -> bool:
    gap = following.top - line.bottom
    tallest = max(line.height, following.height)
    overlap = min(line.right, following.right) - max(line.left, following.left)
    return line.page == following.page and -0.7 * tallest <= gap <= _PARAGRAPH_GAP * tallest and overlap > 0


def _is_indented(current: _Draft, following: Line) -> bool:
    """Whether the line opens a paragraph by its indent, after a line that ends a sentence."""
    last = current.lines[-1]
    indent = following.left - last.left > _INDENT * last.height
    opens = current.kind is BlockKind.TEXT and len(current.lines) > 1 and last.text.endswith(_SENTENCE_END)
    return indent and opens


def _share(position: float, size: float) -> float:
    return round(min(1.0, max(0.0, position / size)), 4) if size > 0 else 0.0
