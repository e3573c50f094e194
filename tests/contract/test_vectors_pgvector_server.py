"""What the pgvector store says of servers that are not what they should be, and what it leaves in a session."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from service.adapters import postgres_connection
from service.adapters.vectors.pgvector import PgVectorStore
from service.adapters.vectors.pgvector_search import occurrence_ranks
from service.domain.caller import Caller
from service.domain.documents import Document
from service.domain.health import HealthStatus
from service.errors import NotConfigured, UpstreamUnavailable
from tests.contract.chunks import DIMENSION, direction, several, texts_of

pytestmark = pytest.mark.anyio
MakeDocument = Callable[..., Document]


async def test_another_model_a_newer_version_and_a_wrong_address_are_told(
    postgres_database: str, caller: Caller, make_document: MakeDocument
) -> None:
    store = PgVectorStore(postgres_database, "small", DIMENSION)
    await store.replace(caller, make_document("d"), [])
    store.close()
    for model, dimension in (("large", DIMENSION), ("small", DIMENSION * 2)):
        other = PgVectorStore(postgres_database, model, dimension)
        with pytest.raises(NotConfigured, match=r"RAGSQL_EMBEDDER.*RAGSQL_VECTORS_URL"):
            await other.count(caller)
        assert (await other.check()).status is HealthStatus.NOT_SERVING
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        connection.execute("UPDATE ragsql.passage_index SET value = '99' WHERE key = 'schema_version'")
    with pytest.raises(NotConfigured, match="newer version"):
        await PgVectorStore(postgres_database, "small", DIMENSION).count(caller)
    with pytest.raises(NotConfigured, match="RAGSQL_VECTORS_URL"):
        await PgVectorStore(make_conninfo(postgres_database, dbname="absent"), "small", DIMENSION).count(caller)
    with pytest.raises(UpstreamUnavailable, match="RAGSQL_VECTORS_URL"):
        await PgVectorStore("postgresql://127.0.0.1:1/none", "small", DIMENSION).count(caller)


def enters(conninfo: str) -> bool:
    try:
        psycopg.connect(conninfo).close()
    except psycopg.OperationalError:
        return False
    return True


async def test_a_user_who_may_not_enter_or_make_tables_is_told(postgres_database: str, caller: Caller) -> None:
    refused, guest = f"refused{uuid.uuid4().hex}", f"guest{uuid.uuid4().hex}"
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {refused} LOGIN PASSWORD 'open sesame'".encode())
        connection.execute(f"CREATE ROLE {guest} LOGIN".encode())
        shown: Any = connection.execute("SHOW hba_file").fetchone()
        rules = Path(shown[0])
        asks = f"local all {refused} scram-sha-256\nhost all {refused} all scram-sha-256\n"
        rules.write_text(asks + rules.read_text())
        connection.execute("SELECT pg_reload_conf()")
    async with asyncio.timeout(60):
        while enters(make_conninfo(postgres_database, user=refused)):
            await asyncio.sleep(0.05)
    for user, words in (
        ({"user": refused, "password": "wrong"}, "refuses the user or the password.*RAGSQL_VECTORS_URL"),
        ({"user": refused}, "refuses the user or the password.*RAGSQL_VECTORS_URL"),
        ({"user": f"no{refused}"}, "no such database or user.*RAGSQL_VECTORS_URL"),
        ({"user": guest}, "CREATE EXTENSION vector"),
    ):
        store = PgVectorStore(make_conninfo(postgres_database, **user), "model", DIMENSION)
        with pytest.raises(NotConfigured, match=words) as caught:
            await store.count(caller)
        assert "sesame" not in caught.value.message


async def test_nothing_is_kept_in_a_session(
    postgres_url: str, caller: Caller, make_document: MakeDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a session pooler gives the session to others."""
    opened: list[psycopg.Connection[Any]] = []
    connect = postgres_connection.connect

    def noted(*args: Any, **options: Any) -> Any:
        opened.append(connect(*args, **options))
        return opened[-1]

    monkeypatch.setattr(postgres_connection, "connect", noted)
    store = PgVectorStore(postgres_url, "model", DIMENSION)
    await store.replace(caller, make_document("d"), several(["word"], direction(1)))
    assert texts_of(await store.search(caller, "word", direction(1), 5)) == ["word"]
    (connection,) = opened
    kept: Any = connection.execute(
        "SELECT current_setting('statement_timeout'), current_setting('jit'), current_setting('hnsw.ef_search'), "
        "(SELECT count(*) FROM pg_prepared_statements)"
    ).fetchone()
    assert kept == ("0", "on", "40", 0)
    store.close()


async def test_a_rank_tells_how_often_a_word_occurs(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        told: list[Any] = connection.execute(
            "SELECT times, width_bucket(ts_rank('{1, 1, 1, 1}', words::tsvector, 'a')::float8, %b::float8[]) "
            "FROM (SELECT times, 'a:' || string_agg(place::text, ',') || ' b:1,2,3' AS words "
            "FROM generate_series(1, 255) times, generate_series(1, times) place GROUP BY times)",
            (occurrence_ranks(),),
        ).fetchall()
    assert len(told) == 255
    assert [times for times, found in told if times != found] == []


async def test_processes_may_begin_together(
    postgres_database: str, caller: Caller, make_document: MakeDocument
) -> None:
    stores = [PgVectorStore(postgres_database, "m", DIMENSION) for _ in range(4)]
    await asyncio.gather(
        *(
            store.replace(caller, make_document(str(i)), several(["word"], direction(1)))
            for i, store in enumerate(stores)
        )
    )
    assert await stores[0].count(caller) == 4
    for store in stores:
        store.close()
