"""Two rankings to one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from service.adapters.vectors.dense import DenseView, Mask
    from service.ports import Vectors

    Scores = npt.NDArray[np.float32]


class Candidate(NamedTuple):
    """A chunk id with its fused score 0 to 1, its cosine and its BM25, 0 when no word fits."""

    chunk: int
    fused: float
    dense: float
    lexical: float


def rank(
    view: DenseView, eligible: Mask, vector: Vectors, words: Sequence[tuple[int, float]], depth: int
) -> list[Candidate]:
    """The nearest depth chunks and those with fitting words, best first; of equals the older first."""
    import numpy as np

    cosines = view.cosines(np.asarray(vector, np.float32))
    depth = min(depth, int(eligible.sum()))
    nearest = np.argpartition(np.where(eligible, -cosines, np.float32(2)), depth - 1)[:depth]
    rows, there = view.rows_of(np.array([chunk for chunk, _ in words], np.int64))
    there &= eligible[rows]
    bm25 = np.zeros(view.size, np.float32)
    bm25[rows[there]] = np.array([score for _, score in words], np.float32)[there]
    candidates = np.union1d(nearest, rows[there])
    fused = fuse(cosines[candidates], bm25[candidates])
    order = np.argsort(-fused, kind="stable")
    rows = candidates[order]
    return [
        Candidate(*row)
        for row in zip(
            view.ids[rows].tolist(), fused[order].tolist(), cosines[rows].tolist(), bm25[rows].tolist(), strict=True
        )
    ]


def fuse(dense: Scores, lexical: Scores) -> Scores:
    """The mean of both scores of the same candidates, each stretched to 0 to 1 over them.

    Not ranks: how far the first is ahead of the second is what tells a certain match from a vague one.
    """
    import numpy as np

    return (_stretched(dense) + _stretched(lexical)) * np.float32(0.5)


def _stretched(scores: Scores) -> Scores:
    import numpy as np

    low, high = scores.min(), scores.max()
    if high > low:
        return (scores - low) / (high - low)
    return (scores > 0).astype(np.float32)
