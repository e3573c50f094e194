"""The Pinecone vector store while Pinecone lags, throttles, fails, hangs, or is not what the settings say."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from service.adapters.vectors.pinecone import PineconeVectorStore
from service.domain.documents import Chunk, Document, Span
from service.domain.health import HealthStatus
from service.errors import NotConfigured, UpstreamUnavailable
from service.ports import EmbeddedChunk
from tests.contract.chunks import ANN, DIMENSION, direction, embedded, several, texts_of
from tests.pinecone_emulator import PineconeEmulator
from tests.pinecone_index import Index

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("retries")]
MakeDocument = Callable[..., Document]
NAME = "rag-documents"


@pytest.fixture
def emulator(pinecone_emulator: PineconeEmulator) -> PineconeEmulator:
    pinecone_emulator.indexes[NAME] = Index(DIMENSION)
    return pinecone_emulator


def new_store() -> PineconeVectorStore:
    return PineconeVectorStore("key", NAME, "model", DIMENSION, grace_seconds=0.01)


@pytest.fixture
def store(emulator: PineconeEmulator) -> Iterator[PineconeVectorStore]:
    store = new_store()
    yield store
    store.close()


async def found(store: PineconeVectorStore, query: str = "", limit: int = 50) -> list[str]:
    return sorted(texts_of(await store.search(ANN, query, direction(1), limit)))


async def test_what_is_written_is_found_at_once_although_reads_lag(
    emulator: PineconeEmulator, store: PineconeVectorStore, make_document: MakeDocument
) -> None:
    emulator.indexes[NAME].delay = 0.3
    await store.replace(ANN, make_document("d"), several(["old"], direction(1)))
    assert await found(store) == ["old"]
    await store.replace(ANN, make_document("e"), several(["new"], direction(1)), ["d"])
    assert (await found(store), await store.document_ids(ANN)) == (["new"], ["e"])
    await store.delete(ANN, "e")
    assert (await found(store), await store.count(ANN)) == ([], 0)


async def test_another_process_sees_it_too(
    emulator: PineconeEmulator, store: PineconeVectorStore, make_document: MakeDocument
) -> None:
    other = new_store()
    for text in ("one", "two"):
        await store.replace(ANN, make_document("d"), several([text], direction(1)))
        assert await found(other) == [text]
    await other.delete(ANN, "d")
    assert await found(store) == []
    other.close()


async def test_a_search_sees_the_old_document_or_the_new(
    emulator: PineconeEmulator, store: PineconeVectorStore, make_document: MakeDocument
) -> None:
    emulator.indexes[NAME].delay = 0.02
    store = PineconeVectorStore("key", NAME, "model", DIMENSION)
    reader = PineconeVectorStore("key", NAME, "model", DIMENSION)
    await store.replace(ANN, make_document("v0"), several(["shared 0"] * 5, direction(1)))
    writing = True
    seen: list[tuple[int, int]] = []

    async def search() -> None:
        while writing:
            texts = await found(reader, "shared")
            assert len(set(texts)) == 1
            seen.append((int(texts[0].split()[1]), len(texts)))

    searching = asyncio.create_task(search())
    for i in range(1, 6):
        await store.replace(
            ANN, make_document(f"v{i}"), several([f"shared {i}"] * (5 + i), direction(1)), [f"v{i - 1}"]
        )
    writing = False
    await searching
    assert all(count == 5 + version for version, count in seen)
    assert [version for version, _ in seen] == sorted(version for version, _ in seen)
    store.close()
    reader.close()


async def test_many_chunks_go_in_parallel_batches_that_pinecone_takes(
    emulator: PineconeEmulator, store: PineconeVectorStore, make_document: MakeDocument
) -> None:
    assert await store.count(ANN) == 0
    emulator.upserts_at_once = 4
    emulator.enough.clear()
    vectors = np.random.default_rng(3).standard_normal((2_000, DIMENSION), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    chunks = [embedded(f"chunk{i}", vector, i) for i, vector in enumerate(vectors)]
    await store.replace(ANN, make_document("d"), chunks)
    assert await store.count(ANN) == 2_000
    assert 4 <= emulator.most_at_once <= 8
    assert len([path for path in emulator.requests if path.endswith("upsert")]) < 30
    (first, *_) = await store.search(ANN, "chunk77", vectors[77], 5)
    assert first.chunk.text == "chunk77"


async def test_a_word_is_found_however_far_away_its_passage_is(
    store: PineconeVectorStore, make_document: MakeDocument
) -> None:
    near = several([f"about pumps {i}" for i in range(150)], direction(1))
    await store.replace(ANN, make_document("near"), near)
    await store.replace(ANN, make_document("far"), several(["part XK-1042"], direction(0, 1)))
    assert "part XK-1042" in await found(store, "pumps xk-1042")


async def test_a_chunk_that_is_larger_than_metadata_comes_back_whole(
    emulator: PineconeEmulator, store: PineconeVectorStore, make_document: MakeDocument
) -> None:
    texts = ["long " + '大"\\\n' * 40_000, "much " + " ".join(f"word{i}" for i in range(20_000)), "lone \ud800" * 5_000]
    chunks = [EmbeddedChunk(Chunk(i, text, Span(0, len(text))), direction(1)) for i, text in enumerate(texts)]
    await store.replace(ANN, make_document("d"), chunks)
    passages = await store.search(ANN, "much", direction(1), 5)
    assert {passage.chunk for passage in passages} == {embedded.chunk for embedded in chunks}
    assert passages[0].chunk.text.startswith("much")
    await store.delete(ANN, "d")
    left = {name: set(records) for name, records in emulator.indexes[NAME].namespaces().items()}
    assert left == {"ragsql": {"identity"}, "ann": set(), "ann/state": {"epoch"}}


@pytest.mark.parametrize("fault", ["429", "500", "503", "cut"])
async def test_a_request_that_fails_once_is_repeated(
    emulator: PineconeEmulator, store: PineconeVectorStore, make_document: MakeDocument, fault: str
) -> None:
    emulator.faults += [(path, fault) for path in (NAME, "upsert", "query", "fetch", "list", "upsert")]
    await store.replace(ANN, make_document("d"), several(["text"], direction(1)))
    emulator.faults += [("delete", fault), ("query", fault), ("fetch", fault)]
    await store.replace(ANN, make_document("d"), several(["newer"], direction(1)))
    assert await found(store) == ["newer"]
    assert emulator.faults == []


@pytest.mark.parametrize("fault", ["429", "500", "cut"])
async def test_an_ingest_that_fails_in_the_middle_leaves_nothing(
    emulator: PineconeEmulator, store: PineconeVectorStore, make_document: MakeDocument, fault: str
) -> None:
    await store.replace(ANN, make_document("old"), several(["old"], direction(1)))
    epoch = await store.epoch(ANN)
    chunks = several([f"new {i}" for i in range(250)], direction(1))
    emulator.faults += [("upsert", fault)] * 100
    with pytest.raises(UpstreamUnavailable, match="Pinecone") as caught:
        await store.replace(ANN, make_document("new"), chunks, ["old"])
    assert "secret" not in caught.value.message
    # Requests that were given up still arrive, and fail like the others.
    assert (await found(store), await store.count(ANN), await store.epoch(ANN)) == (["old"], 1, epoch)
    assert len(emulator.indexes[NAME].namespace("ann")) == 1
    emulator.faults.clear()
    await store.replace(ANN, make_document("new"), chunks, ["old"])
    assert (await store.count(ANN), await store.document_ids(ANN)) == (250, ["new"])


async def test_a_dead_pinecone_fails_fast_after_a_few_calls_and_is_used_again(
    emulator: PineconeEmulator, store: PineconeVectorStore, make_document: MakeDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.replace(ANN, make_document("d"), several(["text"], direction(1)))
    monkeypatch.setattr("service.adapters.vectors.pinecone._SEARCH_SECONDS", 0.3)
    monkeypatch.setattr(store._index._circuit, "_seconds", 600.0)  # pyright: ignore[reportPrivateUsage]
    emulator.faults += [("", "hang")] * 100
    times, told = list[float](), list[str]()
    for _ in range(6):
        start = time.monotonic()
        with pytest.raises(UpstreamUnavailable, match="Pinecone") as caught:
            await found(store)
        times.append(time.monotonic() - start)
        told.append(caught.value.message)
    assert min(times[:2]) >= 0.3
    assert all("did not answer in time" in message for message in told[:2])
    assert all("is asked again within" in message for message in told[4:])
    assert (await store.check()).status is HealthStatus.NOT_SERVING
    emulator.faults.clear()
    emulator.released.set()
    monkeypatch.setattr(store._index._circuit, "_next_try", 0.0)  # pyright: ignore[reportPrivateUsage]
    assert await found(store) == ["text"]


async def test_a_pinecone_that_is_down_at_the_start_is_used_when_it_is_there(
    pinecone_emulator: PineconeEmulator, make_document: MakeDocument
) -> None:
    store = new_store()
    pinecone_emulator.faults += [(NAME, "500")] * 4
    with pytest.raises(UpstreamUnavailable):
        await store.count(ANN)
    pinecone_emulator.faults.clear()
    with pytest.raises(NotConfigured, match=r"PINECONE_INDEX_NAME.*16 dimensions"):
        await store.count(ANN)
    health = await store.check()
    assert (health.status, "PINECONE_INDEX_NAME" in health.detail) == (HealthStatus.NOT_SERVING, True)
    pinecone_emulator.indexes[NAME] = Index(DIMENSION)
    await store.replace(ANN, make_document("d"), several(["text"], direction(1)))
    assert (await store.check()).status is HealthStatus.SERVING
    store.close()


async def test_a_wrong_key_dimension_metric_or_model_is_told_with_the_setting(
    emulator: PineconeEmulator, store: PineconeVectorStore, make_document: MakeDocument
) -> None:
    await store.replace(ANN, make_document("d"), [])
    for refused, words in (
        (PineconeVectorStore("wrong", NAME, "model", DIMENSION), "PINECONE_API_KEY"),
        (PineconeVectorStore("key\n", NAME, "model", DIMENSION), "PINECONE_API_KEY"),
        (PineconeVectorStore("key", NAME, "large", DIMENSION), "made with the embedding model model.*ragsql reindex"),
        (PineconeVectorStore("key", NAME, "model", 32), "16 dimensions.*of 32.*ragsql reindex.*PINECONE_INDEX_NAME"),
    ):
        with pytest.raises(NotConfigured, match=words):
            await refused.search(ANN, "x", direction(1), 5)
    emulator.indexes["far"] = Index(DIMENSION, "euclidean")
    with pytest.raises(NotConfigured, match="euclidean"):
        await PineconeVectorStore("key", "far", "model", DIMENSION).count(ANN)


async def test_what_a_killed_process_left_is_never_found(
    emulator: PineconeEmulator, store: PineconeVectorStore, make_document: MakeDocument
) -> None:
    await store.replace(ANN, make_document("d"), several(["text"], direction(1)))
    killed = asyncio.create_task(store.replace(ANN, make_document("e"), several(["half"] * 150, direction(1))))
    emulator.faults += [("upsert", "hang")]
    await asyncio.sleep(0.1)
    metadata: dict[str, object] = {"document": "e", "generation": "x", "words": ["half"], "often": "1", "length": 1}
    left = [{"id": f"e#x#{i}", "values": direction(1).tolist(), "metadata": metadata} for i in range(120)]
    emulator.indexes[NAME].put("ann", left)
    killed.cancel()
    emulator.released.set()
    assert await found(store) == ["text"]
    assert await store.document_ids(ANN) == ["d"]
