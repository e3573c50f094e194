"""A PostgreSQL server of passages that is down, stands still or cuts: nothing half-written, no restart needed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from signal import SIGCONT
from typing import Any

import psycopg
import pytest

from service.adapters.vectors import pgvector_server
from service.adapters.vectors.pgvector import PgVectorStore
from service.domain.caller import Caller
from service.domain.documents import Document
from service.errors import UpstreamUnavailable
from tests.contract.chunks import DIMENSION, direction, several, texts_of
from tests.contract.postgres_calls import told
from tests.postgres_process import PostgresProcess

pytestmark = pytest.mark.anyio
MakeDocument = Callable[..., Document]


@pytest.fixture
def server(running_postgres: PostgresProcess) -> PostgresProcess:
    with psycopg.connect(running_postgres.own_url) as owner:
        owner.execute("CREATE EXTENSION IF NOT EXISTS vector")
    return running_postgres


@pytest.fixture
def store(server: PostgresProcess) -> Iterator[PgVectorStore]:
    store = PgVectorStore(server.url(), "m", DIMENSION)
    yield store
    store.close()


async def found(store: PgVectorStore, caller: Caller) -> list[str]:
    return sorted(texts_of(await store.search(caller, "word", direction(1), 50)))


@asynccontextmanager
async def held_up(server: PostgresProcess, caller: Caller) -> AsyncGenerator[Callable[[], Any]]:
    """Changes of a tenant wait in the middle. Gives what cuts the connection of the one that waits first."""
    with psycopg.connect(server.own_url) as holder, psycopg.connect(server.own_url, autocommit=True) as other:
        holder.execute("SELECT 1 FROM ragsql.passage_tenants WHERE name = %s FOR UPDATE", (caller.tenant,))

        async def cut() -> None:
            ended = 0
            while not ended:
                done: Any = other.execute(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                    "WHERE application_name = 'ragsql' AND wait_event_type = 'Lock'"
                ).fetchone()
                ended = done[0]
                await asyncio.sleep(0.05)

        yield cut


@asynccontextmanager
async def replacing(
    server: PostgresProcess, store: PgVectorStore, caller: Caller, make_document: MakeDocument
) -> AsyncGenerator[tuple[asyncio.Task[None], Callable[[], Any]]]:
    """The change of a document for another that is held up, and what cuts its connection."""
    await store.replace(caller, make_document("old"), several(["word old"], direction(1)))
    async with held_up(server, caller) as cut:
        new = several(["word new"], direction(1))
        yield asyncio.create_task(store.replace(caller, make_document("new"), new, ["old"])), cut


async def test_a_change_that_is_cut_in_the_middle_is_made_once(
    server: PostgresProcess, store: PgVectorStore, caller: Caller, make_document: MakeDocument
) -> None:
    async with replacing(server, store, caller, make_document) as (change, cut):
        await cut()
        assert await found(store, caller) == ["word old"]
    await change
    assert (await found(store, caller), await store.count(caller)) == (["word new"], 1)


async def test_a_change_that_is_cut_twice_is_not_made_and_may_be_repeated(
    server: PostgresProcess, store: PgVectorStore, caller: Caller, make_document: MakeDocument
) -> None:
    async with replacing(server, store, caller, make_document) as (change, cut):
        await cut()
        await cut()
        await told(change, UpstreamUnavailable, "RAGSQL_VECTORS_URL")
    assert (await found(store, caller), await store.document_ids(caller)) == (["word old"], ["old"])
    await store.replace(caller, make_document("new"), several(["word new"], direction(1)), ["old"])
    assert (await found(store, caller), await store.count(caller)) == (["word new"], 1)


async def test_searches_that_are_given_up_stop_in_the_server_and_do_it_no_harm(
    server: PostgresProcess, store: PgVectorStore, caller: Caller, make_document: MakeDocument
) -> None:
    await store.replace(caller, make_document("d"), several(["word"], direction(1)))
    log = server.folder / "log"
    logged = log.stat().st_size
    with psycopg.connect(server.own_url) as other:
        other.execute("LOCK TABLE ragsql.passages IN ACCESS EXCLUSIVE MODE")
        for times in range(1, 5):
            searching = asyncio.create_task(found(store, caller))
            async with asyncio.timeout(60):
                while not server.runs("%WITH tenant%"):
                    await asyncio.sleep(0.05)
                searching.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await searching
                while log.read_text()[logged:].count("due to user request") < times or server.runs("%WITH tenant%"):
                    await asyncio.sleep(0.05)
    assert "statement timeout" not in log.read_text()[logged:]
    assert await found(store, caller) == ["word"]


async def test_a_server_that_is_down_at_the_start_is_used_when_it_is_there(
    server: PostgresProcess, store: PgVectorStore, caller: Caller
) -> None:
    server.stop()
    await told(store.count(caller), UpstreamUnavailable, "RAGSQL_VECTORS_URL")
    server.start()
    assert await store.count(caller) == 0


async def test_a_server_that_stands_still_keeps_no_search_for_long(
    server: PostgresProcess, caller: Caller, make_document: MakeDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long before the statements of an ingest would be given up."""
    store = PgVectorStore(f"{server.url()}?connect_timeout=2", "m", DIMENSION)
    await store.replace(caller, make_document("d"), several(["word"], direction(1)))
    assert await found(store, caller) == ["word"]
    monkeypatch.setattr(pgvector_server, "_READ_SECONDS", 1.0)
    thaw = threading.Timer(120, server.freeze, [SIGCONT])
    thaw.start()
    server.freeze()
    try:
        await told(found(store, caller), UpstreamUnavailable, "RAGSQL_VECTORS_URL")
        await told(found(store, caller), UpstreamUnavailable, "RAGSQL_VECTORS_URL")
        await told(found(store, caller), UpstreamUnavailable, "asked again in a moment")
        assert thaw.is_alive()
    finally:
        server.freeze(SIGCONT)
        thaw.cancel()
    monkeypatch.undo()
    async with asyncio.timeout(60):
        while True:
            try:
                assert await found(store, caller) == ["word"]
                break
            except UpstreamUnavailable:
                await asyncio.sleep(0.2)
    store.close()
