"""The lines of a PDF page with what their fonts say."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from service.adapters.parsers.cleaning import clean

if TYPE_CHECKING:
    from pypdfium2 import PdfPage

HYPHEN = "\u2010"
_BOLD = ("bold", "black", "heavy", "cmbx", "sfbx", "-bd")
_MONO = ("mono", "courier", "cmtt", "cmsltt", "consol", "typewriter", "menlo", "sltt", "code")
_NAME_BYTES = 128
_ONE_LINE_OVERLAP = 0.5
_WIDEST_GAP = 1.2
_WIDEST_GAP_AFTER_MARK = 5.0
_SPACE = 0.22
_LOOK = 12
_LEADER = re.compile(r"(?:\s?\.){4,}")
_MARK = re.compile(r"[•▪●◦‣–·*∗■□➢✓-]|\(?(?:\d{1,3}|[a-zA-Z])[.)]")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of one column. The box is in points from the top left; height is that of its tallest run."""

    page: int
    left: float
    top: float
    right: float
    bottom: float
    text: str
    height: float
    bold: bool
    mono: bool


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
        runs = list(_runs(text_page, number, page.get_mediabox() or (0, 0, width, height)))
        flow = _one_line(text_page.get_text_range())
        return PageLines(width, height, tuple(_join(runs, flow)))
    finally:
        text_page.close()


def _runs(page: Any, number: int, media_box: tuple[float, float, float, float]) -> Iterator[Line]:
    origin, ceiling = media_box[0], media_box[3]
    for index in range(page.count_rects() if page.count_chars() else 0):
        left, bottom, right, top = page.get_rect(index)
        text = _one_line(page.get_text_bounded(left, bottom, right, top))
        if text:
            font = _font(page, left + min(2.0, (right - left) / 2), (bottom + top) / 2)
            yield Line(
                page=number,
                left=left - origin,
                top=ceiling - top,
                right=right - origin,
                bottom=ceiling - bottom,
                text=text,
                height=max(top - bottom, 0.1),
                bold=any(mark in font for mark in _BOLD),
                mono=any(mark in font for mark in _MONO),
            )


def _one_line(raw: str) -> str:
    text = " ".join(clean(raw.replace("\ufffe", HYPHEN).replace("\x02", HYPHEN)).split())
    return _LEADER.sub(" …", text)


def _font(page: Any, x: float, y: float) -> str:
    """The lower-case name of the font at a point, empty when there is none."""
    import pypdfium2.raw as raw

    index = page.get_index(x, y, 4, 4)
    if index is None or index < 0:
        return ""
    name = ctypes.create_string_buffer(_NAME_BYTES)
    flags = ctypes.c_int()
    length = raw.FPDFText_GetFontInfo(page, index, name, _NAME_BYTES, flags)
    return name.value.decode("latin-1").lower().split("+")[-1] if length else ""


def _join(runs: list[Line], flow: str) -> list[Line]:
    """Runs that touch on one baseline, as lines. flow is the text of the page, which says where spaces are."""
    lines: list[Line] = []
    for run in runs:
        if lines and _touch(lines[-1], run):
            lines[-1] = _joined(lines[-1], run, _space(lines[-1], run, flow))
        else:
            lines.append(run)
    return lines


def _space(line: Line, run: Line, flow: str) -> str:
    left, right = line.text[-_LOOK:], run.text[:_LOOK]
    for space in ("", " "):
        if f"{left}{space}{right}" in flow:
            return space
    return " " if run.left - line.right > _SPACE * min(line.height, run.height) else ""


def _touch(line: Line, run: Line) -> bool:
    overlap = min(line.bottom, run.bottom) - max(line.top, run.top)
    gap = run.left - line.right
    widest = _WIDEST_GAP_AFTER_MARK if _MARK.fullmatch(line.text) else _WIDEST_GAP
    on_one_line = overlap > _ONE_LINE_OVERLAP * min(line.height, run.height)
    return on_one_line and -2 <= gap < widest * max(line.height, run.height)


def _joined(line: Line, run: Line, space: str) -> Line:
    wider = run.right - run.left > line.right - line.left
    return replace(
        line,
        left=min(line.left, run.left),
        top=min(line.top, run.top),
        right=max(line.right, run.right),
        bottom=max(line.bottom, run.bottom),
        text=f"{line.text}{space}{run.text}",
        height=max(line.height, run.height),
        bold=run.bold if wider else line.bold,
        mono=line.mono and run.mono,
    )
