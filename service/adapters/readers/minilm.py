"""Reading on this machine: all-MiniLM-L6-v2 for meaning, and what was fine-tuned from it for answers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING

from service import ports
from service.adapters.embedders.minilm_encoder import missing_files
from service.adapters.readers.answer_model import VERSION, AnswerModel
from service.domain.health import ComponentHealth, HealthStatus
from service.domain.units import unit_in_context

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from service.adapters.embedders.minilm import MiniLmEmbedder
    from service.domain.caller import Caller
    from service.domain.documents import Passage
    from service.ports import Reading

    Vectors = npt.NDArray[np.float32]

_UNREAD = -1.0
"""What counts as the answers of a unit that no model has read."""
_REMEMBERED_UNITS = 8192
"""About 20 MB: questions over the same passages are common, and then cost next to nothing."""


class MiniLmReader:
    """Reader with the model of an embedder. Where that is not installed, a unit counts as much as its passage."""

    def __init__(self, embedder: MiniLmEmbedder) -> None:
        self.model = f"{embedder.model} {VERSION}"
        self._embedder = embedder
        self._threads = ThreadPoolExecutor(embedder.threads, "read")
        self._loading = threading.Lock()
        self._loaded: AnswerModel | None = None
        self._remembered = lru_cache(_REMEMBERED_UNITS)(self._encode)

    async def read(self, caller: Caller, question: str, passages: Sequence[Passage]) -> list[Reading]:
        if await asyncio.to_thread(missing_files, self._embedder.model_dir):
            return [_unread(passage) for passage in passages]
        query = await self._embedder.embed_query(caller, question)
        loop = asyncio.get_running_loop()
        return await asyncio.gather(
            *(loop.run_in_executor(self._threads, self._read, question, query, passage) for passage in passages)
        )

    async def check(self) -> ComponentHealth:
        if missing := await asyncio.to_thread(missing_files, self._embedder.model_dir):
            detail = (
                f"The model that reads passages is not installed ({', '.join(missing)}), so answers are chosen with "
                "less care. Run `ragsql models pull`."
            )
            return ComponentHealth("reader", "minilm", HealthStatus.DEGRADED, detail)
        return ComponentHealth("reader", "minilm", HealthStatus.SERVING)

    def _read(self, question: str, query: Vectors, passage: Passage) -> Reading:
        chunk = passage.chunk
        meaning = tuple(float(self._remembered(unit_in_context(chunk, unit)) @ query) for unit in chunk.units)
        return ports.Reading(meaning, self._answer_model().log_probabilities(question, chunk))

    def _encode(self, text: str) -> Vectors:
        return self._embedder.encoder().encode(text)

    def _answer_model(self) -> AnswerModel:
        with self._loading:
            if self._loaded is None:
                self._loaded = AnswerModel(self._embedder.encoder().tokenizer)
            return self._loaded


def _unread(passage: Passage) -> Reading:
    count = len(passage.chunk.units)
    return ports.Reading((passage.dense_score,) * count, (_UNREAD,) * count)
