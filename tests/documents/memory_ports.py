"""Ports in memory. Each can be told to fail at a call, to see what an upload leaves behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from service.domain.caller import Caller
from service.domain.chunking import embedding_text
from service.domain.documents import Block, BlockKind, Chunk, Document, DocumentState, ParsedDocument
from service.domain.health import ComponentHealth, HealthStatus
from service.errors import NotFound, UnreadableDocument, UpstreamUnavailable
from service.ports import EmbeddedChunk, Hit, Page

Vectors = npt.NDArray[np.float32]


@dataclass
class Flaky:
    """fail_at names the call that raises UpstreamUnavailable; "name:2" is its second call."""

    fail_at: str = ""
    calls: dict[str, int] = field(default_factory=dict[str, int])

    def called(self, name: str) -> None:
        self.calls[name] = self.calls.get(name, 0) + 1
        if self.fail_at in (f"{name}:{self.calls[name]}", name):
            raise UpstreamUnavailable(f"{name} is down.")

    async def check(self) -> ComponentHealth:
        return ComponentHealth("test", "memory", HealthStatus.SERVING)


@dataclass
class MemoryBlobs(Flaky):
    stored: dict[tuple[str, str], bytes] = field(default_factory=dict[tuple[str, str], bytes])

    async def put(self, caller: Caller, key: str, content: bytes) -> None:
        self.called("put")
        self.stored[caller.tenant, key] = content

    async def get(self, caller: Caller, key: str) -> bytes:
        self.called("get")
        if (caller.tenant, key) not in self.stored:
            raise NotFound("No such blob.")
        return self.stored[caller.tenant, key]

    async def delete(self, caller: Caller, key: str) -> None:
        self.called("delete")
        self.stored.pop((caller.tenant, key), None)


@dataclass
class MemoryVectors(Flaky):
    """Waits for gate inside replace, and says with reached that it is there."""

    gate: asyncio.Event | None = None
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    stored: dict[tuple[str, str], list[EmbeddedChunk]] = field(
        default_factory=dict[tuple[str, str], list[EmbeddedChunk]]
    )

    async def replace(
        self, caller: Caller, document: Document, chunks: Sequence[EmbeddedChunk], replaces: Sequence[str] = ()
    ) -> None:
        self.called("replace")
        self.reached.set()
        await self.gate.wait() if self.gate else await asyncio.sleep(0)
        for document_id in replaces:
            self.stored.pop((caller.tenant, document_id), None)
        self.stored[caller.tenant, document.id] = list(chunks)

    async def delete(self, caller: Caller, document_id: str) -> None:
        self.called("delete")
        self.stored.pop((caller.tenant, document_id), None)

    async def search(
        self, caller: Caller, query: str, vector: Vectors, limit: int, documents: Sequence[str] = ()
    ) -> list[Hit]:
        return []

    async def count(self, caller: Caller) -> int:
        return sum(len(chunks) for (tenant, _), chunks in self.stored.items() if tenant == caller.tenant)

    async def epoch(self, caller: Caller) -> str:
        return str(self.calls)


@dataclass
class MemoryRecords(Flaky):
    stored: dict[tuple[str, str], Document] = field(default_factory=dict[tuple[str, str], Document])

    async def save_document(self, caller: Caller, document: Document, replaces: Sequence[str] = ()) -> None:
        self.called("save")
        for document_id in replaces:
            self.stored.pop((caller.tenant, document_id), None)
        self.stored[caller.tenant, document.id] = document

    async def get_document(self, caller: Caller, document_id: str) -> Document:
        if (caller.tenant, document_id) not in self.stored:
            raise NotFound("No such document.")
        return self.stored[caller.tenant, document_id]

    async def find_documents(self, caller: Caller, *, filename: str = "", sha256: str = "") -> list[Document]:
        self.called("find")
        return [
            document
            for (tenant, _), document in reversed(self.stored.items())
            if tenant == caller.tenant and filename in ("", document.filename) and sha256 in ("", document.sha256)
        ]

    async def list_documents(
        self, caller: Caller, size: int, token: str, states: Sequence[DocumentState] = ()
    ) -> Page[Document]:
        found = await self.find_documents(caller)
        return Page(tuple(document for document in found if not states or document.state in states)[:size])

    async def delete_document(self, caller: Caller, document_id: str) -> None:
        await self.get_document(caller, document_id)
        del self.stored[caller.tenant, document_id]

    async def count_documents(self, caller: Caller) -> int:
        return len(self.stored)


@dataclass
class LineParser(Flaky):
    """Each line of a file is a paragraph."""

    version: str = "1"

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
        return [EmbeddedChunk(c, _vectors([embedding_text(c)])[0], _vectors(_units(c))) for c in chunks]

    async def embed_query(self, caller: Caller, text: str) -> Vectors:
        return _vectors([text])[0]


def _units(chunk: Chunk) -> list[str]:
    return [chunk.text[unit.start : unit.end] for unit in chunk.units]


def _vectors(texts: Sequence[str]) -> Vectors:
    angles = np.array([len(text) / 100 for text in texts], dtype=np.float32)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)
