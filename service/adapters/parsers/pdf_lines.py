"""The lines of a PDF page with what their fonts say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from service.adapters.parsers.cleaning import clean
from service.adapters.parsers.pdf_characters import Box, Characters
from service.adapters.parsers.pdf_checks import check_counts

if TYPE_CHECKING:
    from pypdfium2 import PdfPage

HYPHEN = "\u2010"
_BOLD = ("bold", "black", "heavy", "cmbx", "sfbx", "-bd")
_MONO = ("mono", "courier", "cmtt", "cmsltt", "consol", "typewriter", "menlo", "sltt", "code")
_WORD = re.compile("(?:\\. ?){4,}|[^\\s\x02\ufffe]+[\x02\ufffe]?|[\x02\ufffe]")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_HALF = re.compile("[\ud800-\udfff]")
_ONE_LINE_OVERLAP = 0.5
_DEEPEST_OVERLAP = -2.0
_WIDEST_GAP = 1.5
_CELL_GAP = 0.7
_WIDEST_GAP_AFTER_MARK = 5.0
_WIDEST_GAP_RIGHT_TO_LEFT = 8.0
_LEAST_HEIGHT = 0.1
_LEADER = re.compile(r"(?:\s?\.){4,}")
_MARK = re.compile(r"[•▪●◦‣–·*∗■□➢✓-]|\(?(?:\d{1,3}|[a-zA-Z])[.)]")


class Cell(NamedTuple):
    """A part of a line, with its left and right edge in points."""

    text: str
    left: float
    right: float


@dataclass(frozen=True, slots=True)
class Line:
    """A line of one column. The box is in points from the top left; height is the size of its tallest type.

    cells are the parts of the line between wide spaces, none where there is no wide space.
    """

    page: int
    left: float
    top: float
    right: float
    bottom: float
    text: str
    height: float
    bold: bool
    mono: bool
    cells: tuple[Cell, ...] = ()


@dataclass(frozen=True, slots=True)
class PageLines:
    """A page's size in points and its lines."""

    width: float
    height: float
    lines: tuple[Line, ...]


def read_page(page: PdfPage, number: int) -> PageLines:
    """The lines in the order of the file; parts of a row that stand far apart stay apart."""
    width, height = page.get_size()
    text_page: Any = page.get_textpage()
    try:
        characters = Characters(page, text_page)
        lines = [row.line(characters, number) for row in _rows(characters)]
        check_counts(f"page {number}", [_one_line(characters.text)], [line.text for line in lines])
        return PageLines(width, height, tuple(line for line in lines if line.text))
    finally:
        text_page.close()


class _Row:
    """Words that touch on one baseline: text from start to end. turned says that it runs up or down the page."""

    __slots__ = (
        "bottom",
        "end",
        "gaps",
        "height",
        "left",
        "places",
        "right",
        "right_to_left",
        "start",
        "top",
        "turned",
    )

    def __init__(self, start: int, end: int, box: Box, height: float, turned: bool, right_to_left: bool) -> None:
        self.start, self.end = start, end
        self.left, self.top, self.right, self.bottom = box
        self.height, self.turned, self.right_to_left = height, turned, right_to_left
        self.places = [(start, end, box[0])]
        self.gaps: list[tuple[int, float, float]] = []

    def touches(self, box: Box, height: float, text: str, right_to_left: bool) -> bool:
        """Whether a word in box goes on with the row; right_to_left where one of both is read from the right."""
        left, top, right, bottom = box
        lowest, tallest = (height, self.height) if height < self.height else (self.height, height)
        if self.turned:
            gap = max(top - self.bottom, self.top - bottom)
            return gap < tallest and min(self.right, right) - max(self.left, left) > _ONE_LINE_OVERLAP * lowest
        lower, upper = (bottom if bottom < self.bottom else self.bottom), (top if top > self.top else self.top)
        if lower - upper <= _ONE_LINE_OVERLAP * lowest:
            return False
        gap = left - self.right
        if right_to_left:
            widest = _WIDEST_GAP if "\n" in text[self.end : self.end + 2] else _WIDEST_GAP_RIGHT_TO_LEFT
            return max(gap, self.left - right) < widest * tallest
        if gap < _WIDEST_GAP * tallest:
            return gap >= _DEEPEST_OVERLAP
        return gap < _WIDEST_GAP_AFTER_MARK * tallest and bool(_MARK.fullmatch(text, self.start, self.end))

    def add(self, start: int, end: int, box: Box, height: float) -> None:
        """Go on with a word."""
        left, top, right, bottom = box
        if left - self.right > _CELL_GAP * height:
            self.gaps.append((start, self.right, left))
        self.end = end
        self.places.append((start, end, left))
        if left < self.left:
            self.left = left
        if right > self.right:
            self.right = right
        if top < self.top:
            self.top = top
        if bottom > self.bottom:
            self.bottom = bottom
        if height > self.height:
            self.height = height

    def line(self, characters: Characters, page: int) -> Line:
        """As it is kept. The font counts as bold where most of three words are, as of one width where all are."""
        words = self.places
        looked_at = {words[0][0], words[len(words) // 2][0], words[-1][0]}
        styles = [_style(characters.font(start)) for start in looked_at]
        bold = 2 * sum(style[0] for style in styles) > len(styles)
        mono = all(style[1] for style in styles)
        text = characters.text[self.start : self.end]
        if self.right_to_left:
            text = _from_right(characters.text, words)
        box = (self.left, self.top, self.right, self.bottom)
        cells = self._cells(characters.text) if self.gaps else ()
        return Line(page, *box, _one_line(text), self.height, bold, mono, cells)

    def _cells(self, text: str) -> tuple[Cell, ...]:
        starts = [self.start, *(gap[0] for gap in self.gaps), self.end]
        lefts = [self.left, *(gap[2] for gap in self.gaps)]
        rights = [*(gap[1] for gap in self.gaps), self.right]
        texts = (_one_line(text[start:end]) for start, end in pairwise(starts))
        return tuple(Cell(*cell) for cell in zip(texts, lefts, rights, strict=True) if cell[0])


def _rows(characters: Characters) -> Iterator[_Row]:
    text, box_of = characters.text, characters.box
    any_from_right = bool(_RIGHT_TO_LEFT.search(text))
    row: _Row | None = None
    for found in _WORD.finditer(text):
        start, end = found.span()
        box = left, top, right, bottom = box_of(start)
        height, turned = bottom - top, False
        if end - start > 1:
            last_left, last_top, last_right, last_bottom = box_of(end - 1)
            if last_top == top and last_left >= left:
                box = (left, top, last_right, bottom)
            else:
                turned = abs(last_top - top) > abs(last_left - left)
                height = right - left if turned else height
                box = (min(left, last_left), min(top, last_top), max(right, last_right), max(bottom, last_bottom))
        from_right = any_from_right and bool(_RIGHT_TO_LEFT.search(text, start, end))
        if row and row.touches(box, height, text, from_right or row.right_to_left):
            row.add(start, end, box, height)
            row.right_to_left = row.right_to_left or from_right
            continue
        if row:
            yield row
        row = _Row(start, end, box, max(height, _LEAST_HEIGHT), turned, from_right)
    if row:
        yield row


def _from_right(text: str, words: list[tuple[int, int, float]]) -> str:
    """Words that are read from the right but stand in the order of their places, turned round."""
    ordered: list[str] = []
    for from_right, run in groupby(words, lambda word: bool(_RIGHT_TO_LEFT.search(text, word[0], word[1]))):
        group = list(run)
        ascends = from_right and len(group) > 1 and group[0][2] < group[-1][2]
        ordered += [text[start:end] for start, end, _ in (reversed(group) if ascends else group)]
    return " ".join(ordered)


@lru_cache(maxsize=512)
def _style(font: str) -> tuple[bool, bool]:
    """Whether a font is bold, and whether its characters are of one width, by its name."""
    return any(mark in font for mark in _BOLD), any(mark in font for mark in _MONO)


def _one_line(raw: str) -> str:
    if not (raw.isascii() and raw.isprintable()):
        if _HALF.search(raw):
            raw = raw.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        raw = clean(raw.replace("\ufffe", HYPHEN).replace("\x02", HYPHEN))
    text = " ".join(raw.split())
    return _LEADER.sub(" …", text) if ".." in text or ". ." in text else text
