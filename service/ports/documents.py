"""Parsers, embeddings and the index of chunks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from service.ports.checks import Checkable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from service.domain.caller import Caller
    from service.domain.documents import Chunk, Document, ParsedDocument, Passage

    Vectors = npt.NDArray[np.float32]


ReportPages = Callable[[int, int], None]
"""Is told how many pages of how many are read."""


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
        progress: ReportPages | None = None,
    ) -> ParsedDocument:
        """Parse in a process that can be killed; the event loop never waits.

        progress is called in the event loop with the pages read so far and their number in all, for PDF and pictures.
        Raises UnsupportedMediaType, UnreadableDocument when nothing can be extracted or a limit is passed, and
        NotConfigured when a library or a model is missing.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddedChunk:
    """A chunk with its unit-length vector, shape (dimension,)."""

    chunk: Chunk
    vector: Vectors


class Embedder(Checkable, Protocol):
    """Texts to unit-length vectors. model and dimension are part of every key that depends on them.

    max_tokens is what the model sees of one text; anything beyond would not be found. One whose server counts tokens
    tells `counted` of it.
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
class StoredChunks:
    """The chunks of one document as an index holds them, in order."""

    filename: str
    chunks: tuple[EmbeddedChunk, ...]


class IndexedDocuments(Protocol):
    """Chunks with their vectors, by document."""

    async def replace(
        self, caller: Caller, document: Document, chunks: Sequence[EmbeddedChunk], replaces: Sequence[str] = ()
    ) -> None:
        """Make the chunks of document searchable and those of the documents in replaces not, in one step."""
        ...

    async def delete(self, caller: Caller, document_id: str) -> None:
        """Forget a document. The next search does not find it."""
        ...

    async def count(self, caller: Caller) -> int:
        """The number of searchable chunks."""
        ...

    async def document_ids(self, caller: Caller) -> list[str]:
        """The documents that have searchable chunks."""
        ...

    async def epoch(self, caller: Caller) -> str:
        """Changes whenever what search may return for this tenant changes."""
        ...


class ChunkStore(IndexedDocuments, Protocol):
    """Chunks that can be read back."""

    async def read(self, caller: Caller, document_id: str) -> StoredChunks | None:
        """What replace was given, vectors to single precision. None when the document is not here."""
        ...


class IndexRebuild(Protocol):
    """The index that serves, and beside it one of the store's own model that is to take its place.

    serving is only read; the service may change it meanwhile. model and dimension are those that it was made with, and
    needed says that they are not the store's. next is empty at first, or holds what an earlier rebuild for the same
    model has left. next serves from switch on, in one step.
    """

    @property
    def model(self) -> str: ...
    @property
    def dimension(self) -> int: ...
    @property
    def needed(self) -> bool: ...
    @property
    def serving(self) -> ChunkStore: ...
    @property
    def next(self) -> ChunkStore: ...

    async def switch(self, epochs: Mapping[str, str]) -> bool:
        """Serve from next if serving is still at these epochs, one a tenant. False, and no change, when it is not.

        Who works with the other model is refused from then on.
        """
        ...

    async def tidy(self) -> None:
        """Remove what has served before, and what rebuilds for other models have left."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


class VectorStore(IndexedDocuments, Checkable, Protocol):
    """Chunks, found by words and by meaning. Raises NotConfigured when another embedding model made its index."""

    async def search(
        self, caller: Caller, query: str, vector: Vectors, limit: int, documents: Sequence[str] = ()
    ) -> list[Passage]:
        """The best chunks, best first, lexical and dense scores fused; of these documents only, or of all if empty.

        Passage.score is the fused score 0 to 1, dense_score the cosine, lexical_score the BM25 (0 when no word fits).
        """
        ...


class VectorIndex(VectorStore, ChunkStore, Protocol):
    """What every adapter is: a VectorStore that can be copied and rebuilt."""

    async def forget(self, caller: Caller) -> None:
        """Remove all that is kept for a tenant, and that there ever was one. Nobody else may use it meanwhile."""
        ...

    async def rebuild(self) -> IndexRebuild:
        """A way from the model that made the index to this store's. Raises UpstreamUnavailable."""
        ...
