"""Word documents of any length to blocks. docling knows more of them but takes two milliseconds or more a paragraph."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from service.adapters.parsers.cleaning import one_line
from service.adapters.parsers.package import Package
from service.adapters.parsers.raw_text import WORD, paragraph_text
from service.adapters.parsers.tables import table_block
from service.domain.documents import Block, BlockKind

PARSER = "ragsql docx 1"
_HEADING = re.compile(r"heading (\d)", re.I)
_DEEPEST_HEADING = 6
_STYLES = "word/styles.xml"


def read_blocks(package: Package, body: Element) -> tuple[Block, ...]:
    """Headings, paragraphs, list items and tables of the XML of a document's body, text boxes after their paragraph."""
    return tuple(_Reader(package).blocks(body))


class _Reader:
    def __init__(self, package: Package) -> None:
        self._levels: dict[str, int] = {}
        self._items: set[str] = set()
        for style in package.tree(_STYLES).iter(f"{WORD}style") if _STYLES in package.names else ():
            self._add(style)

    def _add(self, style: Element) -> None:
        key, named = style.get(f"{WORD}styleId", ""), style.find(f"{WORD}name")
        name = "" if named is None else named.get(f"{WORD}val", "")
        if heading := _HEADING.match(name):
            self._levels[key] = min(int(heading[1]) + 1, _DEEPEST_HEADING)
        elif name.casefold() == "title":
            self._levels[key] = 1
        elif style.find(f"{WORD}pPr/{WORD}numPr") is not None or name.casefold().startswith("list "):
            self._items.add(key)

    def blocks(self, parent: Element) -> Iterator[Block]:
        """The blocks of all that stands in an element."""
        for child in parent:
            if child.tag == f"{WORD}p":
                yield from self._paragraph(child)
            elif child.tag == f"{WORD}tbl":
                if table := table_block([[_cell(cell) for cell in _cells(row)] for row in _rows(child)]):
                    yield table
            else:
                yield from self.blocks(child)

    def _paragraph(self, paragraph: Element) -> Iterator[Block]:
        named = paragraph.find(f"{WORD}pPr/{WORD}pStyle")
        style = "" if named is None else named.get(f"{WORD}val", "")
        level = self._levels.get(style, 0)
        numbered = paragraph.find(f"{WORD}pPr/{WORD}numPr") is not None or style in self._items
        kind = BlockKind.HEADING if level else BlockKind.LIST_ITEM if numbered else BlockKind.TEXT
        if text := paragraph_text(paragraph):
            yield Block(kind, text, level)
        for box in paragraph.iter(f"{WORD}txbxContent"):
            yield from self.blocks(box)


def _rows(table: Element) -> Iterator[Element]:
    """Rows of tables inside of a table belong to the cell that they stand in."""
    yield from table.iterfind(f"{WORD}tr")
    yield from table.iterfind(f"{WORD}sdt/{WORD}sdtContent/{WORD}tr")


def _cells(row: Element) -> Iterator[Element]:
    yield from row.iterfind(f"{WORD}tc")
    yield from row.iterfind(f"{WORD}sdt/{WORD}sdtContent/{WORD}tc")


def _cell(cell: Element) -> str:
    return one_line(" ".join(paragraph_text(paragraph) for paragraph in cell.iter(f"{WORD}p")))
