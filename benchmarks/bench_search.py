"""Questions over 10,000 chunks: search alone, and a whole answer from documents, read without any chat model."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.corpus import documents, questions
from benchmarks.figures import Figure, milliseconds, percentile
from service.app import assemble
from service.domain.caller import DEFAULT_CALLER
from service.domain.questions import Question, Route
from service.settings import load

DOCUMENTS, CHUNKS = 100, 100
SEARCHES = 300
WARM = 20


def run() -> list[Figure]:
    """Wall times on this machine."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(Path(folder)))


async def _measure(folder: Path) -> list[Figure]:
    settings = {
        "RAGSQL_DATA_DIR": str(folder),
        "RAGSQL_SAMPLE_DATA": "false",
        "RAGSQL_LOCAL_MODEL": str(folder / "none.gguf"),
    }
    assembly = assemble(load(settings))
    ports = assembly.ports
    for document, chunks in documents(DOCUMENTS, CHUNKS, ports.embedder.dimension):
        await ports.records.save_document(DEFAULT_CALLER, document)
        await ports.vectors.replace(DEFAULT_CALLER, document, chunks)
    vectors = np.random.default_rng(5).standard_normal((SEARCHES, ports.embedder.dimension)).astype(np.float32)
    directions = iter(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))

    async def search(question: str) -> None:
        await ports.vectors.search(DEFAULT_CALLER, question, next(directions), 8)

    async def answer(question: str) -> None:
        await assembly.use_cases.questions.ask(DEFAULT_CALLER, Question(question, Route.DOCUMENTS))

    asked = questions(2 * SEARCHES)
    searches = await milliseconds(search, asked[:SEARCHES])
    await milliseconds(answer, asked[SEARCHES : SEARCHES + WARM])
    answers = await milliseconds(answer, asked[SEARCHES + WARM :])
    assembly.close()
    size = f"over {DOCUMENTS * CHUNKS:,} chunks"
    return [
        Figure(f"search {size}, p50", percentile(searches, 0.5), "ms", len(searches), 8),
        Figure(f"search {size}, p95", percentile(searches, 0.95), "ms", len(searches)),
        Figure(f"document question {size}, p50", percentile(answers, 0.5), "ms", len(answers), 300),
        Figure(f"document question {size}, p95", percentile(answers, 0.95), "ms", len(answers)),
    ]
