"""Plain text to headings, paragraphs and list items."""

from __future__ import annotations

import re
from collections.abc import Iterator

from service.adapters.parsers.cleaning import clean, one_line
from service.adapters.parsers.completeness import check_whole, letters
from service.domain.documents import Block, BlockKind, ParsedDocument

PARSER = "ragsql text 2"
_BLANK = re.compile(r"\n[ \t]*\n\s*")
_ITEM = re.compile(r"[ \t]*(?:[-*•–‣◦]|\(?(?:\d{1,3}|[a-zA-Z])[.)])[ \t]+\S")
_WRAPPED_WIDTH = 45
_LONGEST_HEADING = 80


def parse_text(text: str, title: str) -> ParsedDocument:
    """Paragraphs are what blank lines separate. Lines of wrapped paragraphs are joined, other line breaks are kept.

    A line that stands alone is a heading when it is in capitals, and a first line also when it ends no sentence.
    """
    paragraphs = [paragraph for paragraph in _BLANK.split(clean(text)) if paragraph.strip()]
    headings = [
        index < len(paragraphs) - 1 and _is_heading(paragraph, index) for index, paragraph in enumerate(paragraphs)
    ]
    blocks = tuple(
        block
        for paragraph, heading in zip(paragraphs, [*headings, False], strict=False)
        for block in ((Block(BlockKind.HEADING, one_line(paragraph), 1),) if heading else _blocks(paragraph))
    )
    check_whole(letters([text]), blocks)
    return ParsedDocument(title, blocks, 0, PARSER)


def _is_heading(paragraph: str, index: int) -> bool:
    line = paragraph.strip()
    if "\n" in line or len(line) > _LONGEST_HEADING or _ITEM.match(line) or not any(map(str.isalpha, line)):
        return False
    return line.isupper() or (index == 0 and line[-1] not in ".!?:;,")


def _blocks(paragraph: str) -> Iterator[Block]:
    lines = [line for line in paragraph.split("\n") if line.strip()]
    start = 0
    for end in range(1, len(lines) + 1):
        if end == len(lines) or _ITEM.match(lines[end]):
            yield _block(lines[start:end])
            start = end


def _block(lines: list[str]) -> Block:
    if _ITEM.match(lines[0]):
        return Block(BlockKind.LIST_ITEM, one_line(" ".join(lines)))
    wrapped = all(len(line.strip()) >= _WRAPPED_WIDTH for line in lines[:-1])
    return Block(BlockKind.TEXT, (" " if wrapped else "\n").join(one_line(line) for line in lines))
