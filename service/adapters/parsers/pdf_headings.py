"""Which lines of a PDF are headings, by its outline and by its fonts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from service.adapters.parsers.pdf_lines import Line
from service.adapters.parsers.pdf_order import on_one_row

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

_HIGHEST_LEVEL = 6
_LONGEST = 160
_LEADER = re.compile(r"…\s*\w*$|(?:\s\.){2,}\s*\d+$")
_NUMBER = re.compile(r"(\d+(?:\.\d+)*)\.?\s+\S")
_LEADING_NUMBER = re.compile(r"^(?:(?:chapter|appendix|section)\s+)?(?:\d+(?:\.\d+)*|[A-Z](?:\.\d+)*)[.:]?\s+", re.I)
_NOT_WORDS = re.compile(r"\W+")
_BULLETS = "•▪●◦‣–·*∗■□➢✓-"
_NO_HEADING = re.compile("[=•→]")
_LARGER = 1.18
_MOST_BOLD_WORDS = 12
_MOST_LINES = 3
_FEWEST_LETTERS = 0.5


@dataclass(frozen=True, slots=True)
class Heading:
    """Lines that make one heading, by index of the first and the one after the last."""

    first: int
    end: int
    level: int


def read_outline(document: PdfDocument) -> dict[int, list[tuple[str, int]]]:
    """The titles of the outline without spaces, with their levels from 1, by page from 1."""
    import pypdfium2

    outline: dict[int, list[tuple[str, int]]] = {}
    try:
        for entry in cast(Any, document).get_toc(max_depth=_HIGHEST_LEVEL):
            target = entry.get_dest()
            page = target.get_index() if target else None
            key = _key(entry.get_title())
            if page is not None and key:
                outline.setdefault(page + 1, []).append((key, min(entry.level + 1, _HIGHEST_LEVEL)))
    except pypdfium2.PdfiumError:
        return {}
    return outline


def find_headings(lines: Sequence[Line], outline: dict[int, list[tuple[str, int]]]) -> list[Heading]:
    """Headings in order. Where there is an outline, bold type alone makes none."""
    body = _body_height(lines)
    found: list[Heading] = []
    position = 0
    while position < len(lines):
        heading = _in_outline(lines, position, outline) or _by_font(lines, position, body, bool(outline))
        if heading:
            found.append(heading)
        position = heading.end if heading else position + 1
    return _with_levels(lines, found)


def _key(text: str) -> str:
    return _NOT_WORDS.sub("", text).casefold()


def _body_height(lines: Sequence[Line]) -> float:
    heights: Counter[float] = Counter()
    for line in lines:
        heights[round(line.height * 2) / 2] += 0 if line.rows else len(line.text)
    return heights.most_common(1)[0][0] if heights else 10.0


def _in_outline(lines: Sequence[Line], first: int, outline: dict[int, list[tuple[str, int]]]) -> Heading | None:
    entries = outline.get(lines[first].page)
    if not entries or lines[first].rows or _LEADER.search(lines[first].text):
        return None
    opening = lines[first].text
    begun = tuple(filter(None, (_key(opening), _key(_LEADING_NUMBER.sub("", opening)))))
    if begun and not any(entry[0].startswith(begun) for entry in entries):
        return None
    text = ""
    for end in range(first + 1, min(first + _MOST_LINES, len(lines)) + 1):
        text = f"{text} {lines[end - 1].text}".strip()
        keys = {_key(text), _key(_LEADING_NUMBER.sub("", text))}
        for entry in entries:
            if entry[0] in keys:
                entries.remove(entry)
                return Heading(first, end, entry[1])
    return None


def _by_font(lines: Sequence[Line], first: int, body: float, outlined: bool) -> Heading | None:
    line = lines[first]
    larger = line.height >= body * _LARGER
    if not (larger or (line.bold and not outlined)) or not _may_be_heading(line):
        return None
    if not larger and not _is_label(lines, first, body):
        return None
    end = first + 1
    while end < len(lines) and end - first < _MOST_LINES and _continues(lines[end - 1], lines[end]):
        end += 1
    return Heading(first, end, 0)


def _may_be_heading(line: Line) -> bool:
    text = line.text
    letters = sum(character.isalpha() for character in text)
    return (
        len(text) <= _LONGEST
        and not line.rows
        and letters >= max(2, _FEWEST_LETTERS * len(text.replace(" ", "")))
        and not text.endswith((",", ";"))
        and not _NO_HEADING.search(text)
        and not line.mono
        and text[0] not in _BULLETS
        and not _LEADER.search(text)
    )


def _is_label(lines: Sequence[Line], index: int, body: float) -> bool:
    """A short bold line that stands alone on its row."""
    line = lines[index]
    around = (*lines[max(0, index - 1) : index], *lines[index + 1 : index + 2])
    alone = all(other.page != line.page or not on_one_row(other, line) for other in around)
    short = len(line.text.split()) <= _MOST_BOLD_WORDS and not line.text.endswith((".", ":"))
    return alone and short and line.height >= body * 0.85


def _continues(line: Line, following: Line) -> bool:
    """Whether a heading goes on in the next line: same font, close below, and not a numbered heading itself."""
    return (
        following.page == line.page
        and following.bold == line.bold
        and abs(following.height - line.height) < 0.4 * line.height
        and -0.2 * line.height <= following.top - line.bottom <= 0.7 * line.height
        and min(line.right, following.right) > max(line.left, following.left)
        and not _NUMBER.match(following.text)
        and _may_be_heading(following)
    )


def _with_levels(lines: Sequence[Line], headings: list[Heading]) -> list[Heading]:
    """Levels by the outline, else by the depth of the number, else by what headings of the same size have.

    Where no heading has an outline entry or a number, by the rank of the type size.
    """
    sizes = {heading: round(lines[heading.first].height) for heading in headings}
    numbers = {heading: _NUMBER.match(lines[heading.first].text) for heading in headings}
    known = {heading: heading.level for heading in headings if heading.level}
    if not known:
        known = {heading: min(found[1].count(".") + 1, _HIGHEST_LEVEL) for heading, found in numbers.items() if found}
    by_size = {size: _usual([known[h] for h in known if sizes[h] == size]) for size in {sizes[h] for h in known}}
    ranks = sorted(set(sizes.values()), reverse=True)

    def level(heading: Heading) -> int:
        size, number = sizes[heading], numbers[heading]
        if heading in known:
            return known[heading]
        if size in by_size:
            return by_size[size]
        if number:
            return min(number[1].count(".") + 1, _HIGHEST_LEVEL)
        larger = [other for other in by_size if other > size]
        if by_size:
            return min(by_size[min(larger)] + 1, _HIGHEST_LEVEL) if larger else 1
        return min(ranks.index(size) + 1, _HIGHEST_LEVEL)

    return [Heading(heading.first, heading.end, level(heading)) for heading in headings]


def _usual(levels: Sequence[int]) -> int:
    return Counter(levels).most_common(1)[0][0]
