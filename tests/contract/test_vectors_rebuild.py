"""Every VectorStore tells what it holds, and changes to another model in one step while the old index serves."""

from __future__ import annotations

import asyncio
import dataclasses
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from service.adapters.vectors.pgvector import PgVectorStore
from service.adapters.vectors.pinecone import PineconeVectorStore
from service.adapters.vectors.sqlite import SqliteVectorStore
from service.domain.documents import Chunk, Document, Span
from service.domain.health import HealthStatus
from service.errors import NotConfigured, UpstreamUnavailable
from service.ports import ChunkStore, EmbeddedChunk, VectorIndex
from tests.contract.chunks import ANN, BOB, DIMENSION, direction, embedded, several, texts_of
from tests.pinecone_emulator import PineconeEmulator
from tests.pinecone_index import Index

pytestmark = pytest.mark.anyio
MakeDocument = Callable[..., Document]
Store = SqliteVectorStore | PgVectorStore | PineconeVectorStore
Open = Callable[[str, int], Store]
SMALL = 8


@pytest.fixture(params=["sqlite", "pgvector", "pinecone"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens the store of this test for a model and a dimension."""
    opened: list[Store] = []
    if request.param == "pinecone":
        emulator: PineconeEmulator = request.getfixturevalue("pinecone_emulator")
        for name, dimension in (("rag-documents", DIMENSION), (f"rag-documents-{SMALL}", SMALL)):
            emulator.indexes[name] = Index(dimension)
            emulator.indexes[name].delay = 0.01
    url: str = request.getfixturevalue("postgres_database") if request.param == "pgvector" else ""

    def make(model: str, dimension: int) -> Store:
        if request.param == "sqlite":
            store = SqliteVectorStore(tmp_path / "vectors.db", model, dimension)
        elif request.param == "pgvector":
            store = PgVectorStore(url, model, dimension)
        else:
            store = PineconeVectorStore("key", "rag-documents", model, dimension, grace_seconds=0.02)
        opened.append(store)
        return store

    yield make
    for store in opened:
        store.close()


def vector(dimension: int, *weights: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    made = np.zeros(dimension, np.float32)
    made[: len(weights)] = weights
    return made / np.float32(np.linalg.norm(made))


async def copy(serving: ChunkStore, following: ChunkStore, document: Document, dimension: int) -> None:
    """As if another model had embedded the chunks of a document."""
    stored = await serving.read(ANN, document.id)
    assert stored is not None
    chunks = [dataclasses.replace(one, vector=vector(dimension, 0, 1)) for one in stored.chunks]
    await following.replace(ANN, document, chunks)


async def test_what_was_stored_can_be_read(open_store: Open, make_document: MakeDocument) -> None:
    store = open_store("model", DIMENSION)
    chunk = Chunk(3, "Größe “x” \ud800", Span(10, 21), ("Handbook",), units=(Span(0, 5),))
    chunks = [EmbeddedChunk(chunk, direction(1, 2, 3)), *several([f"text {i}" for i in range(130)], direction(0, 1))]
    chunks.append(embedded("long " * 9_000, direction(1)))
    await store.replace(ANN, make_document("d", filename="Größe.pdf"), chunks)
    stored = await store.read(ANN, "d")
    assert stored is not None
    assert stored.filename == "Größe.pdf"
    assert [one.chunk for one in stored.chunks] == [one.chunk for one in chunks]
    for one, other in zip(stored.chunks, chunks, strict=True):
        np.testing.assert_allclose(one.vector, other.vector, atol=1e-7)
    assert await store.read(BOB, "d") is None
    assert await store.read(ANN, "e") is None


@pytest.mark.parametrize("dimension", [DIMENSION, SMALL])
async def test_the_old_index_serves_until_the_switch(
    open_store: Open, make_document: MakeDocument, dimension: int
) -> None:
    old = open_store("small", DIMENSION)
    for name in ("a", "b"):
        await old.replace(ANN, make_document(name), several([f"text {name}", "more"], direction(1)))
    await old.replace(BOB, make_document("c"), several(["text c"], direction(1)))
    new = open_store("large", dimension)
    with pytest.raises(NotConfigured, match="ragsql reindex"):
        await new.count(ANN)
    assert (await new.check()).status is HealthStatus.NOT_SERVING

    rebuild = await new.rebuild()
    assert (rebuild.model, rebuild.dimension, rebuild.needed) == ("small", DIMENSION, True)
    await copy(rebuild.serving, rebuild.next, make_document("a"), dimension)
    assert (await old.count(ANN), await rebuild.next.document_ids(ANN)) == (4, ["a"])
    await asyncio.to_thread(rebuild.close)

    rebuild = await new.rebuild()  # as after a kill
    assert await rebuild.next.document_ids(ANN) == ["a"]
    await copy(rebuild.serving, rebuild.next, make_document("b"), dimension)
    await rebuild.next.replace(BOB, make_document("c"), several(["text c"], vector(dimension, 0, 1)))
    epochs = {caller.tenant: await rebuild.serving.epoch(caller) for caller in (ANN, BOB)}
    await old.delete(ANN, "b")
    assert not await rebuild.switch(epochs)
    assert await old.document_ids(ANN) == ["a"]
    await old.replace(ANN, make_document("d"), several(["text d"], direction(1)))  # changes are let in again

    await rebuild.next.delete(ANN, "b")
    await copy(rebuild.serving, rebuild.next, make_document("d"), dimension)
    epochs = {caller.tenant: await rebuild.serving.epoch(caller) for caller in (ANN, BOB)}
    before = await old.epoch(ANN)
    assert await rebuild.switch(epochs)
    for refused in (
        old.count(ANN),
        old.search(ANN, "text", direction(1), 5),
        old.replace(ANN, make_document("e"), several(["late"], direction(1))),
        old.delete(ANN, "a"),
        old.read(ANN, "a"),
    ):
        with pytest.raises((NotConfigured, UpstreamUnavailable), match=r"ragsql reindex|embedding model"):
            await refused
    await rebuild.tidy()
    await asyncio.to_thread(rebuild.close)
    assert sorted(await new.document_ids(ANN)) == ["a", "d"]
    found = await new.search(ANN, "text", vector(dimension, 0, 1), 10)
    assert sorted(texts_of(found)) == ["more", "text a", "text d"]
    assert all(passage.dense_score == pytest.approx(1, abs=1e-5) for passage in found)
    assert await new.document_ids(BOB) == ["c"]
    assert await new.epoch(ANN) != before

    await new.replace(ANN, make_document("f"), several(["text f"], vector(dimension, 0, 1)))
    rebuild = await new.rebuild()
    assert not rebuild.needed
    await rebuild.tidy()
    await asyncio.to_thread(rebuild.close)
    assert await new.count(ANN) == 4


async def test_changing_back_and_forth_leaves_no_trace(open_store: Open, make_document: MakeDocument) -> None:
    stores = {"small": open_store("small", DIMENSION), "large": open_store("large", SMALL)}
    await stores["small"].replace(ANN, make_document("a"), several(["text"], direction(1)))
    for model, dimension in (("large", SMALL), ("small", DIMENSION), ("large", SMALL)):
        store = open_store(model, dimension)
        rebuild = await store.rebuild()
        await copy(rebuild.serving, rebuild.next, make_document("a"), dimension)
        assert await rebuild.switch({"ann": await rebuild.serving.epoch(ANN)})
        await rebuild.tidy()
        await asyncio.to_thread(rebuild.close)
        assert texts_of(await store.search(ANN, "text", vector(dimension, 1), 5)) == ["text"]
    with pytest.raises((NotConfigured, UpstreamUnavailable)):
        await stores["small"].count(ANN)


async def test_what_a_rebuild_for_a_third_model_left_is_not_mixed_in(
    open_store: Open, make_document: MakeDocument
) -> None:
    old = open_store("small", DIMENSION)
    await old.replace(ANN, make_document("a"), several(["text"], direction(1)))
    given_up = await open_store("medium", DIMENSION).rebuild()
    await copy(given_up.serving, given_up.next, make_document("a"), DIMENSION)
    await asyncio.to_thread(given_up.close)
    new = open_store("large", DIMENSION)
    rebuild = await new.rebuild()
    assert await rebuild.next.document_ids(ANN) == []
    await copy(rebuild.serving, rebuild.next, make_document("a"), DIMENSION)
    assert await rebuild.switch({"ann": await rebuild.serving.epoch(ANN)})
    await rebuild.tidy()
    await asyncio.to_thread(rebuild.close)
    assert await new.count(ANN) == 1


async def test_searches_go_on_during_a_switch(open_store: Open, make_document: MakeDocument) -> None:
    """Each finds the document, or is told that the model has changed."""
    old: VectorIndex = open_store("small", DIMENSION)
    await old.replace(ANN, make_document("a"), several(["text"], direction(1)))
    rebuild = await open_store("large", DIMENSION).rebuild()
    await copy(rebuild.serving, rebuild.next, make_document("a"), DIMENSION)
    outcomes: list[str] = []

    async def search() -> None:
        while "refused" not in outcomes:
            try:
                outcomes.append(str(texts_of(await old.search(ANN, "text", direction(1), 5))))
            except (NotConfigured, UpstreamUnavailable):
                outcomes.append("refused")

    async def switch() -> None:
        while not outcomes:
            await asyncio.sleep(0.02)
        assert await rebuild.switch({"ann": await rebuild.serving.epoch(ANN)})
        await rebuild.tidy()

    await asyncio.wait_for(asyncio.gather(search(), search(), switch()), 120)
    await asyncio.to_thread(rebuild.close)
    assert set(outcomes) == {"['text']", "refused"}


async def test_a_user_who_may_not_make_schemas_can_rebuild(postgres_database: str, make_document: MakeDocument) -> None:
    user = f"app{uuid.uuid4().hex}"
    with psycopg.connect(postgres_database, autocommit=True) as owner:
        for statement in (
            "CREATE EXTENSION vector",
            f"CREATE ROLE {user} LOGIN",
            "CREATE SCHEMA ragsql",
            "CREATE SCHEMA ragsql_next",
            f"GRANT ALL ON SCHEMA ragsql, ragsql_next TO {user}",
        ):
            owner.execute(statement.encode())
    url = make_conninfo(postgres_database, user=user)
    old, new = PgVectorStore(url, "small", DIMENSION), PgVectorStore(url, "large", SMALL)
    await old.replace(ANN, make_document("a"), several(["text"], direction(1)))
    rebuild = await new.rebuild()
    await copy(rebuild.serving, rebuild.next, make_document("a"), SMALL)
    assert await rebuild.switch({"ann": await rebuild.serving.epoch(ANN)})
    await rebuild.tidy()
    assert await new.document_ids(ANN) == ["a"]
    for one in (rebuild, old, new):
        one.close()
    with psycopg.connect(postgres_database, autocommit=True) as owner:
        owner.execute(f"DROP OWNED BY {user}".encode())
        owner.execute(f"DROP ROLE {user}".encode())
