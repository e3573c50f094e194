"""From the bytes of a file to embedded chunks, or to those that an equal file gave before."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass

from service.domain.caller import Caller
from service.errors import NotFound, UnreadableDocument, UpstreamUnavailable
from service.ports import BlobStore, EmbeddedChunk, Embedder, Parser
from service.usecases.embedded_chunks import Processed, dump, load

_CHUNKING = "2"
_LARGEST_CHUNK = 512
_BATCH = 64


@dataclass(frozen=True, slots=True)
class ProcessDocument:
    """Parses, chunks and embeds."""

    blobs: BlobStore
    parser: Parser
    embedder: Embedder

    async def reuse(self, caller: Caller, sha256: str) -> Processed | None:
        """What is kept for this content, if the parser, the chunking and the model are still the same."""
        try:
            content = await self.blobs.get(caller, processed_key(sha256))
        except (NotFound, UpstreamUnavailable):
            return None
        return await asyncio.to_thread(load, content, self._fingerprint())

    async def process(self, caller: Caller, content: bytes, media_type: str, filename: str) -> Processed:
        """Raises UnsupportedMediaType, UnreadableDocument and UpstreamUnavailable. Stores nothing."""
        from service.domain.chunking import chunk

        parsed = await self.parser.parse(caller, content, media_type, filename)
        _, chunks = await asyncio.to_thread(
            chunk, parsed, max_tokens=self._chunk_tokens(), count_tokens=self.embedder.count_tokens
        )
        if not chunks:
            raise UnreadableDocument(f'No text could be found in the file "{filename}".')
        embedded: list[EmbeddedChunk] = []
        for start in range(0, len(chunks), _BATCH):
            embedded += await self.embedder.embed_chunks(caller, chunks[start : start + _BATCH])
        return Processed(self._fingerprint(), parsed.page_count, parsed.parser, tuple(embedded))

    async def keep(self, caller: Caller, sha256: str, processed: Processed) -> None:
        """Store for reuse. Raises UpstreamUnavailable."""
        await self.blobs.put(caller, processed_key(sha256), await asyncio.to_thread(dump, processed))

    def _chunk_tokens(self) -> int:
        return min(self.embedder.max_tokens, _LARGEST_CHUNK)

    def _fingerprint(self) -> str:
        parts = (
            self.parser.version,
            _CHUNKING,
            str(self._chunk_tokens()),
            self.embedder.model,
            self.embedder.dimension,
        )
        return hashlib.sha256(repr(parts).encode()).hexdigest()


def file_key(document_id: str) -> str:
    """The blob of an uploaded file."""
    return f"files/{document_id}"


def processed_key(sha256: str) -> str:
    """The blob of what processing gave for this content."""
    return f"processed/{sha256}"
