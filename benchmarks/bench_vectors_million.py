"""Fused search over 1,000,000 passages in the local store: what it takes to make, and how fast and right it is.

Every vector is looked at first, as a search does until the approximate index is there; then that is made and asked.
Takes half an hour and 10 GB of disk, so it runs only when it is named: `python -m benchmarks vectors_million`.
"""

from __future__ import annotations

import asyncio
import resource
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.bench_vectors import LEAST_RECALL
from benchmarks.figures import Figure, percentile
from benchmarks.passages import DIMENSION, Asked, Passages
from benchmarks.vector_runs import Run, Truth, ask, ask_filled, known, prepare, recall
from service.adapters.vectors.sqlite import SqliteVectorStore

ONLY_BY_NAME = True
PASSAGES, QUESTIONS = 1_000_000, 50


def run() -> list[Figure]:
    """Wall times on this machine, one question at a time."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        passages = Passages(PASSAGES, QUESTIONS)
        truth, asked = prepare(passages, folder), passages.questions
        exact = SqliteVectorStore(folder / "ours.db", "model", DIMENSION, exact_up_to=PASSAGES)
        looked_at_all = asyncio.run(ask(exact, folder, asked, _memory))
        exact.close()
        store = SqliteVectorStore(folder / "ours.db", "model", DIMENSION, exact_up_to=PASSAGES // 2)
        approximate = asyncio.run(ask_filled(store, asked, _memory, time.perf_counter()))
        store.close()
        disk = sum(file.stat().st_size for file in folder.glob("ours.db*"))
        size = f"local, {PASSAGES:,} passages"
        return [
            *_figures(f"{size}, every vector", looked_at_all, truth, asked),
            Figure(f"{size}: file", disk / 1e6, "MB", 1),
            *_figures(f"{size}, approximate index", approximate, truth, asked),
        ]


def _memory() -> float:
    """The most so far, in MB, when no approximate index is being made."""
    for thread in threading.enumerate():
        if thread.name == "graph":
            thread.join()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def _figures(name: str, found: Run, truth: Truth, asked: Sequence[Asked]) -> list[Figure]:
    times = sorted(found.times)
    return [
        Figure(f"{name}: search, p50", percentile(times, 0.5), "ms", len(times)),
        Figure(f"{name}: search, p95", percentile(times, 0.95), "ms", len(times)),
        Figure(f"{name}: CPU time of a search, p50", percentile(sorted(found.cpu), 0.5), "ms", len(times)),
        Figure(f"{name}: recall@10", recall(found, truth.ours), "", len(times), LEAST_RECALL, least=True),
        Figure(f"{name}: known@10", known(found, asked), "", len(times)),
        Figure(f"{name}: built", found.built, "s", 1),
        Figure(f"{name}: memory at most", found.memory, "MB", 1),
    ]
