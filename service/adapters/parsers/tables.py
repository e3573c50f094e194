"""Rows of cells as blocks."""

from __future__ import annotations

from collections.abc import Sequence

from service.adapters.parsers.cleaning import cell
from service.domain.documents import Block, BlockKind, PageBox


def table_block(rows: Sequence[Sequence[str]], boxes: tuple[PageBox, ...] = ()) -> Block | None:
    """A TABLE block, header first, without rows that are empty. None when nothing is left."""
    cells = [tuple(cell(text) for text in row) for row in rows]
    kept = tuple(row for row in cells if any(row))
    if not kept:
        return None
    return Block(BlockKind.TABLE, "\n".join(" | ".join(row) for row in kept), boxes=boxes, rows=kept)
