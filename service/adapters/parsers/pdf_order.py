"""Reading order: running headers and footers removed, columns one after the other."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from service.adapters.parsers.pdf_lines import Line, PageLines

_EDGE = 0.1
_REPEATED_ON = 0.2
_NUMBER = re.compile(r"(?:page\s+)?(?:\d{1,4}|[ivxlc]{1,7})(?:\s*(?:/|of)\s*\d{1,4})?", re.I)
_OUTER_NUMBERS = re.compile(r"(?:(\d{1,4})\s)?.*?(?:\s(\d{1,4}))?$")
_NUMBERED = 0.4
_DIGITS = re.compile(r"\d+")
_FEWEST_LINES = 5
_SAME_ROW = 0.5
_NARROWEST_LINE = 0.15
_GUTTERS = (0.5, 0.48, 0.52, 0.46, 0.54, 0.44, 0.56)
_CROSSING = 0.3


def without_running_lines(pages: Sequence[PageLines]) -> list[PageLines]:
    """The pages without page numbers and without what repeats at their upper and lower edges."""
    edges = [line for page in pages for line in page.lines if _at_edge(page, line)]
    seen = Counter(key for key, _ in {(_key(line), line.page) for line in edges})
    enough = max(2.0, _REPEATED_ON * len(pages))
    offset = _page_number_offset(edges, len(pages))

    def runs(line: Line) -> bool:
        repeats = seen[_key(line)] >= enough or bool(_NUMBER.fullmatch(line.text))
        return repeats or (offset is not None and offset in _offsets(line))

    def cleared(page: PageLines) -> PageLines:
        at_edge = [line for line in page.lines if _at_edge(page, line)]
        running = [line for line in at_edge if runs(line)]
        gone = {line for line in at_edge if any(on_one_row(line, other) for other in running)}
        return replace(page, lines=tuple(line for line in page.lines if line not in gone))

    return [cleared(page) for page in pages]


def on_one_row(line: Line, other: Line) -> bool:
    """Whether both stand at about the same height of a page."""
    overlap = min(line.bottom, other.bottom) - max(line.top, other.top)
    return overlap > _SAME_ROW * min(line.bottom - line.top, other.bottom - other.top)


def with_code(pages: Sequence[PageLines]) -> list[PageLines]:
    """No line is code where most of the document is set in type of one width."""
    mono = sum(len(line.text) for page in pages for line in page.lines if line.mono)
    if 2 * mono <= sum(len(line.text) for page in pages for line in page.lines):
        return list(pages)
    return [replace(page, lines=tuple(replace(line, mono=False) for line in page.lines)) for page in pages]


def with_joined_code(page: PageLines) -> PageLines:
    """The parts of each line of code joined."""
    return replace(page, lines=tuple(_joined_code(page.lines)))


def _joined_code(lines: Sequence[Line]) -> Iterator[Line]:
    before: Line | None = None
    for line in lines:
        if before and before.mono and line.mono and line.left > before.right and on_one_row(before, line):
            width = (line.right - line.left) / len(line.text)
            spaces = " " * max(1, round((line.left - before.right) / max(width, 1.0)))
            top, bottom = min(before.top, line.top), max(before.bottom, line.bottom)
            before = replace(before, text=before.text + spaces + line.text, right=line.right, top=top, bottom=bottom)
            continue
        if before:
            yield before
        before = line
    if before:
        yield before


def _at_edge(page: PageLines, line: Line) -> bool:
    return line.bottom < page.height * _EDGE or line.top > page.height * (1 - _EDGE)


def _page_number_offset(edges: Sequence[Line], pages: int) -> int | None:
    """What to take from a page's index to get its printed number, where most pages print one."""
    counted = Counter(offset for line in edges for offset in _offsets(line)).most_common(1)
    return counted[0][0] if counted and counted[0][1] >= max(3.0, _NUMBERED * pages) else None


def _offsets(line: Line) -> set[int]:
    """What the page number would be off by, were it the number that the line begins or ends with."""
    found = _OUTER_NUMBERS.match(line.text)
    return {line.page - int(number) for number in (found.groups() if found else ()) if number}


def _key(line: Line) -> str:
    """Equal for a chapter's header on all its pages, and for footers that differ in their numbers."""
    return _DIGITS.sub("#", line.text)


def in_reading_order(page: PageLines) -> list[Line]:
    """The lines of two columns left before right between lines that span both, others as the file has them."""
    middle = gutter(page)
    if middle is None:
        return list(page.lines) if _goes_down(page.lines) else sorted(page.lines, key=_place)
    return list(_by_column(page, middle))


def gutter(page: PageLines) -> float | None:
    """Where the space between two columns lies, in points from the left; None without columns."""
    wide = [line for line in page.lines if line.right - line.left > _NARROWEST_LINE * page.width]
    for share in _GUTTERS:
        x = share * page.width
        left = sum(line.right <= x for line in wide)
        right = sum(line.left >= x for line in wide)
        crossing = len(wide) - left - right
        if min(left, right) >= _FEWEST_LINES and crossing <= _CROSSING * len(wide):
            return x
    return None


def _by_column(page: PageLines, gutter: float) -> Iterator[Line]:
    band: list[Line] = []
    for line in sorted(page.lines, key=_place):
        if line.left < gutter < line.right:
            yield from _columns(band, gutter)
            band = []
            yield line
        else:
            band.append(line)
    yield from _columns(band, gutter)


def _columns(band: list[Line], gutter: float) -> list[Line]:
    return sorted(band, key=lambda line: line.left >= gutter)


def _place(line: Line) -> tuple[float, float]:
    return line.top, line.left


def _goes_down(lines: Sequence[Line]) -> bool:
    """Whether the file's order jumps back up the page at most once."""
    return sum(below.bottom < above.top - 2 * above.height for above, below in pairwise(lines)) <= 1
