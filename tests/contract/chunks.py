"""Small chunks with vectors that a test can reason about."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from service.adapters.vectors.sqlite import SqliteVectorStore
from service.domain.caller import Caller
from service.domain.documents import Chunk, Passage, Span
from service.ports import EmbeddedChunk

if TYPE_CHECKING:
    from service.ports import Vectors

DIMENSION = 16
ANN, BOB = Caller(tenant="ann"), Caller(tenant="bob")


def direction(*weights: float) -> Vectors:
    """A unit vector that begins with these weights."""
    vector = np.zeros(DIMENSION, np.float32)
    vector[: len(weights)] = weights
    return vector / max(1e-9, float(np.linalg.norm(vector)))


def embedded(text: str, vector: Vectors, ordinal: int = 0, headings: tuple[str, ...] = ()) -> EmbeddedChunk:
    chunk = Chunk(ordinal, text, Span(0, len(text)), headings, units=(Span(0, len(text)),))
    return EmbeddedChunk(chunk, vector)


def several(texts: Sequence[str], vector: Vectors) -> list[EmbeddedChunk]:
    return [embedded(text, vector, i) for i, text in enumerate(texts)]


class EagerlyIndexed(SqliteVectorStore):
    """Searches when the approximate index that the search asks for has been made."""

    async def search(
        self, caller: Caller, query: str, vector: Vectors, limit: int, documents: Sequence[str] = ()
    ) -> list[Passage]:
        await super().search(caller, query, vector, limit, documents)
        for thread in threading.enumerate():
            if thread.name == "graph":
                await asyncio.to_thread(thread.join)
        return await super().search(caller, query, vector, limit, documents)


def texts_of(passages: Sequence[Passage]) -> list[str]:
    return [passage.chunk.text for passage in passages]
