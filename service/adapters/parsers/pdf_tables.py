"""Tables of a PDF page: rows whose cells stand in columns. Rather none than a wrong one."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from service.adapters.parsers.cleaning import cell as cell_text
from service.adapters.parsers.pdf_grids import Grid, cells_of, grids
from service.adapters.parsers.pdf_lines import Cell, Line, PageLines, TableRow
from service.adapters.parsers.pdf_order import gutter, on_one_row
from service.adapters.parsers.pdf_rules import Rule

_FEWEST_ROWS = 3
_FEWEST_COLUMNS = 3
_FEWEST_ROWS_OF_TWO = 4
_ROW_GAP = 1.8
_COLUMN_GAP = 0.3
_FILLED = 0.6
_LONGEST_TYPICAL_CELL = 24
_LONGEST_CELL = 90
_FEW_WORDS = 3
_ALIGNED = 0.6
_ALIGNED_SHARE = 0.8
_NUMBERS_OF_TWO = 0.8
_LONGEST_NUMBER = 16
_FEWEST_RULES = 2
_LEADER = "…"

Span = tuple[float, float]


@dataclass(slots=True)
class _Row:
    """What stands at one height of the page, or of one of its columns."""

    lines: list[Line]
    cells: list[Cell]

    @property
    def top(self) -> float:
        return min(line.top for line in self.lines)

    @property
    def bottom(self) -> float:
        return max(line.bottom for line in self.lines)

    @property
    def height(self) -> float:
        return max(line.height for line in self.lines)


def with_tables(page: PageLines) -> PageLines:
    """The page with each table as one line that has rows, in the place of its first line."""
    places = {id(line): at for at, line in enumerate(page.lines)}
    lines: list[Line | None] = list(page.lines)

    def put(members: Sequence[Line], table: Line) -> None:
        taken = [places[id(line)] for line in members]
        for at in taken:
            lines[at] = None
        lines[min(taken)] = table

    def is_free(line: Line) -> bool:
        return lines[places[id(line)]] is line

    for members, grid in grids(page.lines, page.lying, page.standing):
        if members and all(map(is_free, members)):
            put(members, _framed(members, grid))
    for part in _parts(page):
        for rows in _runs(_rows([line for line in part if is_free(line)])):
            if found := _table(rows, page.lying):
                put([line for row in found[1] for line in row.lines], found[0])
    return replace(page, lines=tuple(line for line in lines if line))


def _parts(page: PageLines) -> Iterator[Sequence[Line]]:
    """The page, then each of its two columns."""
    yield page.lines
    middle = gutter(page)
    if middle is not None:
        yield [line for line in page.lines if line.right <= middle]
        yield [line for line in page.lines if line.left >= middle]


def _rows(lines: Sequence[Line]) -> list[_Row]:
    rows: list[_Row] = []
    for line in sorted(lines, key=lambda line: line.top):
        cells = list(cells_of(line))
        if rows and on_one_row(rows[-1].lines[0], line):
            rows[-1].lines.append(line)
            rows[-1].cells += cells
        else:
            rows.append(_Row([line], cells))
    for row in rows:
        row.cells.sort(key=lambda cell: cell.left)
    return rows


def _runs(rows: Sequence[_Row]) -> Iterator[list[_Row]]:
    """Rows of two cells or more that follow closely on one another."""
    run: list[_Row] = []
    for row in rows:
        if not _may_be_row(row) or (run and row.top - run[-1].bottom > _ROW_GAP * row.height):
            yield run
            run = []
        if _may_be_row(row):
            run.append(row)
    yield run


def _may_be_row(row: _Row) -> bool:
    if len(row.cells) < 2 or all(line.mono for line in row.lines):
        return False
    apart = all(one.right <= other.left for one, other in pairwise(row.cells))
    return apart and not any(_LEADER in cell.text or len(cell.text) > _LONGEST_CELL for cell in row.cells)


def _table(rows: list[_Row], lying: Sequence[Rule]) -> tuple[Line, list[_Row]] | None:
    """A table made of rows, without those above its header."""
    if len(rows) < _FEWEST_ROWS:
        return None
    columns = _columns(rows[2:] if len(rows) > _FEWEST_ROWS + 1 else rows)
    if len(columns) < 2:
        return None
    while rows and len(_in_columns(rows[0], columns)) < _FILLED * len(columns):
        rows = rows[1:]
    filled = [_in_columns(row, columns) for row in rows]
    if len(rows) < _FEWEST_ROWS or not _is_table(rows, filled, columns):
        return None
    if len(columns) < _FEWEST_COLUMNS and not _is_ruled(rows, columns, lying) and not _has_numbers(filled):
        return None
    return _as_line(rows, filled, len(columns)), rows


def _columns(rows: Sequence[_Row]) -> list[Span]:
    """What the cells of all rows cover, from left to right."""
    columns: list[Span] = []
    for cell in sorted((cell for row in rows for cell in row.cells), key=lambda cell: cell.left):
        if columns and cell.left < columns[-1][1] + _COLUMN_GAP * rows[0].height:
            columns[-1] = (columns[-1][0], max(columns[-1][1], cell.right))
        else:
            columns.append((cell.left, cell.right))
    return columns


def _in_columns(row: _Row, columns: Sequence[Span]) -> dict[int, list[Cell]]:
    """The cells of a row by the column that they overlap most."""
    found: dict[int, list[Cell]] = {}
    for cell in row.cells:
        overlaps = [min(cell.right, right) - max(cell.left, left) for left, right in columns]
        found.setdefault(overlaps.index(max(overlaps)), []).append(cell)
    return found


def _is_table(rows: Sequence[_Row], filled: Sequence[dict[int, list[Cell]]], columns: Sequence[Span]) -> bool:
    cells = [cell for row in rows for cell in row.cells]
    if statistics.median(len(cell.text) for cell in cells) > _LONGEST_TYPICAL_CELL:
        return False
    if sum(map(len, filled)) < _FILLED * len(rows) * len(columns) or any(len(row) < 2 for row in filled):
        return False
    columns_below = [[row[at][0] for row in filled[1:] if at in row] for at in range(len(columns))]
    if not all(columns_below) or any(len(found) > 1 for row in filled[1:] for found in row.values()):
        return False
    brief = sum(statistics.median(len(cell.text.split()) for cell in column) <= _FEW_WORDS for column in columns_below)
    return 2 * brief >= len(columns) and all(_is_aligned(column, rows[0].height) for column in columns_below)


def _is_ruled(rows: Sequence[_Row], columns: Sequence[Span], lying: Sequence[Rule]) -> bool:
    """Whether two lines or more are drawn across the columns, above, between or below the rows."""
    reach = _ROW_GAP * rows[0].height
    across = (
        rule
        for rule in lying
        if rows[0].top - reach <= rule.at <= rows[-1].bottom + reach
        and rule.start <= columns[0][0] + reach
        and rule.end >= columns[-1][1] - reach
    )
    return sum(1 for _ in across) >= _FEWEST_RULES


def _has_numbers(filled: Sequence[dict[int, list[Cell]]]) -> bool:
    """Whether enough rows have a short second cell with a number."""
    second = [row[1][0].text for row in filled[1:] if 1 in row]
    numbers = sum(any(character.isdigit() for character in text) and len(text) < _LONGEST_NUMBER for text in second)
    return len(filled) >= _FEWEST_ROWS_OF_TWO and numbers >= _NUMBERS_OF_TWO * len(second)


def _is_aligned(cells: Sequence[Cell], height: float) -> bool:
    """Whether most cells of a column share their left edge, their right edge or their middle."""
    edges = ([c.left for c in cells], [c.right for c in cells], [(c.left + c.right) / 2 for c in cells])
    for places in edges:
        middle = statistics.median(places)
        near = sum(abs(place - middle) <= _ALIGNED * height for place in places)
        if near >= _ALIGNED_SHARE * len(places):
            return True
    return False


def _as_line(rows: Sequence[_Row], filled: Sequence[dict[int, list[Cell]]], columns: int) -> Line:
    return _made(
        [_row_of(row.lines, found, columns) for row, found in zip(rows, filled, strict=True)], rows[0].lines[0]
    )


def _framed(lines: Sequence[Line], grid: Grid) -> Line:
    columns = 1 + max(at for row in grid for at in row)
    rows: list[TableRow] = []
    for row in grid:
        cells = {cell for found in row.values() for cell in found}
        rows.append(_row_of([line for line in lines if cells.intersection(cells_of(line))], row, columns))
    return _made(rows, lines[0])


def _row_of(lines: Sequence[Line], cells: dict[int, list[Cell]], columns: int) -> TableRow:
    texts = tuple(cell_text(" ".join(cell.text for cell in cells.get(at, ()))) for at in range(columns))
    left, top = min(line.left for line in lines), min(line.top for line in lines)
    return TableRow(texts, left, top, max(line.right for line in lines), max(line.bottom for line in lines))


def _made(rows: Sequence[TableRow], like: Line) -> Line:
    return replace(
        like,
        left=min(row.left for row in rows),
        top=min(row.top for row in rows),
        right=max(row.right for row in rows),
        bottom=max(row.bottom for row in rows),
        text="\n".join(" | ".join(row.cells) for row in rows),
        cells=(),
        bold=False,
        mono=False,
        rows=tuple(rows),
    )
