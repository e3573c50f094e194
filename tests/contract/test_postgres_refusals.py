"""Servers that are full or busy, and users who may not: what is said, and that nobody else waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from service.adapters.databases import postgres_sessions
from service.adapters.databases.postgres import PostgresDatabase
from service.adapters.records import postgres_server
from service.adapters.records.sql import SqlRecordStore
from service.domain.caller import Caller
from service.domain.documents import Document
from service.domain.sql import ExecutionLimits, StatementState
from service.errors import NotConfigured, Overloaded, UpstreamUnavailable
from tests.contract.postgres_calls import one, told
from tests.postgres_process import USER, PostgresProcess

pytestmark = pytest.mark.anyio
EXECUTED = (StatementState.PROPOSED, StatementState.EXECUTED)
MakeDocument = Callable[..., Document]


@pytest.fixture
def server(running_postgres: PostgresProcess) -> PostgresProcess:
    return running_postgres


async def test_when_all_connections_are_busy_callers_are_told_and_nobody_else_waits(
    server: PostgresProcess, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_server, "TURN_SECONDS", 2.0)
    monkeypatch.setattr(postgres_sessions, "TURN_SECONDS", 2.0)
    store, database = SqlRecordStore(server.url(), connections=1), PostgresDatabase(server.url(), connections=1)
    await store.count_documents(caller)
    engine = store._engine  # pyright: ignore[reportPrivateUsage]
    limits = ExecutionLimits(timeout_seconds=300)
    sleeping = asyncio.create_task(database.execute(caller, "SELECT pg_sleep(300)", limits))
    async with asyncio.timeout(60):
        while not server.runs("FETCH%"):
            await asyncio.sleep(0.02)
    with engine.begin(write=False):
        refused = asyncio.gather(
            *(told(store.count_documents(caller), Overloaded, "RAGSQL_POSTGRES_CONNECTIONS") for _ in range(200)),
            *(told(one(database, caller), UpstreamUnavailable, "RAGSQL_POSTGRES_CONNECTIONS") for _ in range(200)),
        )
        others = 0
        while not refused.done():
            await asyncio.sleep(0.01)
            others += await asyncio.to_thread(lambda: True)
        await refused
        assert not sleeping.done()
    assert others >= 10, "the event loop and its threads were free meanwhile"
    assert await store.count_documents(caller) == 0
    sleeping.cancel()
    await asyncio.wait((sleeping,))
    await one(database, caller)
    store.close()
    database.close()


async def test_a_server_that_takes_no_more_connections_is_told(server: PostgresProcess, caller: Caller) -> None:
    server.run(f"ALTER ROLE {USER} CONNECTION LIMIT 0")
    try:
        store, database = SqlRecordStore(server.url()), PostgresDatabase(server.url())
        await told(store.count_documents(caller), Overloaded, "RAGSQL_POSTGRES_CONNECTIONS lower")
        await told(one(database, caller), UpstreamUnavailable, "RAGSQL_POSTGRES_CONNECTIONS lower")
    finally:
        server.run(f"ALTER ROLE {USER} CONNECTION LIMIT -1")
    assert await store.count_documents(caller) == 0
    await one(database, caller)
    store.close()
    database.close()


@pytest.mark.parametrize(
    ("user", "name", "says"),
    [
        ("keeper:wrong", "app", "refuses the user or the password"),
        ("keeper", "app", "refuses the user or the password"),
        ("nobody:secret", "app", "refuses the user or the password"),
        ("expired:old", "app", "which may have expired"),
        (None, "absent", "no such database"),
    ],
)
async def test_wrong_credentials_and_names_are_told(
    server: PostgresProcess, caller: Caller, user: str | None, name: str, says: str
) -> None:
    server.run("DROP ROLE IF EXISTS expired", "CREATE ROLE expired LOGIN PASSWORD 'old' VALID UNTIL '2020-01-01'")
    url = server.url(user, name=name) if user else server.url(name=name)
    store, database = SqlRecordStore(url), PostgresDatabase(url)
    await told(store.count_documents(caller), NotConfigured, f"{says}.*RAGSQL_RECORDS_URL")
    await told(one(database, caller), UpstreamUnavailable, f"{says}.*DATABASE_URL")
    assert not await database.is_read_only(caller)


async def test_a_user_who_may_not_make_tables_and_a_database_that_only_reads_are_told(
    server: PostgresProcess, caller: Caller
) -> None:
    server.run("DROP DATABASE IF EXISTS others", "DROP ROLE IF EXISTS guest",
               "CREATE ROLE guest LOGIN PASSWORD 'g'", "CREATE DATABASE others")  # fmt: skip
    await told(SqlRecordStore(server.url("guest:g", name="others")).count_documents(caller), NotConfigured,
               "RAGSQL_RECORDS_URL.*CREATE SCHEMA ragsql")  # fmt: skip
    store = SqlRecordStore(server.url())
    await store.count_documents(caller)
    engine = store._engine  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(NotConfigured, match="can only be read"), engine.begin(write=False) as connection:
        connection.exec_driver_sql("DELETE FROM documents")
    store.close()
