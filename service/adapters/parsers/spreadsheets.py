"""Excel workbooks. Only cells that hold something are ever looked at, however far apart they stand.

Imported in the parsing process only: openpyxl takes a while to load.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import importlib.metadata
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast
from xml.etree import ElementTree

from openpyxl import load_workbook
from openpyxl.utils import column_index_from_string, get_column_letter
from openpyxl.utils import datetime as excel_dates

from service.adapters.parsers.cleaning import one_line
from service.adapters.parsers.completeness import check_whole, letters
from service.adapters.parsers.package import DAMAGED, Package, damaged
from service.adapters.parsers.tables import on_page, table_block
from service.domain.documents import Block, BlockKind, ParsedDocument

_DENSE = 4
_SMALL_GRID = 4096
_DIGITS = "0123456789"
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_DRAWN = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
Row = tuple[int, dict[int, str]]


def parse_xlsx(content: bytes, title: str) -> ParsedDocument:
    """A heading and tables a sheet; pages are sheets in their order. Raises UnreadableDocument.

    A table is what empty rows set apart. Shown are values, dates as ISO 8601, and formulas that have no value.
    """
    package = Package(content)
    try:
        workbook: Any = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        sheets = [_read_sheet(package, workbook, sheet) for sheet in workbook.worksheets]
        named = one_line(workbook.properties.title or "")
    except (*DAMAGED, TypeError, AttributeError, IndexError):
        raise damaged() from None
    blocks = tuple(block for number, sheet in enumerate(sheets, 1) for block in sheet.blocks(number))
    check_whole(sum(sheet.letters for sheet in sheets), (b for b in blocks if b.kind is not BlockKind.HEADING))
    version = importlib.metadata.version("openpyxl")
    return ParsedDocument(named or title, blocks, len(sheets), f"openpyxl {version}")


@dataclass(frozen=True, slots=True)
class _Sheet:
    """name, its rows that hold anything, the texts of its comments and drawings, and the letters of its file."""

    name: str
    rows: list[Row]
    notes: list[str]
    letters: int

    def blocks(self, number: int) -> Iterator[Block]:
        """The heading and what is below it; nothing for an empty sheet."""
        bodies = [block for region in _regions(self.rows) for block in _region_blocks(region)]
        bodies += [Block(BlockKind.TEXT, text) for text in self.notes]
        for block in [Block(BlockKind.HEADING, self.name, 1), *bodies] if bodies else []:
            yield on_page(block, number)


def _read_sheet(package: Package, workbook: Any, sheet: Any) -> _Sheet:
    path = sheet._worksheet_path.lstrip("/")
    strings = [one_line(text) for text in sheet._shared_strings]
    notes = list(_notes(package, path))
    rows = list(_rows(package, path, _Values(workbook, strings)))
    count = letters(notes) + _letters_of_cells(package, path, list(map(letters, zip(strings, strict=True))))
    return _Sheet(one_line(sheet.title) or "Sheet", rows, notes, count)


def _rows(package: Package, path: str, values: _Values) -> Iterator[Row]:
    """The number of each row that holds anything, and its texts by column, in ascending order."""
    number = 0
    for row in package.elements(path, f"{_MAIN}row"):
        number = int(row.get("r") or number + 1)
        texts: dict[int, str] = {}
        column = 0
        for cell in row:
            name = cell.get("r")
            column = column_index_from_string(name.rstrip(_DIGITS)) if name else column + 1
            if text := values.text(cell):
                texts[column] = text
        if texts:
            yield number, dict(sorted(texts.items()))


class _Values:
    """What cells show. strings are the texts that they refer to by number."""

    def __init__(self, workbook: Any, strings: list[str]) -> None:
        self._strings = strings
        self._epoch = workbook.epoch
        self._dates = {str(index): index in workbook._timedelta_formats for index in workbook._date_formats}
        styles = enumerate(workbook._cell_styles)
        self._percents = {str(index) for index, style in styles if "%" in _number_format(workbook, style.numFmtId)}

    def text(self, cell: ElementTree.Element) -> str:
        """The value of a cell, else its formula, else nothing."""
        kind, value = cell.get("t", "n"), cell.findtext(f"{_MAIN}v")
        if kind == "inlineStr":
            return one_line("".join(part.text or "" for part in cell.iter(f"{_MAIN}t")))
        if not value:
            formula = cell.findtext(f"{_MAIN}f")
            return f"={one_line(formula)}" if formula else ""
        if kind == "s":
            return self._strings[int(value)]
        if kind == "b":
            return "TRUE" if value == "1" else "FALSE"
        return self._number(float(value), cell.get("s", "0")) if kind == "n" else one_line(value)

    def _number(self, value: float, style: str) -> str:
        if style in self._dates:
            with contextlib.suppress(OverflowError, ValueError):
                return _shown(cast(Any, excel_dates).from_excel(value, self._epoch, timedelta=self._dates[style]))
        return f"{value * 100:.12g}%" if style in self._percents else f"{value:.15g}"


def _letters_of_cells(package: Package, name: str, strings: Sequence[int]) -> int:
    """A second count: of texts as they stand in the file, and one for each other value, however it is shown."""
    count = 0
    for cell in package.elements(name, f"{_MAIN}c"):
        kind, value = cell.get("t", "n"), cell.findtext(f"{_MAIN}v", "")
        if kind == "inlineStr":
            count += letters(part.text or "" for part in cell.iter(f"{_MAIN}t"))
        elif kind == "s":
            count += strings[int(value)] if value else 0
        else:
            count += letters([value]) if kind == "str" else bool(value.strip())
    return count


def _shown(value: object) -> str:
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(" ", "seconds")
    return str(value)


def _number_format(workbook: Any, number: int) -> str:
    from openpyxl.styles.numbers import BUILTIN_FORMATS

    own = workbook._number_formats
    return own[number - 164] if 0 <= number - 164 < len(own) else cast(Any, BUILTIN_FORMATS).get(number) or ""


def _regions(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Rows that follow one another without an empty one between."""
    region: list[Row] = []
    for row in sorted(rows, key=lambda row: row[0]):
        if region and row[0] > region[-1][0] + 1:
            yield region
            region = []
        region.append(row)
    if region:
        yield region


def _region_blocks(region: list[Row]) -> Iterator[Block]:
    """Lines that stand alone above a table, then the table; cells with their names where a grid would be empty."""
    widest = max(len(cells) for _, cells in region)
    while region and len(region[0][1]) == 1 and (widest > 1 or len(region) == 1):
        yield Block(BlockKind.TEXT, "".join(region.pop(0)[1].values()))
    columns = sorted({column for _, cells in region for column in cells})
    filled = sum(len(cells) for _, cells in region)
    if len(region) * len(columns) > max(_SMALL_GRID, _DENSE * filled):
        for number, cells in region:
            text = "; ".join(f"{get_column_letter(column)}{number}: {value}" for column, value in cells.items())
            yield Block(BlockKind.LIST_ITEM, text)
    elif block := table_block([[cells.get(column, "") for column in columns] for _, cells in region]):
        yield block


def _notes(package: Package, name: str) -> Iterator[str]:
    """Comments, text boxes and the names in charts."""
    for part in _reachable(package, name):
        comments = "comment" in part
        tags = (f"{_MAIN}comment", f"{_MAIN}t") if comments else (f"{_DRAWN}p", f"{_DRAWN}t")
        if part.endswith(".xml") and (comments or "/drawings/" in part or "/charts/" in part):
            yield from filter(None, package.texts(part, *tags))


def _reachable(package: Package, name: str) -> Iterator[str]:
    for part in package.related(name).values():
        yield part
        if "/drawings/" in part:
            yield from package.related(part).values()
