"""HTML of any size to blocks. docling knows more of HTML but takes a millisecond or more an element."""

from __future__ import annotations

from service.adapters.parsers.cleaning import clean, one_line
from service.adapters.parsers.raw_text import Collector
from service.adapters.parsers.tables import table_block
from service.domain.documents import Block, BlockKind

PARSER = "ragsql html 1"
_KINDS = {"li": BlockKind.LIST_ITEM, "dt": BlockKind.LIST_ITEM, "dd": BlockKind.LIST_ITEM, "pre": BlockKind.CODE}
_LEVELS = {f"h{level}": level for level in range(1, 7)}


def read_blocks(text: str) -> tuple[Block, ...]:
    """Headings, paragraphs, list items, code and tables. Raises UnreadableDocument for nesting beyond 500 elements."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return tuple(reader.blocks)


class _Reader(Collector):
    """rows are those of the outermost table that is open; tables inside of it are read as more of its rows."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks: list[Block] = []
        self._rows: list[list[str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        super().handle_starttag(tag, attrs)
        if tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th") and self._rows:
            self._rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        super().handle_endtag(tag)
        if tag == "table" and "table" not in self.open:
            self._end_table()

    def close(self) -> None:
        super().close()
        self._end_table()

    def keep(self, text: str) -> None:
        line = one_line(text)
        if not line:
            return
        if "table" in self.open and self._rows and self._rows[-1]:
            self._rows[-1][-1] = f"{self._rows[-1][-1]} {line}"
            return
        for tag in reversed(self.open):
            if tag in _LEVELS:
                self.blocks.append(Block(BlockKind.HEADING, line, _LEVELS[tag]))
                return
            if tag in _KINDS:
                shown = clean(text).strip("\n") if tag == "pre" else line
                self.blocks.append(Block(_KINDS[tag], shown))
                return
        self.blocks.append(Block(BlockKind.TEXT, line))

    def _end_table(self) -> None:
        if block := table_block(self._rows):
            self.blocks.append(block)
        self._rows = []
