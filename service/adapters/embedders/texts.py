"""Which texts stand for a chunk and for its units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from service.domain.chunking import embedding_text
from service.domain.documents import Chunk
from service.domain.units import unit_in_context
from service.ports import EmbeddedChunk

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Vectors = npt.NDArray[np.float32]


def chunk_texts(chunk: Chunk) -> list[str]:
    """The text of the chunk below its headings, then each unit after them."""
    return [embedding_text(chunk), *(unit_in_context(chunk, unit) for unit in chunk.units)]


def groups(chunks: Sequence[Chunk], size: int) -> Iterator[list[Chunk]]:
    """The chunks in order, at most size at a time."""
    rest = iter(chunks)
    while group := list(islice(rest, size)):
        yield group


def embedded(chunks: Sequence[Chunk], vectors: Vectors) -> list[EmbeddedChunk]:
    """Chunks with their rows of vectors, which has one a text of chunk_texts, in order."""
    result: list[EmbeddedChunk] = []
    row = 0
    for chunk in chunks:
        end = row + 1 + len(chunk.units)
        result.append(EmbeddedChunk(chunk, vectors[row].copy(), vectors[row + 1 : end].copy()))
        row = end
    return result
