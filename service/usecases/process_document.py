"""From the bytes of a file to embedded chunks, or to those that an equal file gave before."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field

from service.domain.caller import Caller
from service.domain.documents import IngestPhase, IngestProgress
from service.domain.prices import cost_usd
from service.domain.questions import Usage
from service.domain.spending import spending
from service.errors import NotFound, UnreadableDocument, UpstreamUnavailable
from service.ports import BlobStore, Cache, EmbeddedChunk, Embedder, Parser
from service.usecases.embedded_chunks import Processed, dump, load
from service.usecases.progress import ProgressBoard
from service.usecases.request_record import recorded
from service.usecases.shielding import to_the_end
from service.usecases.single_flight import SingleFlight
from service.usecases.steps import step

KIND = "document"
_CHUNKING = "3"
_LARGEST_CHUNK = 512
_BATCH = 64


@dataclass(frozen=True, slots=True)
class FileToProcess:
    """A file in memory, with what is known of it."""

    filename: str
    media_type: str
    sha256: str
    content: bytes


@dataclass(frozen=True, slots=True)
class ProcessDocument:
    """Parses, chunks and embeds, each content once: what it gave is kept, and who asks meanwhile waits for it."""

    blobs: BlobStore
    parser: Parser
    embedder: Embedder
    cache: Cache
    board: ProgressBoard = field(default_factory=ProgressBoard)
    _flights: SingleFlight[tuple[Processed, bool]] = field(default_factory=SingleFlight[tuple[Processed, bool]])

    async def __call__(self, caller: Caller, file: FileToProcess) -> tuple[Processed, bool]:
        """The chunks, kept for reuse, and whether somebody else's work gave them.

        Raises UnsupportedMediaType, UnreadableDocument and UpstreamUnavailable.
        """

        async def work() -> tuple[Processed, bool]:
            if reused := await self.reuse(caller, file.sha256):
                return reused, True
            try:
                processed = await self._process(caller, file)
                await to_the_end(self._keep(caller, file.sha256, processed))
            finally:
                self.board.forget(caller, file.sha256)
            return processed, False

        (processed, reused), joined = await self._flights((caller.tenant, file.sha256, self._fingerprint()), work)
        if reused or joined:
            self.count_reused(caller, processed.tokens)
        else:
            self.cache.count(caller, KIND, None)
        return processed, reused or joined

    def count_reused(self, caller: Caller, tokens: int = 0) -> None:
        """Count a document that was not processed again, and the tokens that were not embedded, as far as known."""
        cost = cost_usd(self.embedder.model, tokens)
        self.cache.count(caller, KIND, Usage(embedding_tokens=tokens, cost_usd=cost))

    async def clear(self, caller: Caller) -> int:
        """Forget what processing gave, and say for how many contents. What is searchable stays so."""
        kept = [key for key in await self.blobs.list_keys(caller) if key.startswith(processed_key(""))]
        for key in kept:
            await self.blobs.delete(caller, key)
        return len(kept)

    async def reuse(self, caller: Caller, sha256: str) -> Processed | None:
        """What is kept for this content, if the parser, the chunking and the model are still the same."""
        try:
            content = await self.blobs.get(caller, processed_key(sha256))
        except (NotFound, UpstreamUnavailable):
            return None
        return await asyncio.to_thread(load, content, self._fingerprint())

    async def _process(self, caller: Caller, file: FileToProcess) -> Processed:
        from service.domain.chunking import chunk

        def pages(done: int, total: int) -> None:
            self._report(caller, file, IngestPhase.PARSING, done, total)

        pages(0, 0)
        with step("parse") as span:
            parsed = await self.parser.parse(caller, file.content, file.media_type, file.filename, progress=pages)
            span.set(kind=file.media_type, pages=parsed.page_count)
        if record := recorded():
            record.pages += parsed.page_count
        _, chunks = await asyncio.to_thread(
            chunk, parsed, max_tokens=self._chunk_tokens(), count_tokens=self.embedder.count_tokens
        )
        if not chunks:
            raise UnreadableDocument(f'No text could be found in the file "{file.filename}".')
        embedded: list[EmbeddedChunk] = []
        with spending() as spent:
            for start in range(0, len(chunks), _BATCH):
                self._report(caller, file, IngestPhase.EMBEDDING, start, len(chunks))
                embedded += await self.embedder.embed_chunks(caller, chunks[start : start + _BATCH])
        self._report(caller, file, IngestPhase.INDEXING)
        tokens = spent().embedding_tokens
        return Processed(self._fingerprint(), parsed.page_count, parsed.parser, tuple(embedded), tokens)

    async def _keep(self, caller: Caller, sha256: str, processed: Processed) -> None:
        """Whoever was faster with the same has stored it already. What another version left is overwritten."""
        content = await asyncio.to_thread(dump, processed)
        stored = await self.blobs.put_new(caller, processed_key(sha256), content)
        if not stored and await self.reuse(caller, sha256) is None:
            await self.blobs.put(caller, processed_key(sha256), content)

    def _report(self, caller: Caller, file: FileToProcess, phase: IngestPhase, done: int = 0, total: int = 0) -> None:
        self.board.report(caller, file.sha256, IngestProgress(phase, done, total))

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
