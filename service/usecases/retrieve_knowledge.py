"""Find what was taught that helps with a question."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from service.domain.caller import Caller
from service.domain.documents import Chunk, Span
from service.domain.knowledge import text_of
from service.domain.sql import KnowledgeItem
from service.ports import Embedder, KnowledgeRecords

if TYPE_CHECKING:
    from service.ports import Vectors

MOST_OF_A_KIND = 10
_BATCH = 128


@dataclass(frozen=True, slots=True)
class RetrieveKnowledge:
    """At most one embedding a question, and none while nothing was taught."""

    records: KnowledgeRecords
    embedder: Embedder
    _complete: dict[str, str] = field(default_factory=dict[str, str])
    _embedding: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def __call__(self, caller: Caller, question: str) -> tuple[KnowledgeItem, ...]:
        """The items that are near to the question, the nearest first. Raises UpstreamUnavailable, NotConfigured."""
        epoch = await self.records.knowledge_epoch(caller)
        if not epoch:
            return ()
        if self._complete.get(caller.tenant) != epoch:
            async with self._embedding:  # after the setting was changed
                await embed_missing(self.records, self.embedder, caller)
            self._complete[caller.tenant] = epoch
        vector = await self.embedder.embed_query(caller, question)
        return tuple(await self.records.search_items(caller, question, vector, space_of(self.embedder), MOST_OF_A_KIND))


def space_of(embedder: Embedder) -> str:
    """What vectors are stored as that can be compared: those of another dimension cannot."""
    return f"{embedder.model} {embedder.dimension}"


async def embed_missing(records: KnowledgeRecords, embedder: Embedder, caller: Caller) -> int:
    """Embed what only another model or dimension has, and say how many items that were."""
    done = 0
    while items := await records.items_without_vector(caller, space_of(embedder), _BATCH):
        vectors = await embed_items(embedder, caller, items)
        await records.save_vectors(caller, [item.id for item in items], vectors, space_of(embedder))
        done += len(items)
    return done


async def embed_items(embedder: Embedder, caller: Caller, items: Sequence[KnowledgeItem]) -> Vectors:
    """Vectors of unit length, shape (items, dimension). What is beyond the model's length is found by words alone."""
    import numpy as np

    texts = [text_of(item) for item in items]
    chunks = [Chunk(i, text, Span(0, len(text))) for i, text in enumerate(texts)]
    return np.stack([embedded.vector for embedded in await embedder.embed_chunks(caller, chunks)])
