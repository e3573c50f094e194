"""As many connections to PostgreSQL as RAGSQL_POSTGRES_CONNECTIONS says, to each of the three, and no more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from service.adapters.databases.postgres import PostgresDatabase
from service.adapters.records.sql import SqlRecordStore
from service.adapters.vectors.pgvector import PgVectorStore
from service.domain.caller import Caller
from service.domain.documents import Document
from service.errors import Overloaded
from tests.contract.chunks import DIMENSION, direction, several, texts_of
from tests.contract.postgres_calls import one, told
from tests.postgres_process import USER, PostgresProcess

pytestmark = pytest.mark.anyio
MakeDocument = Callable[..., Document]


@pytest.fixture
def server(running_postgres: PostgresProcess) -> PostgresProcess:
    return running_postgres


async def test_a_server_of_few_connections_is_enough_for_all_three(
    server: PostgresProcess, caller: Caller, make_document: MakeDocument
) -> None:
    """Many callers at once, and no more connections than the setting says for each, however long they are kept."""
    with_vectors(server)
    server.run(f"ALTER ROLE {USER} CONNECTION LIMIT 6")
    try:
        store, database = SqlRecordStore(server.url(), connections=2), PostgresDatabase(server.url(), connections=2)
        vectors = PgVectorStore(server.url(), "m", DIMENSION, connections=2)
        for round in range(2):
            changes = (
                vectors.replace(caller, make_document(f"{round}-{i}"), several(["word"], direction(1)))
                for i in range(3)
            )
            await asyncio.gather(
                *changes,
                *(vectors.search(caller, "word", direction(1), 5) for _ in range(6)),
                *(store.count_documents(caller) for _ in range(6)),
                *(one(database, caller) for _ in range(6)),
            )
        assert await vectors.count(caller) == 6
    finally:
        server.run(f"ALTER ROLE {USER} CONNECTION LIMIT -1")
    for backend in (store, database, vectors):
        backend.close()


async def test_searches_go_on_while_passages_change_and_say_when_no_connection_is_left(
    server: PostgresProcess, caller: Caller, make_document: MakeDocument
) -> None:
    with_vectors(server)
    two, one_only = (PgVectorStore(server.url(), "m", DIMENSION, connections=count) for count in (2, 1))
    await two.replace(caller, make_document("d"), several(["word"], direction(1)))
    assert await one_only.count(caller) == 1
    with psycopg.connect(server.own_url) as other:
        other.execute("SELECT 1 FROM ragsql.passage_tenants FOR UPDATE")
        changes = [
            asyncio.create_task(store.replace(caller, make_document(f"{store is two} {i}"), []))
            for store in (two, one_only)
            for i in range(3)
        ]
        while not waiting(other, 2):
            await asyncio.sleep(0.05)
        assert texts_of(await two.search(caller, "word", direction(1), 5)) == ["word"]
        await told(one_only.search(caller, "word", direction(1), 5), Overloaded, "RAGSQL_POSTGRES_CONNECTIONS")
        other.rollback()
    await asyncio.gather(*changes)
    assert texts_of(await one_only.search(caller, "word", direction(1), 5)) == ["word"]
    for store in (two, one_only):
        store.close()


def with_vectors(server: PostgresProcess) -> None:
    with psycopg.connect(server.own_url) as owner:
        owner.execute("CREATE EXTENSION IF NOT EXISTS vector")


def waiting(connection: psycopg.Connection[Any], count: int) -> bool:
    """Whether so many sessions wait for a lock."""
    found: Any = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchone()
    return found[0] >= count
