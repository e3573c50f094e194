"""Two rankings to one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    import numpy.typing as npt

    from service.adapters.vectors.dense import DenseView, Ids
    from service.ports import Vectors

    Scores = npt.NDArray[np.float32]

DENSE_WEIGHT = 0.4
"""Chosen on the training questions of SciFact, see docs/retrieval.md."""


class Candidate(NamedTuple):
    """A chunk id with its fused score 0 to 1, its cosine and its BM25, 0 when no word fits."""

    chunk: int
    fused: float
    dense: float
    lexical: float


def rank(
    view: DenseView,
    nearest: Ids,
    parts: Sequence[range],
    vector: Vectors,
    worded: Sequence[int],
    depth: int,
    score: Callable[[list[int]], list[float]],
) -> list[Candidate]:
    """The nearest rows, and of the worded chunks that lie in parts the depth that score highest, best first.

    score gives the BM25 of chunks. Of equals the older is first.
    """
    import numpy as np

    rows, there = view.rows_of(np.array(worded, np.int64))
    there &= np.any([(part.start <= rows) & (rows < part.stop) for part in parts], axis=0)
    candidates = np.union1d(nearest, rows[there])
    cosines = view.cosines(candidates, vector)
    bm25 = np.array(score(view.ids[candidates].tolist()), np.float32)
    if len(candidates) > depth:
        least = np.partition(bm25, -depth)[-depth]
        kept = (bm25 >= max(least, np.float32(1e-9))) | np.isin(candidates, nearest)
        candidates, cosines, bm25 = candidates[kept], cosines[kept], bm25[kept]
    fused = fuse(cosines, bm25)
    order = np.argsort(-fused, kind="stable")
    columns = (view.ids[candidates], fused, cosines, bm25)
    return [Candidate(*row) for row in zip(*(column[order].tolist() for column in columns), strict=True)]


def fuse(dense: Scores, lexical: Scores) -> Scores:
    """Both scores of the same candidates as one, 0 to 1.

    Each counts in standard deviations from its mean over the candidates. Not ranks: how far the first is ahead of the
    second is what tells a certain match from a vague one.
    """
    import numpy as np

    fused = (_standard(dense) * DENSE_WEIGHT + _standard(lexical) * (1 - DENSE_WEIGHT)).astype(np.float32)
    low, high = fused.min(), fused.max()
    return (fused - low) / (high - low) if high > low else np.ones(len(fused), np.float32)


def _standard(scores: Scores) -> Scores:
    import numpy as np

    deviation = np.float32(scores.std())
    return (scores - np.float32(scores.mean())) / deviation if deviation else np.zeros(len(scores), np.float32)
