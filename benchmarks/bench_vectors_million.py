"""Fused search over 1,000,000 passages in the local store: what it takes to make, and how fast and right it is.

Takes half an hour and 10 GB of disk, so it runs only when it is named: `python -m benchmarks vectors_million`.
"""

from __future__ import annotations

import asyncio
import resource
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.bench_vectors import LEAST_RECALL
from benchmarks.figures import Figure, percentile
from benchmarks.passages import DIMENSION, Passages
from benchmarks.vector_runs import ask, known, prepare, recall
from service.adapters.vectors.sqlite import SqliteVectorStore

ONLY_BY_NAME = True
PASSAGES, QUESTIONS = 1_000_000, 50


def run() -> list[Figure]:
    """Wall times on this machine, one question at a time, once the approximate index is there."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        passages = Passages(PASSAGES, QUESTIONS)
        truth = prepare(passages, folder).ours
        store = SqliteVectorStore(folder / "ours.db", "model", DIMENSION)
        graph = 0.0

        def ready() -> float:
            nonlocal graph
            start = time.perf_counter()
            for thread in threading.enumerate():
                if thread.name == "graph":
                    thread.join()
            graph = time.perf_counter() - start
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3

        try:
            found = asyncio.run(ask(store, folder, passages.questions, ready))
        finally:
            store.close()
        disk = sum(file.stat().st_size for file in folder.glob("ours.db*"))
        times = sorted(found.times)
        size = f"local, {PASSAGES:,} passages"
        return [
            Figure(f"{size}: search, p50", percentile(times, 0.5), "ms", len(times)),
            Figure(f"{size}: search, p95", percentile(times, 0.95), "ms", len(times)),
            Figure(f"{size}: recall@10", recall(found, truth), "", len(times), LEAST_RECALL, least=True),
            Figure(f"{size}: known@10", known(found, passages.questions), "", len(times)),
            Figure(f"{size}: built, with its approximate index", found.built, "s", 1),
            Figure(f"{size}: the approximate index alone", graph, "s", 1),
            Figure(f"{size}: memory at most, with the exact search beside", found.memory, "MB", 1),
            Figure(f"{size}: file", disk / 1e6, "MB", 1),
        ]
