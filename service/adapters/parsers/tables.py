"""Rows of cells as blocks, and where blocks stand."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from service.adapters.parsers.cleaning import cell
from service.domain.documents import Block, BlockKind, PageBox, Span, TextLine


def table_block(rows: Sequence[Sequence[str]], boxes: Sequence[PageBox] = ()) -> Block | None:
    """A TABLE block, header first, without rows that are empty. None when nothing is left. boxes has one a row."""
    cells = [tuple(cell(text) for text in row) for row in rows]
    kept = [index for index, row in enumerate(cells) if any(row)]
    if not kept:
        return None
    texts = [" | ".join(cells[index]) for index in kept]
    lines = lines_of(texts, [boxes[index] for index in kept]) if boxes else ()
    return Block(BlockKind.TABLE, "\n".join(texts), lines=lines, rows=tuple(cells[index] for index in kept))


def lines_of(texts: Sequence[str], boxes: Sequence[PageBox]) -> tuple[TextLine, ...]:
    """The lines of these texts when they are joined by newlines."""
    ends = accumulate(len(text) + 1 for text in texts)
    return tuple(
        TextLine(Span(end - 1 - len(text), end - 1), box) for text, box, end in zip(texts, boxes, ends, strict=True)
    )


def on_page(block: Block, number: int) -> Block:
    """The block somewhere on a page."""
    line = TextLine(Span(0, len(block.text)), PageBox(number, 0.0, 0.0, 1.0, 1.0))
    return Block(block.kind, block.text, block.level, (line,), block.rows)
