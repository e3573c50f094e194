"""Vectors from words alone."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from service.domain.documents import Chunk
from service.domain.terms import terms
from service.domain.units import unit_in_context
from service.ports import EmbeddedChunk


def word_vector(text: str, dimension: int) -> npt.NDArray[np.float32]:
    """Unit-length counts of hashed terms, shape (dimension,)."""
    vector = np.zeros(dimension, np.float32)
    for term in terms(text):
        vector[int.from_bytes(hashlib.sha256(term.encode()).digest()[:4]) % dimension] += 1
    return vector / max(float(np.linalg.norm(vector)), 1e-9)


def embed_words(chunk: Chunk, dimension: int) -> EmbeddedChunk:
    """A chunk and its units as word vectors."""
    units = [word_vector(unit_in_context(chunk, unit), dimension) for unit in chunk.units]
    matrix = np.stack(units) if units else np.zeros((0, dimension), np.float32)
    return EmbeddedChunk(chunk, word_vector(chunk.text, dimension), matrix)
