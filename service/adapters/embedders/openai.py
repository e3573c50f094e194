"""Embeddings by OpenAI or a compatible server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

from service.adapters.openai_errors import Asked
from service.adapters.openai_sdk import Endpoint, OpenAICalls, within
from service.domain.caller import Caller
from service.domain.chunk_text import embedding_text
from service.domain.documents import Chunk
from service.domain.health import ComponentHealth, HealthStatus
from service.domain.spending import counted
from service.errors import NotConfigured, UpstreamUnavailable
from service.ports import EmbeddedChunk

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Vectors = npt.NDArray[np.float32]

_BATCH_TEXTS = 256
_BATCH_BYTES = 200_000
_TIMEOUT_SECONDS = 60.0
_QUERY_TIMEOUT_SECONDS = 15.0
_BYTES_PER_TOKEN = 3
_OF_ANY_DIMENSION = "text-embedding-3"


class OpenAIEmbedder:
    """Embedder over HTTP, at base_url if it is given, else at OpenAI. The SDK is loaded on first use.

    Models whose vectors can be of several dimensions are asked for dimension; those of others must have it.
    max_tokens is far below the model's own bound, because passages of that size are found best.
    """

    max_tokens = 512

    def __init__(
        self, api_key: str, base_url: str = "", model: str = "text-embedding-3-small", dimension: int = 1536
    ) -> None:
        self.model = model
        self.dimension = dimension
        self._endpoint = Endpoint(base_url, api_key)
        self._asked = Asked(model, self._endpoint.host, "RAGSQL_EMBEDDING_MODEL")
        self._calls = OpenAICalls(self._asked)

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
        problem = await self._calls.problem(self._endpoint)
        status = HealthStatus.NOT_SERVING if problem else HealthStatus.SERVING
        return ComponentHealth("embedder", "openai", status, problem)

    async def _embed(self, texts: list[str], seconds: float) -> Vectors:
        with self._calls.guarded():
            reply = await self._calls.send(lambda: self._create(texts, seconds), seconds)
            tokens = getattr(getattr(reply, "usage", None), "prompt_tokens", None)
            if isinstance(tokens, int):  # not every compatible server says it
                counted(tokens)
            return self._vectors(reply, len(texts))

    async def _create(self, texts: list[str], seconds: float) -> Any:
        create = cast(Any, self._calls.client(self._endpoint).embeddings.create)
        wanted = {"dimensions": self.dimension} if _OF_ANY_DIMENSION in self.model else {}
        return await create(model=self.model, input=texts, encoding_format="base64", timeout=within(seconds), **wanted)

    def _vectors(self, reply: Any, count: int) -> Vectors:
        import base64

        import numpy as np

        rows = sorted(reply.data, key=lambda item: item.index)
        if [row.index for row in rows] != list(range(count)):
            raise UpstreamUnavailable(
                f"{self.model} at {self._asked.place} did not give one vector for each of {count} texts. Try again, or "
                "check OPENAI_BASE_URL."
            )
        decoded = [
            np.frombuffer(base64.b64decode(row.embedding), np.dtype("<f4"))
            if isinstance(row.embedding, str)
            else np.asarray(row.embedding, np.float32)
            for row in rows
        ]
        if wrong := next((len(vector) for vector in decoded if len(vector) != self.dimension), None):
            raise NotConfigured(
                f"{self.model} at {self._asked.place} makes vectors of {wrong} dimensions, not {self.dimension}. Set "
                "RAGSQL_EMBEDDING_DIMENSION to what it makes, or RAGSQL_EMBEDDING_MODEL to another model."
            )
        vectors = np.stack(decoded).astype(np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.all(np.isfinite(lengths) & (lengths > 0)):
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
