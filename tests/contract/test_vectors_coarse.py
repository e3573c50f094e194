"""Vectors at one byte a dimension leave out only chunks that cannot be among the nearest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.adapters.vectors.coarse import no_rows
from service.adapters.vectors.sqlite import SqliteVectorStore
from service.domain.documents import Document
from tests.contract.chunks import ANN, DIMENSION, embedded, texts_of

Array = np.ndarray[tuple[int, int], np.dtype[np.float32]]
MakeDocument = Callable[..., Document]
CHUNKS = 6_000


def unit(vectors: Array) -> Array:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.float32(1e-20))


@given(st.integers(0, 2**32 - 1), st.integers(1, 300), st.sampled_from([0.0, 0.5, 2.0, 8.0]))
def test_the_product_lies_between_the_bounds(seed: int, dimension: int, skew: float) -> None:
    """Also of vectors whose weight is in a few dimensions, which one byte tells least about."""
    chance = np.random.default_rng(seed)
    drawn = chance.standard_normal((40, dimension)) * np.exp(skew * chance.standard_normal((40, dimension)))
    vectors = unit(drawn.astype(np.float32))
    coarse = no_rows(dimension, len(vectors))
    coarse.add(vectors, 0, len(vectors))
    for vector in vectors[:10]:
        least, most = coarse.bounds(len(vectors), vector)
        exact = vectors.astype(np.float64) @ vector.astype(np.float64)
        assert (least <= exact).all()
        assert (exact <= most).all()


@pytest.mark.anyio
async def test_the_nearest_of_many_are_exactly_those_of_a_full_search(
    tmp_path: Path, make_document: MakeDocument
) -> None:
    """While documents come and go: what is rounded follows what is stored."""
    store = SqliteVectorStore(tmp_path / "v.db", "m", DIMENSION)
    chance = np.random.default_rng(3)
    stored: dict[str, Array] = {}

    async def check() -> None:
        names = [f"{name} {i}" for name, vectors in stored.items() for i in range(len(vectors))]
        everything = np.concatenate(list(stored.values()))
        for query in unit(chance.standard_normal((10, DIMENSION)).astype(np.float32)):
            best = np.argsort(-(everything @ query), kind="stable")[:10]
            found = await store.search(ANN, "", query, 10)
            assert texts_of(found) == [names[int(i)] for i in best]

    for name in ("a", "b", "c", "d"):
        stored[name] = unit(chance.standard_normal((CHUNKS, DIMENSION)).astype(np.float32))
        chunks = [embedded(f"{name} {i}", vector, i) for i, vector in enumerate(stored[name])]
        await store.replace(ANN, make_document(name), chunks)
        await check()
    await store.delete(ANN, "b")
    del stored["b"]
    await check()
    store.close()
