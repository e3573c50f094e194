"""How well search finds the passage of a document that answers: questions of evals/data/reading.

Asked is every fifth document of a file, which no training has seen, each question of its own document: many would have
an answer in several others.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evals.measures import Measure, Outcome, Report, share
from evals.retrieval_scifact import DEPTH, ndcg
from service.adapters.embedders.minilm import MiniLmEmbedder
from service.adapters.vectors.sqlite import SqliteVectorStore
from service.domain.caller import DEFAULT_CALLER
from service.domain.documents import Chunk, Document, DocumentState, Span
from service.evaluation.hashing import hash_of
from service.evaluation.statistics import quantile
from service.models.catalog import MINILM
from service.models.store import ModelStore

FOLDER = Path(__file__).parent / "data" / "reading"
HELD_OUT = 5


def run(folder: Path = FOLDER) -> Report:
    """A question is right when the first passage found is one that answers it."""
    files = sorted(folder.glob("*.jsonl"))
    documents = {
        f"{file.stem}{number}": json.loads(line)
        for file in files
        for number, line in enumerate(file.read_text().splitlines())
        if number % HELD_OUT == 0
    }
    found = asyncio.run(_ask_all(documents))
    outcomes = [outcome for outcome, _ in found]
    times = sorted(outcome.seconds for outcome in outcomes if outcome.seconds is not None)
    measures = [
        Measure(f"nDCG@{DEPTH}", sum(gain for _, gain in found) / len(found), len(found), ""),
        share("a right passage is the first", [outcome.right for outcome in outcomes]),
        Measure("p50", 1e3 * quantile(times, 0.5), len(times), "ms"),
    ]
    return Report("retrieval of passages", measures, outcomes=outcomes, data=hash_of(*map(Path.read_bytes, files)))


async def _ask_all(documents: Mapping[str, dict[str, Any]]) -> list[tuple[Outcome, float]]:
    """Each question that a document answers, with its gain."""
    embedder = MiniLmEmbedder(ModelStore().folder(MINILM))
    found: list[tuple[Outcome, float]] = []
    with tempfile.TemporaryDirectory() as scratch:
        store = SqliteVectorStore(Path(scratch) / "vectors.db", embedder.model, embedder.dimension)
        for name, content in documents.items():
            embedded = await embedder.embed_chunks(DEFAULT_CALLER, list(_chunks(content)))
            await store.replace(DEFAULT_CALLER, _document(name, content["title"]), embedded)
        for name, content in documents.items():
            for number, asked in enumerate(content["questions"]):
                if asked["units"]:
                    found.append(await _ask(embedder, store, name, number, asked))
        store.close()
    return found


async def _ask(
    embedder: MiniLmEmbedder, store: SqliteVectorStore, name: str, number: int, asked: dict[str, Any]
) -> tuple[Outcome, float]:
    start = time.perf_counter()
    vector = await embedder.embed_query(DEFAULT_CALLER, asked["q"])
    passages = await store.search(DEFAULT_CALLER, asked["q"], vector, DEPTH, [name])
    seconds = time.perf_counter() - start
    found = [str(passage.chunk.ordinal) for passage in passages]
    right = {str(passage) for passage, _ in asked["units"]}
    is_right = found[0] in right
    outcome = Outcome(
        id=f"{name}-{number}",
        question=asked["q"],
        right=is_right,
        problem="" if is_right else "the first passage does not answer",
        expected=f"{asked['answer']} in passage {' or '.join(sorted(right))}",
        got=f"passages {', '.join(found)}",
        seconds=seconds,
        embedding_tokens=embedder.count_tokens(asked["q"]),
        models=(embedder.model,),
    )
    return outcome, ndcg(found, dict.fromkeys(right, 1))


def _chunks(content: dict[str, Any]) -> Iterator[Chunk]:
    for ordinal, passage in enumerate(content["passages"]):
        text = (" " if passage["kind"] == "text" else "\n").join(passage["units"])
        yield Chunk(ordinal, text, Span(0, len(text)), (content["title"], *passage["headings"]))


def _document(name: str, title: str) -> Document:
    now = dt.datetime.now(dt.UTC)
    return Document(name, title, "text/plain", 0, "", DocumentState.ACTIVE, now, now)
