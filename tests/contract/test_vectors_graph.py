"""The approximate index of a large tenant never returns what is gone and never misses what is new."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from service.adapters.vectors.sqlite import SqliteVectorStore
from service.domain.documents import Document
from tests.contract.chunks import ANN, DIMENSION, EagerlyIndexed, embedded, several, texts_of

pytestmark = pytest.mark.anyio
MakeDocument = Callable[..., Document]
DOCUMENTS, CHUNKS = 20, 100


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EagerlyIndexed]:
    store = EagerlyIndexed(tmp_path / "v.db", "m", DIMENSION, exact_up_to=500)
    yield store
    store.close()


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The size of each graph that is made."""
    from usearch.index import Index

    made: list[int] = []
    search = Index.search

    def noted(index: Index, *args: object, **options: object) -> object:
        made.append(len(index))
        return search(index, *args, **options)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(Index, "search", noted)
    return made


def some_vectors(seed: int, count: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    vectors = np.random.default_rng(seed).standard_normal((count, DIMENSION), np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


async def fill(store: SqliteVectorStore, make_document: MakeDocument, seeds: range) -> None:
    for seed in seeds:
        chunks = [embedded(f"{seed} {i}", vector, i) for i, vector in enumerate(some_vectors(seed, CHUNKS))]
        await store.replace(ANN, make_document(f"d{seed}"), chunks)


async def test_the_nearest_of_many_are_found(
    store: EagerlyIndexed, make_document: MakeDocument, graphs: list[int]
) -> None:
    await fill(store, make_document, range(DOCUMENTS))
    everything = np.concatenate([some_vectors(seed, CHUNKS) for seed in range(DOCUMENTS)])
    names = [f"{seed} {i}" for seed in range(DOCUMENTS) for i in range(CHUNKS)]
    right = 0
    for query in some_vectors(99, 20):
        best = np.argsort(-(everything @ query))[:10]
        found = await store.search(ANN, "", query, 10)
        right += len({names[int(i)] for i in best}.intersection(texts_of(found)))
        exact = everything[[names.index(text) for text in texts_of(found)]] @ query
        np.testing.assert_allclose([passage.dense_score for passage in found], exact, atol=1e-6)
    assert right >= 0.95 * 200
    assert set(graphs) == {DOCUMENTS * CHUNKS}


async def test_what_is_gone_is_not_found_and_what_is_new_is(
    store: EagerlyIndexed, make_document: MakeDocument, graphs: list[int]
) -> None:
    await fill(store, make_document, range(DOCUMENTS))
    query = some_vectors(0, 1)[0]
    assert texts_of(await store.search(ANN, "", query, 1)) == ["0 0"]
    await store.delete(ANN, "d0")
    assert "0 0" not in texts_of(await store.search(ANN, "", query, 50))
    await store.replace(ANN, make_document("new"), [embedded("new", query)])
    assert texts_of(await store.search(ANN, "", query, 1)) == ["new"]
    await store.replace(ANN, make_document("newer"), [embedded("newer", query)], replaces=["new"])
    found = texts_of(await store.search(ANN, "", query, 50))
    assert (found[0], "new" in found) == ("newer", False)
    assert set(graphs) == {DOCUMENTS * CHUNKS}


async def test_when_all_that_is_near_is_gone_the_rest_is_found(
    store: EagerlyIndexed, make_document: MakeDocument
) -> None:
    await fill(store, make_document, range(30))
    near = some_vectors(99, 1)[0]
    await store.replace(ANN, make_document("near"), several([f"near {i}" for i in range(600)], near))
    assert texts_of(await store.search(ANN, "", near, 1))[0].startswith("near")
    await store.delete(ANN, "near")
    everything = np.concatenate([some_vectors(seed, CHUNKS) for seed in range(30)])
    best = np.argsort(-(everything @ near))[:10]
    assert texts_of(await store.search(ANN, "", near, 10)) == [f"{i // CHUNKS} {i % CHUNKS}" for i in best]


async def test_much_change_makes_a_new_graph_and_a_small_tenant_has_none(
    store: EagerlyIndexed, make_document: MakeDocument, graphs: list[int]
) -> None:
    await fill(store, make_document, range(10))
    query = some_vectors(0, 1)[0]
    await store.search(ANN, "", query, 5)
    await fill(store, make_document, range(10, 15))
    await store.search(ANN, "", query, 5)
    assert set(graphs) == {1000, 1500}
    for seed in range(10):
        await store.delete(ANN, f"d{seed}")
    graphs.clear()
    assert len(await store.search(ANN, "", query, 5)) == 5
    assert graphs == []


async def test_a_search_in_named_documents_is_exact(
    store: EagerlyIndexed, make_document: MakeDocument, graphs: list[int]
) -> None:
    await fill(store, make_document, range(DOCUMENTS))
    query = some_vectors(3, 1)[0]
    await store.search(ANN, "", query, 5)
    graphs.clear()
    found = await store.search(ANN, "", query, 50, ["d3", "d7"])
    inside = np.concatenate([some_vectors(seed, CHUNKS) for seed in (3, 7)])
    best = np.argsort(-(inside @ query))[:50]
    assert texts_of(found) == [f"{3 if i < CHUNKS else 7} {i % CHUNKS}" for i in best]
    assert graphs == []


async def test_a_graph_that_cannot_be_made_leaves_the_search_exact(
    store: EagerlyIndexed, make_document: MakeDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "usearch.index", None)
    await fill(store, make_document, range(DOCUMENTS))
    query = some_vectors(5, 1)[0]
    for _ in range(2):
        assert texts_of(await store.search(ANN, "", query, 1)) == ["5 0"]


def test_small_tenants_load_no_index_library(tmp_path: Path) -> None:
    script = """
import asyncio, sys, pathlib
from tests.contract.chunks import *
from service.domain.documents import Document, DocumentState
import datetime as dt
now = dt.datetime.now(dt.UTC)
store = SqliteVectorStore(pathlib.Path(sys.argv[1]), "m", DIMENSION)
document = Document("d", "f", "t", 1, "0", DocumentState.ACTIVE, now, now)
asyncio.run(store.replace(ANN, document, several(["word"] * 50, direction(1))))
assert len(asyncio.run(store.search(ANN, "word", direction(1), 5))) == 5
assert "usearch" not in sys.modules
"""
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "v.db")], check=True, cwd=root)
