"""Who waits for whom in the parser."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from service.adapters.parsers.parser import DocumentParser
from service.domain.caller import DEFAULT_CALLER

pytestmark = pytest.mark.anyio
LONG = b"A sentence of a very long text. " * 60_000


@pytest.fixture
def parser() -> Iterator[DocumentParser]:
    parser = DocumentParser(processes=1)
    yield parser
    parser.close()


async def test_a_short_file_does_not_wait_for_long_ones(parser: DocumentParser) -> None:
    done: list[str] = []

    async def parse(content: bytes, name: str) -> None:
        await parser.parse(DEFAULT_CALLER, content, "text/plain", name)
        done.append(name)

    await parse(b"The first starts the process that is copied.", "first.txt")
    await asyncio.gather(*(parse(LONG, f"long {n}.txt") for n in (1, 2)), parse(b"Short.", "short.txt"))
    assert done[1] == "short.txt"


async def test_short_files_use_every_slot_that_is_free(parser: DocumentParser) -> None:
    texts = [f"Text {n}.".encode() for n in range(6)]
    found = await asyncio.gather(*(parser.parse(DEFAULT_CALLER, text, "text/plain", "a.txt") for text in texts))
    assert [parsed.blocks[0].text.encode() for parsed in found] == texts
