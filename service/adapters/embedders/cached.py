"""An embedder that remembers the vectors of questions: several parts of the service ask for the same one."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING

from service.domain.caller import Caller
from service.domain.documents import Chunk
from service.domain.health import ComponentHealth
from service.domain.prices import cost_usd
from service.domain.questions import Usage
from service.domain.spending import spending
from service.ports import Cache, EmbeddedChunk, Embedder

if TYPE_CHECKING:
    from service.ports import Vectors

KIND = "embedding"
_TOKENS = struct.Struct("<I")
"""What embedding took, in front of the vector."""


class CachedEmbedder:
    """Another embedder behind a cache, for questions only: chunks are embedded once anyway."""

    def __init__(self, embedder: Embedder, cache: Cache, ttl_seconds: float) -> None:
        self._embedder, self._cache, self._ttl_seconds = embedder, cache, ttl_seconds
        self.model = embedder.model
        self.dimension = embedder.dimension
        self.max_tokens = embedder.max_tokens

    def count_tokens(self, text: str) -> int:
        return self._embedder.count_tokens(text)

    async def embed_chunks(self, caller: Caller, chunks: Sequence[Chunk]) -> list[EmbeddedChunk]:
        return await self._embedder.embed_chunks(caller, chunks)

    async def embed_query(self, caller: Caller, text: str) -> Vectors:
        import numpy as np

        place = f"{self.model}\x1f{self.dimension}\x1f{text}"
        key = hashlib.sha256(place.encode()).hexdigest()
        known = await self._cache.get(caller, KIND, key)
        if known is not None and len(known) == _TOKENS.size + self.dimension * np.dtype(np.float32).itemsize:
            (tokens,) = _TOKENS.unpack_from(known)
            cost = cost_usd(self.model, tokens)
            self._cache.count(caller, KIND, Usage(embedding_tokens=tokens, cost_usd=cost))
            return np.frombuffer(known, np.float32, offset=_TOKENS.size)
        self._cache.count(caller, KIND, None)
        with spending() as spent:
            vector = np.asarray(await self._embedder.embed_query(caller, text), np.float32)
        kept = _TOKENS.pack(spent().embedding_tokens) + vector.tobytes()
        await self._cache.set(caller, KIND, key, kept, self._ttl_seconds)
        return vector

    async def check(self) -> ComponentHealth:
        return await self._embedder.check()
