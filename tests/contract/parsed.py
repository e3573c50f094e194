"""Parsing in tests, and what it gave."""

from __future__ import annotations

from service.adapters.parsers.parser import DocumentParser
from service.domain.caller import DEFAULT_CALLER
from service.domain.documents import BlockKind, ParsedDocument


async def parse(parser: DocumentParser, content: bytes | str, filename: str) -> ParsedDocument:
    data = content.encode() if isinstance(content, str) else content
    return await parser.parse(DEFAULT_CALLER, data, parser.detect(data, filename), filename)


def outline(parsed: ParsedDocument) -> list[tuple[int, str]]:
    return [(block.level, block.text) for block in parsed.blocks if block.kind is BlockKind.HEADING]


def texts(parsed: ParsedDocument, kind: BlockKind) -> list[str]:
    return [block.text for block in parsed.blocks if block.kind is kind]
