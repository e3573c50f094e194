"""Excel workbooks. Only cells that hold something are ever looked at, however far apart they stand.

Imported in the parsing process only: openpyxl takes a while to load.
"""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from openpyxl import load_workbook
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._reader import FORMULA_TAG, WorkSheetParser

from service.adapters.parsers.cleaning import one_line
from service.adapters.parsers.completeness import check_whole, letters
from service.adapters.parsers.package import DAMAGED, Package, damaged
from service.adapters.parsers.tables import on_page, table_block
from service.domain.documents import Block, BlockKind, ParsedDocument

_DENSE = 4
_SMALL_GRID = 4096
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
    check_whole(sum(sheet.letters for sheet in sheets), blocks)
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
    with sheet._get_source() as source:
        reader = _Reader(
            source,
            sheet._shared_strings,
            data_only=True,
            epoch=workbook.epoch,
            date_formats=workbook._date_formats,
            timedelta_formats=workbook._timedelta_formats,
        )
        reader.percents = {
            index
            for index, style in enumerate(workbook._cell_styles)
            if "%" in _number_format(workbook, style.numFmtId)
        }
        rows = list(reader.rows())
    path = sheet._worksheet_path.lstrip("/")
    notes = list(_notes(package, path))
    strings = [letters([text]) for text in sheet._shared_strings]
    return _Sheet(
        one_line(sheet.title) or "Sheet", rows, notes, letters(notes) + _letters_of_cells(package, path, strings)
    )


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


class _Reader(WorkSheetParser):
    """Rows of one sheet. percents are the styles that show a hundredfold."""

    percents: set[int]

    def rows(self) -> Iterator[Row]:
        """The number of each row that holds anything, and its texts by column, in ascending order."""
        for number, cells in cast("Iterator[tuple[int, list[dict[str, Any]]]]", self.parse()):
            texts = {cell["column"]: self._text(cell) for cell in cells}
            kept = {column: texts[column] for column in sorted(texts) if texts[column]}
            if kept:
                yield number, kept

    def parse_cell(self, element: Any) -> dict[str, Any]:
        cell = cast("dict[str, Any]", cast(Any, super()).parse_cell(element))
        if cell["value"] is None and (formula := element.findtext(FORMULA_TAG)):
            cell["value"] = f"={formula}"
        return cell

    def _text(self, cell: dict[str, Any]) -> str:
        value = cell["value"]
        if isinstance(value, int | float) and not isinstance(value, bool) and cell["style_id"] in self.percents:
            return f"{value * 100:.12g}%"
        return _shown(value)


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(" ", "seconds")
    return one_line(str(value))


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
