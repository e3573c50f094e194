"""The straight lines drawn on a PDF page, which frame tables."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

_MOST_PATHS = 2000
_THINNEST = 2.5
_SHORTEST = 8.0
_SAME = 1.5
_TOUCH = 3.0


class Rule(NamedTuple):
    """A line at a distance from the page's top (or left side), from start to end along the other direction."""

    at: float
    start: float
    end: float


def read_rules(page: Any) -> tuple[list[Rule], list[Rule]]:
    """Those that lie and those that stand, in points from the upper left; none on turned or very busy pages."""
    if page.get_rotation():
        return [], []
    x0, _, _, y1 = page.get_bbox()
    lying: list[Rule] = []
    standing: list[Rule] = []
    for left, bottom, right, top in _paths(page):
        left, right, top, bottom = left - x0, right - x0, y1 - top, y1 - bottom
        if bottom - top < _THINNEST:
            lying.append(Rule((top + bottom) / 2, left, right))
        elif right - left < _THINNEST:
            standing.append(Rule((left + right) / 2, top, bottom))
        else:
            lying += [Rule(top, left, right), Rule(bottom, left, right)]
            standing += [Rule(left, top, bottom), Rule(right, top, bottom)]
    return _merged(lying), _merged(standing)


def _paths(page: Any) -> Iterator[tuple[float, float, float, float]]:
    """Left, bottom, right, top of each path, as pdfium has them."""
    import pypdfium2.raw as raw

    count = raw.FPDFPage_CountObjects(page.raw)
    bounds = [ctypes.c_float() for _ in range(4)]
    paths = 0
    for index in range(count):
        item = raw.FPDFPage_GetObject(page.raw, index)
        if raw.FPDFPageObj_GetType(item) == raw.FPDF_PAGEOBJ_PATH:
            paths += 1
            if paths > _MOST_PATHS:
                return
            raw.FPDFPageObj_GetBounds(item, *bounds)
            yield bounds[0].value, bounds[1].value, bounds[2].value, bounds[3].value


def _merged(rules: Iterable[Rule]) -> list[Rule]:
    """Pieces of one line as one, without what is too short to frame anything."""
    merged: list[Rule] = []
    for rule in sorted(rules, key=lambda rule: (round(rule.at / _SAME), rule.start)):
        last = merged[-1] if merged else None
        if last and abs(last.at - rule.at) <= _SAME and rule.start <= last.end + _TOUCH:
            merged[-1] = Rule(last.at, last.start, max(last.end, rule.end))
        else:
            merged.append(rule)
    return [rule for rule in merged if rule.end - rule.start >= _SHORTEST]
