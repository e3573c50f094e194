"""A document service over ports in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from service.adapters.caches.memory import MemoryCache
from service.domain.caller import Caller
from service.usecases.manage_documents import ManageDocuments
from tests.documents.memory_models import LengthEmbedder, LineParser
from tests.documents.memory_ports import MemoryBlobs, MemoryRecords, MemoryVectors

ME = Caller("me")
TEXT = "\n".join(f"Sentence number {number} of the file stands here." for number in range(40)).encode()


@dataclass
class World:
    records: MemoryRecords = field(default_factory=MemoryRecords)
    vectors: MemoryVectors = field(default_factory=MemoryVectors)
    blobs: MemoryBlobs = field(default_factory=MemoryBlobs)
    parser: LineParser = field(default_factory=LineParser)
    embedder: LengthEmbedder = field(default_factory=LengthEmbedder)
    cache: MemoryCache = field(default_factory=lambda: MemoryCache(10_000))

    def use_cases(self, workers: int = 1) -> ManageDocuments:
        ports = self.records, self.vectors, self.blobs, self.parser, self.embedder, self.cache
        return ManageDocuments(*ports, max_bytes=4096, workers=workers)

    def work(self) -> tuple[int, int]:
        return self.parser.calls.get("parse", 0), self.embedder.calls.get("embed", 0)

    def left(self) -> tuple[set[str], set[str], set[str]]:
        """Ids with a record, ids with vectors, and keys of blobs."""
        return (
            {document_id for _, document_id in self.records.stored},
            {document_id for _, document_id in self.vectors.stored},
            {key for _, key in self.blobs.stored},
        )
