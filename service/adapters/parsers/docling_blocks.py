"""A docling document as our blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from service.adapters.parsers.cleaning import clean, one_line
from service.adapters.parsers.tables import table_block
from service.domain.documents import Block, BlockKind, PageBox, Span, TextLine

if TYPE_CHECKING:
    from docling_core.types.doc.base import BoundingBox
    from docling_core.types.doc.document import DoclingDocument
    from docling_core.types.doc.items.node import NodeItem
    from docling_core.types.doc.items.table.table import TableItem

_DEEPEST_HEADING = 6
_LOOK = 16
_NEAR = 4096
_NO_SPACE_BEFORE = ".,;:!?)]}’”%"


def blocks_of(document: DoclingDocument, raw: str) -> tuple[Block, ...]:
    """All blocks in reading order. raw is the plain text of the source, which says where parts touch."""
    walker = _Walker(document, " ".join(raw.split()))
    return tuple(walker.blocks(document.body))


@dataclass(slots=True)
class _Walker:
    """position is where in raw the last parts of a line were found."""

    document: DoclingDocument
    raw: str
    position: int = 0

    def blocks(self, node: NodeItem) -> Iterator[Block]:
        """The blocks of a node and of all below it."""
        from docling_core.types.doc.common.content_layer import ContentLayer
        from docling_core.types.doc.items.group import InlineGroup
        from docling_core.types.doc.items.table.table import TableItem
        from docling_core.types.doc.items.text import TextItem, TitleItem

        if isinstance(node, TableItem):
            yield from self._table(node)
            return
        if isinstance(node, TitleItem) and node.content_layer is ContentLayer.FURNITURE:
            return
        children = [child.resolve(self.document) for child in node.children]
        if isinstance(node, InlineGroup):
            yield from self._block(node, BlockKind.TEXT, self._inline(node), 0)
            return
        if isinstance(node, TextItem):
            inline = children[0] if not node.text.strip() and children else None
            text = node.text
            if isinstance(inline, InlineGroup):
                text = self._inline(inline)
                children = children[1:]
            yield from self._block(node, *_kind(node, text))
        for child in children:
            yield from self.blocks(child)

    def _block(self, node: NodeItem, kind: BlockKind, text: str, level: int) -> Iterator[Block]:
        text = clean(text).strip("\n") if kind is BlockKind.CODE else one_line(text)
        if text.strip():
            yield Block(kind, text, level, self._lines(node, text))

    def _lines(self, node: NodeItem, text: str) -> tuple[TextLine, ...]:
        """A line a place; what stands in several is divided as docling says."""
        boxes = self._boxes(node)
        if len(boxes) < 2:
            return tuple(TextLine(Span(0, len(text)), box) for box in boxes)
        ends = [place.charspan[1] for place in getattr(node, "prov", ())]
        cuts = [0, *(round(end / max(1, ends[-1]) * len(text)) for end in ends)]
        spans = [Span(start, end) for start, end in pairwise(cuts)]
        return tuple(TextLine(span, box) for span, box in zip(spans, boxes, strict=True) if span.start < span.end)

    def _boxes(self, node: NodeItem) -> list[PageBox]:
        return [self._box(place.page_no, place.bbox) for place in getattr(node, "prov", ())]

    def _box(self, page: int, bounds: BoundingBox) -> PageBox:
        """The whole page where docling knows no place on it."""
        size = self.document.pages[page].size
        box = bounds.to_top_left_origin(size.height).normalized(size)
        left, top, right, bottom = (round(min(1.0, max(0.0, edge)), 4) for edge in (box.l, box.t, box.r, box.b))
        placed = left < right and top < bottom
        return PageBox(page, left, top, right, bottom) if placed else PageBox(page, 0.0, 0.0, 1.0, 1.0)

    def _inline(self, group: NodeItem) -> str:
        from docling_core.types.doc.items.text import TextItem

        text = ""
        for child in group.children:
            item = child.resolve(self.document)
            part = one_line(item.text if isinstance(item, TextItem) else self._inline(item))
            if text and part and not self._touch(text, part):
                text += " "
            text += part
        return text

    def _touch(self, left: str, right: str) -> bool:
        """Whether there is no space between two parts of a line."""
        joined = left[-_LOOK:] + right[:_LOOK]
        apart = f"{left[-_LOOK:]} {right[:_LOOK]}"
        for start, end in ((self.position, self.position + _NEAR), (0, len(self.raw))):
            for text in (joined, apart):
                found = self.raw.find(text, start, end)
                if found >= 0:
                    self.position = found
                    return text == joined
        return right[0] in _NO_SPACE_BEFORE

    def _table(self, table: TableItem) -> Iterator[Block]:
        grid = table.data.grid
        rows = [
            ["" if column > cell.start_col_offset_idx else cell.text for column, cell in enumerate(row)] for row in grid
        ]
        has_header = bool(grid) and any(cell.column_header for cell in grid[0])
        if not has_header and table.data.num_cols <= 2:
            boxes = self._row_boxes(table)
            for index, row in enumerate(rows):
                line = table_block([[text for text in row if text.strip()]], boxes[index : index + 1])
                if line:
                    yield Block(BlockKind.LIST_ITEM, line.text, lines=line.lines)
        elif block := table_block(rows, self._row_boxes(table)):
            yield block

    def _row_boxes(self, table: TableItem) -> list[PageBox]:
        """The box of each row, as far as docling tells it, else that of the table."""
        if not table.prov:
            return []
        page = table.prov[0].page_no
        boxes: list[PageBox] = []
        for row in table.data.grid:
            bounds = [cell.bbox for cell in row if cell.bbox and cell.row_span == 1]
            boxes.append(self._box(page, bounds[0].enclosing_bbox(bounds) if bounds else table.prov[0].bbox))
        return boxes


def _kind(node: NodeItem, text: str) -> tuple[BlockKind, str, int]:
    from docling_core.types.doc.items.code import CodeItem
    from docling_core.types.doc.items.text import ListItem, SectionHeaderItem, TitleItem

    if isinstance(node, TitleItem):
        return BlockKind.HEADING, text, 1
    if isinstance(node, SectionHeaderItem):
        return BlockKind.HEADING, text, min(node.level + 1, _DEEPEST_HEADING)
    if isinstance(node, CodeItem):
        return BlockKind.CODE, text, 0
    return (BlockKind.LIST_ITEM if isinstance(node, ListItem) else BlockKind.TEXT), text, 0
