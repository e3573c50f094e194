"""Vectors at one byte a dimension, which tell in a quarter of the time which of many cannot be among the nearest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from service.ports import Vectors

    Bytes = npt.NDArray[np.int8]

_LEVELS = 127
_ROWS_A_STEP = 4096
_ROUNDING = 1e-5  # of sums in single precision


@dataclass(frozen=True, slots=True, eq=False)
class Coarse:
    """The rows of a matrix of vectors, rounded: vector = step * row of levels + an error no longer than error.

    levels has shape (capacity, dimension); step and error have shape (capacity,).
    """

    levels: Bytes
    step: Vectors
    error: Vectors

    def add(self, matrix: Vectors, start: int, stop: int) -> None:
        """Round the rows [start, stop) of matrix."""
        for first in range(start, stop, _ROWS_A_STEP):
            rows = slice(first, min(stop, first + _ROWS_A_STEP))
            self.levels[rows], self.step[rows], self.error[rows] = _rounded(matrix[rows])

    def bounds(self, size: int, vector: Vectors) -> tuple[Vectors, Vectors]:
        """The least and the most that the product of each of the first size vectors with a vector can be.

        The vectors are of unit length.
        """
        import numkong
        import numpy as np

        levels, step, error = _rounded(vector[None])
        products = np.empty((1, size), np.float32)
        numkong.cdist(levels, self.levels[:size], "dot", out=products)
        cosines = products[0]
        cosines *= self.step[:size]
        cosines *= step
        # a·b - (a - e)·(b - f) = e·b + (a - e)·f, and a - e is at most 1 + |e| long
        margin = self.error[:size] * (1 + error)
        margin += error + np.float32(_ROUNDING)
        return cosines - margin, cosines + margin


def no_rows(dimension: int, capacity: int) -> Coarse:
    """Room for so many rows."""
    import numpy as np

    levels = np.zeros((capacity, dimension), np.int8)
    return Coarse(levels, np.zeros(capacity, np.float32), np.zeros(capacity, np.float32))


def _rounded(matrix: Vectors) -> tuple[Bytes, Vectors, Vectors]:
    import numpy as np

    step = np.abs(matrix).max(axis=1) / np.float32(_LEVELS)
    step[step == 0] = 1
    levels = np.rint(matrix / step[:, None])
    errors = np.linalg.norm(matrix - levels * step[:, None], axis=1)
    return levels.astype(np.int8), step, errors.astype(np.float32)
