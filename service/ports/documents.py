"""Files, parsers, embeddings and the index of chunks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from service.domain.caller import Caller
from service.domain.documents import Chunk, Document, ParsedDocument, Passage
from service.ports.checks import Checkable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Vectors = npt.NDArray[np.float32]


class BlobStore(Checkable, Protocol):
    """Bytes by key. Keys are ASCII, at most 512 characters, segments separated by "/"."""

    async def put(self, caller: Caller, key: str, content: bytes) -> None:
        """Store durably and atomically: a reader sees the old bytes or the new. Overwrites."""
        ...

    async def get(self, caller: Caller, key: str) -> bytes:
        """Raises NotFound."""
        ...

    async def delete(self, caller: Caller, key: str) -> None:
        """Delete if it is there."""
        ...


class Parser(Protocol):
    """Files to blocks. version changes whenever the same file could give other blocks."""

    @property
    def version(self) -> str: ...

    def detect(self, content: bytes, filename: str) -> str:
        """The media type, by content; the name decides only between kinds of text. Raises UnsupportedMediaType."""
        ...

    async def parse(
        self,
        caller: Caller,
        content: bytes,
        media_type: str,
        filename: str,
        progress: Callable[[int, int], None] | None = None,
    ) -> ParsedDocument:
        """Parse in a process that can be killed; the event loop never waits.

        progress is called in the event loop with the pages read so far and their number in all, for PDF and pictures.
        Raises UnsupportedMediaType, UnreadableDocument when nothing can be extracted or a limit is passed, and
        NotConfigured when a library or a model is missing.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddedChunk:
    """A chunk with its unit-length vector, shape (dimension,), and one a unit, shape (len(chunk.units), dimension)."""

    chunk: Chunk
    vector: Vectors
    unit_vectors: Vectors


class Embedder(Checkable, Protocol):
    """Texts to unit-length vectors. model and dimension are part of every key that depends on them.

    max_tokens is what the model sees of one text; anything beyond would not be found.
    """

    model: str
    dimension: int
    max_tokens: int

    def count_tokens(self, text: str) -> int:
        """The number of the model's tokens in text, special tokens excluded."""
        ...

    async def embed_chunks(self, caller: Caller, chunks: Sequence[Chunk]) -> list[EmbeddedChunk]:
        """One result a chunk, in order. Headings are part of what is embedded. Raises UpstreamUnavailable."""
        ...

    async def embed_query(self, caller: Caller, text: str) -> Vectors:
        """A vector of shape (dimension,). Raises UpstreamUnavailable."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Hit:
    """A retrieved passage with the vectors of its units, shape (len(passage.chunk.units), dimension)."""

    passage: Passage
    unit_vectors: Vectors


class VectorStore(Checkable, Protocol):
    """Chunks, found by words and by meaning."""

    async def replace(
        self, caller: Caller, document: Document, chunks: Sequence[EmbeddedChunk], replaces: Sequence[str] = ()
    ) -> None:
        """Make the chunks of document searchable and those of the documents in replaces not, in one step."""
        ...

    async def delete(self, caller: Caller, document_id: str) -> None:
        """Forget a document. The next search does not find it."""
        ...

    async def search(
        self, caller: Caller, query: str, vector: Vectors, limit: int, documents: Sequence[str] = ()
    ) -> list[Hit]:
        """The best chunks, best first, lexical and dense scores fused; of these documents only, or of all if empty.

        Passage.score is the fused score 0 to 1, dense_score the cosine, lexical_score the BM25 (0 when no word fits).
        """
        ...

    async def count(self, caller: Caller) -> int:
        """The number of searchable chunks."""
        ...

    async def epoch(self, caller: Caller) -> str:
        """Changes whenever what search may return for this tenant changes."""
        ...
