"""Tables that a PDF page frames with lines: cells by the frame that they stand in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from service.adapters.parsers.pdf_lines import Cell, Line
from service.adapters.parsers.pdf_rules import Rule

_SAME_EDGE = 4.0
_FEWEST_BANDS = 2
_CROSSED = 0.6
_OVER_EDGE = 2.0
_MOST_LINES_OF_FIRST = 3

Grid = list[dict[int, list[Cell]]]


def cells_of(line: Line) -> tuple[Cell, ...]:
    """The parts of a line between wide spaces, or all of it."""
    return line.cells or (Cell(line.text, line.left, line.right),)


def grids(lines: Sequence[Line], lying: Sequence[Rule], standing: Sequence[Rule]) -> Iterator[tuple[list[Line], Grid]]:
    """The lines inside each frame of two columns and two rows or more, and their cells by row and column."""
    for frame in _frames(lying):
        left, right = frame[0].start, frame[0].end
        heights = [rule.at for rule in frame]
        crossing = [
            rule.at
            for rule in standing
            if left - _SAME_EDGE <= rule.at <= right + _SAME_EDGE
            and min(rule.end, heights[-1]) - max(rule.start, heights[0]) >= _CROSSED * (heights[-1] - heights[0])
        ]
        edges = [left, *(at for at in sorted(crossing) if left + _SAME_EDGE < at < right - _SAME_EDGE), right]
        inside = [line for line in lines if _is_inside(line, edges, heights)]
        if len(edges) > 2 and (grid := _grid(inside, edges, heights)):
            yield inside, grid


def _frames(lying: Sequence[Rule]) -> Iterator[list[Rule]]:
    """Lines below one another with the same ends, three or more."""
    groups: list[list[Rule]] = []
    for rule in sorted(lying):
        for group in groups:
            if abs(group[0].start - rule.start) < _SAME_EDGE and abs(group[0].end - rule.end) < _SAME_EDGE:
                group.append(rule)
                break
        else:
            groups.append([rule])
    return (group for group in groups if len(group) > _FEWEST_BANDS)


def _is_inside(line: Line, edges: Sequence[float], heights: Sequence[float]) -> bool:
    middle = (line.top + line.bottom) / 2
    return (
        heights[0] < middle < heights[-1]
        and line.left >= edges[0] - _OVER_EDGE
        and line.right <= edges[-1] + _OVER_EDGE
    )


def _grid(lines: Sequence[Line], edges: Sequence[float], heights: Sequence[float]) -> Grid | None:
    """None when a cell crosses an edge, a frame holds many rows, or too little is filled to be a table."""
    grid: Grid = []
    for top, bottom in pairwise(heights):
        row: dict[int, list[Cell]] = {}
        for line in sorted(lines, key=lambda line: (line.top, line.left)):
            if not top < (line.top + line.bottom) / 2 < bottom:
                continue
            for cell in cells_of(line):
                column = sum(cell.left > edge - _OVER_EDGE for edge in edges) - 1
                if column + 1 >= len(edges) or cell.right > edges[column + 1] + _OVER_EDGE:
                    return None
                row.setdefault(max(column, 0), []).append(cell)
        if len(row.get(0, ())) > _MOST_LINES_OF_FIRST:
            return None
        if row:
            grid.append(row)
    filled = sum(len(row) > 1 for row in grid)
    return grid if len(grid) >= _FEWEST_BANDS and 2 * filled > len(grid) else None
