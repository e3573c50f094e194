"""Search by meaning in one tenant of 400,000 chunks: the approximate index beside looking at every row.

Takes minutes, so it runs only when it is named: `python -m benchmarks large_index`.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from benchmarks.figures import Figure
from service.adapters.vectors.dense import DenseView
from service.adapters.vectors.graph import Graph

ONLY_BY_NAME = True
ROWS, DIMENSION, QUERIES = 400_000, 384, 200
CLUSTERS, INNER_DIMENSIONS, SPREAD = 2_000, 48, 1.0
DEPTH, TOP = 100, 10
STEP = 20_000
Matrix = npt.NDArray[np.float32]


def run() -> list[Figure]:
    """Both on one thread, the same queries in turn."""
    chance = np.random.default_rng(0)
    centres = chance.standard_normal((CLUSTERS, DIMENSION), np.float32)
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    inner = np.linalg.qr(chance.standard_normal((DIMENSION, INNER_DIMENSIONS)))[0].T.astype(np.float32)
    view = _view(np.concatenate([_near(centres, inner, STEP, chance) for _ in range(0, ROWS, STEP)]))
    start = time.process_time()
    graph = Graph(view, threading.Event())
    built = time.process_time() - start
    exact: list[float] = []
    approximate: list[float] = []
    right = 0
    for query in _near(centres, inner, QUERIES, chance):
        best = _timed(exact, lambda query=query: view.nearest(query, DEPTH, view.parts(())))
        found = _timed(approximate, lambda query=query: graph.nearest(view, query, DEPTH))
        right += len(set(_top(view, best, query)).intersection(_top(view, found, query)))
    size = f"{ROWS:,} × {DIMENSION}"
    beside = f"every row {statistics.median(exact):.3g} ms"
    return [
        Figure(f"nearest of {size}, p50", statistics.median(approximate), "ms", QUERIES, None, beside),
        Figure(f"nearest of {size}, recall@{TOP}", right / QUERIES / TOP, "", QUERIES, 0.95, least=True),
        Figure("CPU time of making the index", built, "s", 1),
        Figure(
            "memory of the index", graph.memory_bytes / 1e6, "MB", 1, None, f"vectors {view.matrix.nbytes / 1e6:.0f}"
        ),
    ]


def _near(centres: Matrix, inner: Matrix, count: int, chance: np.random.Generator) -> Matrix:
    """Unit vectors around centres, spread in few dimensions, as those of texts are."""
    noise = (
        chance.standard_normal((count, INNER_DIMENSIONS), np.float32) @ inner / np.sqrt(np.float32(INNER_DIMENSIONS))
    )
    vectors = centres[chance.integers(len(centres), size=count)] + np.float32(SPREAD) * noise
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _view(matrix: Matrix) -> DenseView:
    rows = len(matrix)
    return DenseView(0, matrix, np.arange(1, rows + 1), rows, np.ones(rows, np.bool_), {}, {})


def _timed(times: list[float], act: Callable[[], npt.NDArray[np.int64] | None]) -> npt.NDArray[np.int64]:
    start = time.perf_counter()
    rows = act()
    times.append((time.perf_counter() - start) * 1e3)
    assert rows is not None
    return rows


def _top(view: DenseView, rows: npt.NDArray[np.int64], query: Matrix) -> list[int]:
    return rows[np.argsort(-view.cosines(rows, query))[:TOP]].tolist()
