"""Units: the sentences, list items and table rows of a chunk, as a person or an embedding model reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.domain.documents import Chunk, Span

CELL_SEPARATOR = " | "


def unit_text(chunk: Chunk, unit: Span) -> str:
    """The unit as one statement. The cells of a table row are named by the table's header: "Days: 5; Fee: 2"."""
    text = chunk.text[unit.start : unit.end].strip()
    header = _header_above(chunk.text, unit)
    if not header:
        return text
    names, cells = header.split(CELL_SEPARATOR), text.split(CELL_SEPARATOR)
    if len(names) != len(cells):
        return text
    pairs = ((name.strip(), cell.strip()) for name, cell in zip(names, cells, strict=True))
    return "; ".join(f"{name}: {cell}" if name else cell for name, cell in pairs if cell)


def unit_in_context(chunk: Chunk, unit: Span) -> str:
    """The unit after the headings that it stands under: what is embedded for it."""
    return f"{' > '.join(chunk.headings)}: {unit_text(chunk, unit)}" if chunk.headings else unit_text(chunk, unit)


def is_table_row(chunk: Chunk, unit: Span) -> bool:
    """Whether the unit is a row of a table, its header excluded."""
    return bool(_header_above(chunk.text, unit))


def _header_above(text: str, unit: Span) -> str:
    """The first line of the unbroken run of table lines above the unit, empty when there is none."""
    if CELL_SEPARATOR not in text[unit.start : unit.end]:
        return ""
    lines = text[: unit.start].split("\n")[:-1]
    header = ""
    for line in reversed(lines):
        if CELL_SEPARATOR not in line:
            break
        header = line
    return header
