"""A parser and an embedder that need nothing. Each can be told to fail at a call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from service.domain.caller import Caller
from service.domain.chunk_text import embedding_text
from service.domain.documents import Block, BlockKind, Chunk, ParsedDocument
from service.errors import UnreadableDocument
from service.ports import EmbeddedChunk
from tests.documents.memory_ports import Flaky

if TYPE_CHECKING:
    from service.ports import Vectors


def _open_gate() -> asyncio.Event:
    gate = asyncio.Event()
    gate.set()
    return gate


@dataclass
class LineParser(Flaky):
    """Each line of a file is a paragraph. Waits for gate, except with the file ungated, and says with reached so."""

    version: str = "1"
    gate: asyncio.Event = field(default_factory=_open_gate)
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    ungated: bytes = b""
    error: Exception | None = None

    def detect(self, content: bytes, filename: str) -> str:
        return "text/plain"

    async def parse(
        self,
        caller: Caller,
        content: bytes,
        media_type: str,
        filename: str,
        progress: Callable[[int, int], None] | None = None,
    ) -> ParsedDocument:
        self.called("parse")
        if progress:
            progress(3, 7)
        self.reached.set()
        if self.error:
            raise self.error
        if content != self.ungated:
            await self.gate.wait()
        blocks = tuple(Block(BlockKind.TEXT, line) for line in content.decode().splitlines() if line.strip())
        if not blocks:
            raise UnreadableDocument("Nothing in it.")
        return ParsedDocument(filename, blocks, 0, "lines 1")


@dataclass
class LengthEmbedder(Flaky):
    model: str = "lengths"
    dimension: int = 2
    max_tokens: int = 64

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    async def embed_chunks(self, caller: Caller, chunks: Sequence[Chunk]) -> list[EmbeddedChunk]:
        self.called("embed")
        return [EmbeddedChunk(chunk, _vector(embedding_text(chunk))) for chunk in chunks]

    async def embed_query(self, caller: Caller, text: str) -> Vectors:
        return _vector(text)


def _vector(text: str) -> Vectors:
    angle = np.float32(len(text) / 100)
    return np.array([np.cos(angle), np.sin(angle)])
