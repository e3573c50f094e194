"""Servers that stop, freeze, refuse and cut: typed errors, nothing half-written, recovery without a restart."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from signal import SIGCONT

import pytest

from service.adapters.databases import postgres_sessions
from service.adapters.databases.postgres import PostgresDatabase
from service.adapters.records import documents, postgres_server
from service.adapters.records.sql import SqlRecordStore
from service.domain.audit import AuditAction
from service.domain.caller import Caller
from service.domain.documents import Document
from service.domain.health import HealthStatus
from service.domain.sql import ExecutionLimits, StatementState
from service.errors import SqlExecutionFailed, UpstreamUnavailable
from tests.contract.postgres_calls import LIMITS, one, told
from tests.contract.records import all_ids, event, statement
from tests.pgbouncer import LOGIN_RETRY_SECONDS, pgbouncer
from tests.postgres_process import PostgresProcess

pytestmark = pytest.mark.anyio
EXECUTED = (StatementState.PROPOSED, StatementState.EXECUTED)
MakeDocument = Callable[..., Document]


@dataclass(frozen=True, slots=True)
class Way:
    """How a server is reached, and how long a pooler before it does not look whether it is back."""

    server: PostgresProcess
    url: str
    blind_seconds: float = 0.0


@pytest.fixture
def server(running_postgres: PostgresProcess) -> PostgresProcess:
    return running_postgres


@pytest.fixture(params=["directly", "session", "transaction"])
def way(request: pytest.FixtureRequest, server: PostgresProcess, tmp_path: Path) -> Iterator[Way]:
    if request.param == "directly":
        yield Way(server, server.url())
        return
    with pgbouncer(server.own_url, tmp_path, request.param, wait=2) as url:
        yield Way(server, f"{url}app", LOGIN_RETRY_SECONDS)


@pytest.fixture
def store(way: Way) -> Iterator[SqlRecordStore]:
    store = SqlRecordStore(way.url)
    yield store
    store.close()


@pytest.fixture
def database(way: Way) -> Iterator[PostgresDatabase]:
    database = PostgresDatabase(way.url)
    yield database
    database.close()


async def test_a_server_that_stops_is_used_by_the_next_call_after_it_is_back(
    way: Way, store: SqlRecordStore, database: PostgresDatabase, caller: Caller, make_document: MakeDocument
) -> None:
    await store.save_document(caller, make_document("kept"))
    await one(database, caller)
    way.server.stop()
    for _ in range(2):
        await told(store.save_document(caller, make_document("lost")), UpstreamUnavailable, "RAGSQL_RECORDS_URL")
        await told(one(database, caller), UpstreamUnavailable, "DATABASE_URL")
    for part in (store, database):
        assert (await part.check()).status is HealthStatus.NOT_SERVING
    way.server.start()
    await asyncio.sleep(way.blind_seconds)
    await store.save_document(caller, make_document("later"))
    await one(database, caller)
    assert sorted(await all_ids(store, caller)) == ["kept", "later"]


async def test_a_server_that_is_down_at_the_start_is_used_when_it_is_there(
    server: PostgresProcess, caller: Caller
) -> None:
    server.stop()
    store, database = SqlRecordStore(server.url()), PostgresDatabase(server.url())
    await told(store.count_documents(caller), UpstreamUnavailable, "RAGSQL_RECORDS_URL")
    await told(database.schema(caller), UpstreamUnavailable, "DATABASE_URL")
    server.start()
    assert await store.count_documents(caller) == 0
    assert (await database.schema(caller)).tables == ()
    store.close()
    database.close()


async def test_sessions_that_were_cut_while_nobody_used_them_are_replaced(
    way: Way, store: SqlRecordStore, database: PostgresDatabase, caller: Caller, make_document: MakeDocument
) -> None:
    await asyncio.gather(*(store.count_documents(caller) for _ in range(8)), *(one(database, caller) for _ in range(8)))
    for i in range(3):
        way.server.cut()
        await store.save_document(caller, make_document(str(i)))
        await one(database, caller)
    assert await store.count_documents(caller) == 3


async def test_a_transaction_that_is_cut_leaves_nothing_and_may_be_repeated(
    way: Way, store: SqlRecordStore, caller: Caller, make_document: MakeDocument
) -> None:
    await store.save_document(caller, make_document("old"))
    engine = store._engine  # pyright: ignore[reportPrivateUsage]

    def replace_and_be_cut() -> None:
        with engine.begin(write=True) as connection:
            documents.save(connection, caller, make_document("new"), ["old"])
            way.server.cut("INSERT INTO documents%")
            documents.count(connection, caller)

    with pytest.raises(UpstreamUnavailable, match="RAGSQL_RECORDS_URL"):
        replace_and_be_cut()
    assert await all_ids(store, caller) == ["old"]
    await store.save_document(caller, make_document("new"), ["old"])
    assert await all_ids(store, caller) == ["new"]


async def test_a_move_that_is_cut_is_not_made_and_its_repetition_is_made_once(
    way: Way, store: SqlRecordStore, caller: Caller
) -> None:
    await store.save_statement(caller, statement("s"), event("s"))
    engine = store._engine  # pyright: ignore[reportPrivateUsage]
    with engine.begin(write=True) as connection:
        connection.exec_driver_sql(f"SELECT 1 FROM statements WHERE tenant = '{caller.tenant}' FOR UPDATE")
        moving = asyncio.create_task(store.move_statement(caller, "s", *EXECUTED, event("s")))
        await asyncio.to_thread(way.server.cut, "UPDATE statements%")
        await told(moving, UpstreamUnavailable, "RAGSQL_RECORDS_URL")
    assert (await store.get_statement(caller, "s")).state is StatementState.PROPOSED
    run = event("s", minutes=1, action=AuditAction.EXECUTED)
    assert await store.move_statement(caller, "s", *EXECUTED, run)
    assert not await store.move_statement(caller, "s", *EXECUTED, run)
    assert len((await store.list_events(caller, 9, "")).items) == 2


async def test_a_statement_that_is_cut_is_unreached_and_the_next_one_runs(
    way: Way, database: PostgresDatabase, caller: Caller
) -> None:
    running = asyncio.create_task(
        database.execute(caller, "SELECT pg_sleep(300)", ExecutionLimits(timeout_seconds=300))
    )
    await asyncio.to_thread(way.server.cut, "FETCH%")
    await told(running, UpstreamUnavailable, "DATABASE_URL")
    await one(database, caller)


async def test_instances_that_write_the_same_at_once_lose_and_double_nothing(
    way: Way, caller: Caller, make_document: MakeDocument
) -> None:
    stores = [SqlRecordStore(way.url, connections=2) for _ in range(3)]
    for i in range(6):
        await stores[0].save_statement(caller, statement(str(i)), event(str(i)))
    moves = (store.move_statement(caller, str(i), *EXECUTED, event(str(i))) for i in range(6) for store in stores * 2)
    assert sum(await asyncio.gather(*moves)) == 6
    names = [str(i) for i in range(10)]
    await asyncio.gather(*(s.save_document(caller, make_document(f"d{n}"), names) for s in stores for n in names))
    assert len(await all_ids(stores[0], caller)) == 10
    for store in stores:
        store.close()


async def test_a_server_that_stands_still_keeps_nobody_for_long(
    server: PostgresProcess, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when it swaps, or a firewall drops what is sent."""
    monkeypatch.setattr("service.adapters.records.engine._RETRY_SECONDS", 60.0)
    monkeypatch.setattr(postgres_server, "_LONGER_SECONDS", 0.0)
    monkeypatch.setattr(postgres_sessions, "_LONGER_SECONDS", 0.5)
    url = f"{server.url()}?connect_timeout=2"
    store, database = SqlRecordStore(url, seconds=1), PostgresDatabase(url)
    await store.count_documents(caller)
    await one(database, caller)
    soon = ExecutionLimits(timeout_seconds=0.5)
    thaw = threading.Timer(240, server.freeze, [SIGCONT])
    thaw.start()
    server.freeze()
    try:
        started = time.monotonic()
        await told(store.count_documents(caller), UpstreamUnavailable, "RAGSQL_RECORDS_URL")
        await told(database.execute(caller, "SELECT 1", soon), UpstreamUnavailable, "DATABASE_URL")
        assert time.monotonic() - started < 120
        await told(store.count_documents(caller), UpstreamUnavailable, "RAGSQL_RECORDS_URL")
        await told(store.count_documents(caller), UpstreamUnavailable, "asked again in a moment")
    finally:
        server.freeze(SIGCONT)
        thaw.cancel()
    await one(database, caller)
    monkeypatch.setattr(store._engine._circuit, "_next_try", 0.0)  # pyright: ignore[reportPrivateUsage]
    assert await store.count_documents(caller) == 0
    store.close()
    database.close()


async def test_what_the_database_says_of_a_statement_is_not_taken_for_a_fault(
    database: PostgresDatabase, caller: Caller
) -> None:
    for words in ("SELECT 1 / 0", "SELECT 'x'::int", "SELECT * FROM nothing"):
        with pytest.raises(SqlExecutionFailed):
            await database.execute(caller, words, LIMITS)
    await one(database, caller)
