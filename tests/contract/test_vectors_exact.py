"""The local store ranks as a search does that looks at every chunk and at every word."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.adapters.vectors.fusion import fuse
from service.adapters.vectors.sqlite import SqliteVectorStore
from service.domain.documents import Document
from tests.contract.chunks import ANN, DIMENSION, embedded

pytestmark = pytest.mark.anyio
MakeDocument = Callable[..., Document]
COUNT, DEPTH = 3_000, 100


def bm25(texts: list[list[str]], query: list[str]) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    average = sum(map(len, texts)) / len(texts)
    scores = np.zeros(len(texts), np.float32)
    for word in set(query):
        counts = [Counter(text)[word] for text in texts]
        having = sum(count > 0 for count in counts)
        rarity = math.log(1 + (len(texts) - having + 0.5) / (having + 0.5))
        norms = [1.2 * (0.25 + 0.75 * len(text) / average) for text in texts]
        scores += np.array(
            [rarity * count * 2.2 / (count + norm) for count, norm in zip(counts, norms, strict=True)], np.float32
        )
    return scores


async def test_the_best_are_those_of_an_exhaustive_search(tmp_path: Path, make_document: MakeDocument) -> None:
    """Words follow Zipf's law, so that the common ones of a question are not used to find candidates."""
    chance = np.random.default_rng(7)
    vectors = chance.standard_normal((COUNT, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    lengths = chance.integers(20, 60, COUNT)
    drawn: list[Any] = [chance.zipf(1.2, length) for length in lengths]
    texts = [[f"w{min(rank, 900):03d}" for rank in ranks] for ranks in drawn]
    store = SqliteVectorStore(tmp_path / "v.db", "m", DIMENSION)
    for start in range(0, COUNT, 500):
        chunks = [embedded(" ".join(texts[at]), vectors[at], at) for at in range(start, start + 500)]
        await store.replace(ANN, make_document(f"d{start}"), chunks)
    found = expected = 0
    for asked in range(30):
        query = list(dict.fromkeys(texts[asked]))[:9]
        vector = vectors[asked] + 0.5 * chance.standard_normal(DIMENSION).astype(np.float32)
        vector /= np.linalg.norm(vector)
        passages = await store.search(ANN, " ".join(query), vector, 10)
        words, cosines = bm25(texts, query), vectors @ vector
        for passage in passages:
            assert passage.lexical_score == pytest.approx(words[passage.chunk.ordinal], rel=1e-4, abs=1e-6)
            assert passage.dense_score == pytest.approx(cosines[passage.chunk.ordinal], abs=1e-6)
        either = np.union1d(np.argsort(-words)[:DEPTH], np.argsort(-cosines)[:DEPTH])
        fused = fuse(cosines[either], words[either])
        best = set(either[np.argsort(-fused, kind="stable")[:10]].tolist())
        found += len(best.intersection(passage.chunk.ordinal for passage in passages))
        expected += len(best)
    store.close()
    assert found / expected >= 0.98
