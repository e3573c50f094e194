"""Embeddings on this machine: all-MiniLM-L6-v2 as 8-bit integers, no network."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from service import ports
from service.adapters.embedders.minilm_encoder import DIMENSION, MiniLmEncoder, missing_files
from service.adapters.priority import step_back
from service.domain.chunk_text import embedding_text
from service.domain.health import ComponentHealth, HealthStatus

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from service.domain.caller import Caller
    from service.domain.documents import Chunk
    from service.ports import EmbeddedChunk

    Vectors = npt.NDArray[np.float32]

_REMEMBERED_QUERIES = 1024


class MiniLmEmbedder:
    """Embedder on onnxruntime. model_dir is the model's folder; threads are those of one call, at most 2 by default.

    The model is loaded on first use. Chunks are embedded on threads of their own, so that a query waits for no
    document. Raises NotConfigured when the model is not installed.
    """

    model = "all-minilm-l6-v2"
    dimension = DIMENSION
    max_tokens = 254

    def __init__(self, model_dir: Path, threads: int | None = None) -> None:
        self.model_dir = model_dir
        self.threads = threads or min(2, os.cpu_count() or 1)
        self._loading = threading.Lock()
        self._loaded: MiniLmEncoder | None = None
        self._for_chunks = ThreadPoolExecutor(self.threads, "embed-chunks", step_back)
        self._for_queries = ThreadPoolExecutor(1, "embed-query")
        self._remembered = lru_cache(_REMEMBERED_QUERIES)(self._query)

    def count_tokens(self, text: str) -> int:
        return self.encoder().count_tokens(text)

    async def embed_chunks(self, caller: Caller, chunks: Sequence[Chunk]) -> list[EmbeddedChunk]:
        loop = asyncio.get_running_loop()
        return await asyncio.gather(
            *(loop.run_in_executor(self._for_chunks, self._embedded, chunk) for chunk in chunks)
        )

    async def embed_query(self, caller: Caller, text: str) -> Vectors:
        return await asyncio.get_running_loop().run_in_executor(self._for_queries, self._remembered, text)

    async def check(self) -> ComponentHealth:
        if missing := await asyncio.to_thread(missing_files, self.model_dir):
            detail = f"The embedding model is not installed ({', '.join(missing)}). Run `ragsql models pull`."
            return ComponentHealth("embedder", "minilm", HealthStatus.NOT_SERVING, detail)
        return ComponentHealth("embedder", "minilm", HealthStatus.SERVING)

    def encoder(self) -> MiniLmEncoder:
        """The model itself, loaded on the first call. Raises NotConfigured."""
        with self._loading:
            if self._loaded is None:
                self._loaded = MiniLmEncoder(self.model_dir)
            return self._loaded

    def _embedded(self, chunk: Chunk) -> EmbeddedChunk:
        return ports.EmbeddedChunk(chunk, self.encoder().encode(embedding_text(chunk)))

    def _query(self, text: str) -> Vectors:
        vector = self.encoder().encode(text)
        vector.setflags(write=False)
        return vector
