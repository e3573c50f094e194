"""Words of a PDF page that touch on one baseline."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

from service.adapters.parsers.pdf_characters import Box, Characters

_WORD = re.compile("(?:\\. ?){4,}|[^\\s\x02\ufffe]+[\x02\ufffe]?|[\x02\ufffe]")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_MARK = re.compile(r"[•▪●◦‣–·*∗■□➢✓-]|\(?(?:\d{1,3}|[a-zA-Z])[.)]")
_ONE_LINE_OVERLAP = 0.5
_DEEPEST_OVERLAP = -2.0
_WIDEST_GAP = 1.5
_CELL_GAP = 0.7
_WIDEST_GAP_AFTER_MARK = 5.0
_WIDEST_GAP_RIGHT_TO_LEFT = 8.0
_LEAST_HEIGHT = 0.1


class Row:
    """Words that touch on one baseline: text from start to end. turned says that it runs up or down the page."""

    __slots__ = "bottom end gaps height left places right right_to_left start top turned".split()

    def __init__(self, start: int, end: int, box: Box, height: float, turned: bool, right_to_left: bool) -> None:
        self.start, self.end = start, end
        self.left, self.top, self.right, self.bottom = box
        self.height, self.turned, self.right_to_left = height, turned, right_to_left
        self.places = [(start, end, box[0])]
        """Start, end and left edge of each word."""
        self.gaps: list[tuple[int, float, float]] = []
        """Wide spaces: the start of the word behind, and both edges."""

    def goes_on(self, left: float, height: float) -> bool:
        """Whether a word of the same height begins right behind the row: so does almost every word."""
        return not self.turned and _DEEPEST_OVERLAP <= left - self.right <= _CELL_GAP * height

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

    def in_order(self, text: str) -> str:
        """Its text as it is read, of the text of the page."""
        if not self.right_to_left:
            return text[self.start : self.end]
        return _from_right(text, self.places)


def rows_of(characters: Characters) -> Iterator[Row]:
    """In the order of the file."""
    text, box_of = characters.text, characters.box
    any_from_right = bool(_RIGHT_TO_LEFT.search(text))
    row: Row | None = None
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
        if row and top == row.top and bottom == row.bottom and row.goes_on(left, height) and not any_from_right:
            row.places.append((start, end, left))
            row.end, row.right = end, max(row.right, box[2])
            continue
        from_right = any_from_right and bool(_RIGHT_TO_LEFT.search(text, start, end))
        if row and row.touches(box, height, text, from_right or row.right_to_left):
            row.add(start, end, box, height)
            row.right_to_left = row.right_to_left or from_right
            continue
        if row:
            yield row
        row = Row(start, end, box, max(height, _LEAST_HEIGHT), turned, from_right)
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
