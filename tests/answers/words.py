"""Vectors from words alone."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from service.domain.terms import terms


def word_vector(text: str, dimension: int) -> npt.NDArray[np.float32]:
    """Unit-length counts of hashed terms, shape (dimension,)."""
    vector = np.zeros(dimension, np.float32)
    for term in terms(text):
        vector[int.from_bytes(hashlib.sha256(term.encode()).digest()[:4]) % dimension] += 1
    return vector / max(float(np.linalg.norm(vector)), 1e-9)
