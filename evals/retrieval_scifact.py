"""`python -m evals.retrieval_scifact FOLDER`: nDCG@10 of search on BEIR's SciFact, by words, by meaning and fused.

FOLDER has ir/scifact with corpus.jsonl, queries.jsonl and qrels/test.tsv. Embedding the corpus takes minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import json
import math
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from service.adapters.embedders.minilm import MiniLmEmbedder
from service.adapters.vectors.sqlite import SqliteVectorStore
from service.domain.caller import DEFAULT_CALLER
from service.domain.documents import Chunk, Document, DocumentState, Passage, Span
from service.models.catalog import MINILM
from service.models.store import ModelStore

DEPTH = 10
TARGET = 0.73
BATCH = 100
KINDS: Mapping[str, Callable[[Passage], float]] = {
    "by words": lambda passage: passage.lexical_score,
    "by meaning": lambda passage: passage.dense_score,
    "fused": lambda passage: passage.score,
}


def main() -> None:
    """Print the scores; exit with 1 when the fused one is below the target."""
    parser = argparse.ArgumentParser(prog="evals.retrieval_scifact", description="Score search on SciFact.")
    parser.add_argument("data", type=Path, help="folder of full data sets")
    scores = asyncio.run(score(parser.parse_args().data / "ir" / "scifact"))
    for kind, value in scores.items():
        print(f"{kind:10} nDCG@{DEPTH} {value:.4f}")
    raise SystemExit(scores["fused"] < TARGET)


async def score(folder: Path) -> dict[str, float]:
    """nDCG@10 of each kind. Single kinds rank only what the fused search returned."""
    relevant = _relevant(folder / "qrels" / "test.tsv")
    questions = {entry["_id"]: entry["text"] for entry in _lines(folder / "queries.jsonl")}
    embedder = MiniLmEmbedder(ModelStore().folder(MINILM))
    with tempfile.TemporaryDirectory() as scratch:
        store = SqliteVectorStore(Path(scratch) / "vectors.db", embedder.model, embedder.dimension)
        await _fill(store, embedder, list(_lines(folder / "corpus.jsonl")))
        gains: dict[str, list[float]] = defaultdict(list)
        for question, judged in relevant.items():
            vector = await embedder.embed_query(DEFAULT_CALLER, questions[question])
            passages = await store.search(DEFAULT_CALLER, questions[question], vector, 5 * DEPTH)
            for kind, value in KINDS.items():
                best = sorted(passages, key=value, reverse=True)[:DEPTH]
                gains[kind].append(ndcg([passage.document_id for passage in best], judged))
        store.close()
    return {kind: sum(values) / len(values) for kind, values in gains.items()}


def ndcg(found: Sequence[str], judged: Mapping[str, int]) -> float:
    """Discounted gain of the first ten found, of the most that was possible."""
    gain = sum(judged.get(name, 0) / math.log2(rank + 2) for rank, name in enumerate(found[:DEPTH]))
    ideal = sorted(judged.values(), reverse=True)[:DEPTH]
    return gain / sum(value / math.log2(rank + 2) for rank, value in enumerate(ideal))


async def _fill(store: SqliteVectorStore, embedder: MiniLmEmbedder, corpus: Sequence[Mapping[str, str]]) -> None:
    now = dt.datetime.now(dt.UTC)
    for start in range(0, len(corpus), BATCH):
        entries = corpus[start : start + BATCH]
        chunks = [Chunk(0, entry["text"], Span(0, len(entry["text"])), (entry["title"],)) for entry in entries]
        for entry, embedded in zip(entries, await embedder.embed_chunks(DEFAULT_CALLER, chunks), strict=True):
            document = Document(entry["_id"], entry["title"], "text/plain", 0, "", DocumentState.ACTIVE, now, now)
            await store.replace(DEFAULT_CALLER, document, [embedded])
        print(f"\r{start + len(entries)} of {len(corpus)}", end="", flush=True)
    print()


def _relevant(path: Path) -> dict[str, dict[str, int]]:
    judged: dict[str, dict[str, int]] = defaultdict(dict)
    for line in path.read_text().splitlines()[1:]:
        question, document, grade = line.split("\t")
        judged[question][document] = int(grade)
    return judged


def _lines(path: Path) -> Iterable[dict[str, str]]:
    return (json.loads(line) for line in path.read_text().splitlines())


if __name__ == "__main__":
    main()
