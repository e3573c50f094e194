"""Embeddings by OpenAI or a compatible server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

from service.adapters.openai_sdk import Clients, Endpoint, as_domain_error
from service.domain.caller import Caller
from service.domain.chunk_text import embedding_text
from service.domain.documents import Chunk
from service.domain.health import ComponentHealth, HealthStatus
from service.ports import EmbeddedChunk

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Vectors = npt.NDArray[np.float32]

_BATCH_TEXTS = 256
_BATCH_BYTES = 200_000
_TIMEOUT_SECONDS = 60.0
_QUERY_TIMEOUT_SECONDS = 15.0
_CHECK_SECONDS = 3.0
_BYTES_PER_TOKEN = 3


class OpenAIEmbedder:
    """Embedder over HTTP, at base_url if it is given, else at OpenAI. The SDK is loaded on first use.

    dimension is what the server is asked for. max_tokens is far below the model's own bound, because passages of
    that size are found best.
    """

    max_tokens = 512

    def __init__(
        self, api_key: str, base_url: str = "", model: str = "text-embedding-3-small", dimension: int = 1536
    ) -> None:
        self.model = model
        self.dimension = dimension
        self._endpoint = Endpoint(base_url, api_key)
        self._clients = Clients()

    def count_tokens(self, text: str) -> int:
        """An estimate on the safe side for prose, from the bytes: the model's vocabulary is not kept here."""
        return -(-len(text.encode()) // _BYTES_PER_TOKEN)

    async def embed_chunks(self, caller: Caller, chunks: Sequence[Chunk]) -> list[EmbeddedChunk]:
        batches = _batches([embedding_text(chunk) for chunk in chunks])
        vectors = [vector for batch in batches for vector in await self._embed(batch, _TIMEOUT_SECONDS)]
        return [EmbeddedChunk(chunk, vector) for chunk, vector in zip(chunks, vectors, strict=True)]

    async def embed_query(self, caller: Caller, text: str) -> Vectors:
        return (await self._embed([text], _QUERY_TIMEOUT_SECONDS))[0]

    async def check(self) -> ComponentHealth:
        try:
            client = self._clients.get(self._endpoint)
            async with asyncio.timeout(_CHECK_SECONDS):
                await client.with_options(max_retries=0).models.list()
        except Exception as error:
            if getattr(error, "status_code", 0) not in (404, 405):
                detail = as_domain_error(error, self._endpoint, self.model).message
                return ComponentHealth("embedder", "openai", HealthStatus.NOT_SERVING, detail)
        return ComponentHealth("embedder", "openai", HealthStatus.SERVING)

    async def _embed(self, texts: list[str], seconds: float) -> Vectors:
        try:
            client = self._clients.get(self._endpoint)
            create = cast(Any, client.embeddings.create)
            async with asyncio.timeout(seconds):
                reply = await create(
                    model=self.model, input=texts, dimensions=self.dimension, encoding_format="base64", timeout=seconds
                )
            return self._vectors(reply, len(texts))
        except Exception as error:
            raise as_domain_error(error, self._endpoint, self.model) from error

    def _vectors(self, reply: Any, count: int) -> Vectors:
        import base64

        import numpy as np

        rows = sorted(reply.data, key=lambda item: item.index)
        decoded = [
            np.frombuffer(base64.b64decode(row.embedding), np.dtype("<f4"))
            if isinstance(row.embedding, str)
            else np.asarray(row.embedding, np.float32)
            for row in rows
        ]
        vectors = np.stack(decoded).astype(np.float32)
        if vectors.shape != (count, self.dimension):
            raise ValueError(f"vectors of shape {vectors.shape} came instead of {(count, self.dimension)}")
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.all(lengths > 0):
            raise ValueError("a vector has no direction")
        return vectors / lengths


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    """The texts in order, as many in one request as the server is sure to take."""
    batch: list[str] = []
    size = 0
    for text in texts:
        length = len(text.encode())
        if batch and (len(batch) == _BATCH_TEXTS or size + length > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += length
    if batch:
        yield batch
