"""The lines of a PDF page with what their fonts say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from service.adapters.parsers.cleaning import clean
from service.adapters.parsers.pdf_characters import Characters
from service.adapters.parsers.pdf_checks import check_counts
from service.adapters.parsers.pdf_rows import Row, rows_of
from service.adapters.parsers.pdf_rules import Rule, read_rules

if TYPE_CHECKING:
    from pypdfium2 import PdfPage

HYPHEN = "\u2010"
_BOLD = ("bold", "black", "heavy", "cmbx", "sfbx", "-bd")
_MONO = ("mono", "courier", "cmtt", "cmsltt", "consol", "typewriter", "menlo", "sltt", "code")
_HALF = re.compile("[\ud800-\udfff]")
_LEADER = re.compile(r"(?:\s?\.){4,}")


class Cell(NamedTuple):
    """A part of a line, with its left and right edge in points."""

    text: str
    left: float
    right: float


class TableRow(NamedTuple):
    """The texts of a table's row, one a column, and its box in points."""

    cells: tuple[str, ...]
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Line:
    """A line of one column. The box is in points from the top left; height is the size of its tallest type.

    cells are the parts of the line between wide spaces, none where there is no wide space. A whole table is one line
    with rows, header first, and their texts.
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
    rows: tuple[TableRow, ...] = ()


@dataclass(frozen=True, slots=True)
class PageLines:
    """A page's size in points, its lines, and the rules drawn on it, those that lie and those that stand."""

    width: float
    height: float
    lines: tuple[Line, ...]
    lying: tuple[Rule, ...] = ()
    standing: tuple[Rule, ...] = ()


def read_page(page: PdfPage, number: int) -> PageLines:
    """The lines in the order of the file; parts of a row that stand far apart stay apart."""
    width, height = page.get_size()
    text_page: Any = page.get_textpage()
    try:
        characters = Characters(page, text_page)
        rows = list(rows_of(characters))
        check_counts(f"page {number}", [characters.text], [row.in_order(characters.text) for row in rows])
        lines = (_line(row, characters, number) for row in rows)
        lying, standing = read_rules(page)
        shown = tuple(line for line in lines if line.text)
        return PageLines(width, height, shown, tuple(lying), tuple(standing))
    finally:
        text_page.close()


def _line(row: Row, characters: Characters, page: int) -> Line:
    """Of one width is what begins, goes on and ends so; bold is what begins so and goes on or ends so."""
    words = row.places
    bold, mono = _style(characters.font(words[0][0]))
    if bold or mono:
        others = [_style(characters.font(words[at][0])) for at in (len(words) // 2, -1)]
        bold, mono = bold and any(other[0] for other in others), mono and all(other[1] for other in others)
    text = _one_line(row.in_order(characters.text))
    cells = _cells(row, characters.text) if row.gaps else ()
    return Line(page, row.left, row.top, row.right, row.bottom, text, row.height, bold, mono, cells)


def _cells(row: Row, text: str) -> tuple[Cell, ...]:
    starts = [row.start, *(gap[0] for gap in row.gaps), row.end]
    lefts = [row.left, *(gap[2] for gap in row.gaps)]
    rights = [*(gap[1] for gap in row.gaps), row.right]
    texts = (_one_line(text[start:end]) for start, end in pairwise(starts))
    return tuple(Cell(*cell) for cell in zip(texts, lefts, rights, strict=True) if cell[0])


@lru_cache(maxsize=512)
def _style(name: bytes) -> tuple[bool, bool]:
    """Whether a font is bold, and whether its characters are of one width, by its name."""
    font = name.decode("latin-1").lower().split("+")[-1]
    return any(mark in font for mark in _BOLD), any(mark in font for mark in _MONO)


def _one_line(raw: str) -> str:
    if not (raw.isascii() and raw.isprintable()):
        if _HALF.search(raw):
            raw = raw.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        raw = clean(raw.replace("\ufffe", HYPHEN).replace("\x02", HYPHEN))
    text = " ".join(raw.split())
    return _LEADER.sub(" …", text) if ".." in text or ". ." in text else text
