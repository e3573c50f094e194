"""What only a PostgreSQL server can show: locks, cancellation, migrations, types, and poolers between."""

from __future__ import annotations

import asyncio
import datetime as dt
import decimal
import socket
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from service.adapters.databases.postgres import PostgresDatabase
from service.domain.caller import DEFAULT_CALLER
from service.domain.sql import ExecutionLimits
from service.domain.tables import ColumnType
from service.errors import SqlExecutionFailed, SqlTimeout, UpstreamUnavailable
from tests.pgbouncer import pgbouncer

pytestmark = pytest.mark.anyio
LIMITS = ExecutionLimits()


@pytest.fixture
def name(postgres_url: str) -> Iterator[str]:
    """A fresh database's name."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE market")
    yield "market"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE market WITH (FORCE)")


@pytest.fixture
def url(postgres_url: str, name: str) -> str:
    url = postgres_url.replace("/postgres?", f"/{name}?")
    _run(url, "CREATE TABLE goods (id int PRIMARY KEY, kind text, note text); COMMENT ON TABLE goods IS 'What is sold'",
         "INSERT INTO goods VALUES (1, 'fruit', 'n1'), (2, 'bread', 'n2')")  # fmt: skip
    return url


@pytest.fixture
def database(url: str) -> Iterator[PostgresDatabase]:
    database = PostgresDatabase(url)
    yield database
    database.close()


def _run(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


async def test_a_migration_is_seen_within_a_second_and_new_rows_are_none(database: PostgresDatabase, url: str) -> None:
    before = await database.schema(DEFAULT_CALLER)
    _run(url, "INSERT INTO goods VALUES (3, 'cheese', 'n3')")
    await asyncio.sleep(1.1)
    assert await database.schema(DEFAULT_CALLER) is before
    for change in (
        "ALTER TABLE goods ADD price numeric", "COMMENT ON COLUMN goods.price IS 'In euros'",
        "ALTER TABLE goods RENAME kind TO sort", "CREATE VIEW dear AS SELECT * FROM goods", "DROP VIEW dear",
    ):  # fmt: skip
        _run(url, change)
        await asyncio.sleep(1.1)
        after = await database.schema(DEFAULT_CALLER)
        assert after.epoch != before.epoch, change
        before = after
    assert {c.name: c.comment for c in before.tables[0].columns}["price"] == "In euros"
    assert before.tables[0].comment == "What is sold"


async def test_a_fresh_schema_is_never_one_of_a_moment_ago(
    database: PostgresDatabase, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database._known, "_check_seconds", 60.0)  # pyright: ignore[reportPrivateUsage]
    before = await database.schema(DEFAULT_CALLER)
    _run(url, "ALTER TABLE goods ADD size int")
    assert await database.schema(DEFAULT_CALLER) is before
    assert (await database.schema(DEFAULT_CALLER, fresh=True)).epoch != before.epoch


async def test_what_a_view_selects_and_who_sees_which_rows_belong_to_the_schema(
    database: PostgresDatabase, url: str
) -> None:
    _run(url, "CREATE VIEW inner_goods AS SELECT * FROM goods", "CREATE VIEW shown AS SELECT id FROM inner_goods")
    epochs = {(await database.schema(DEFAULT_CALLER, fresh=True)).epoch}
    changes = (
        "CREATE OR REPLACE VIEW shown AS SELECT id FROM inner_goods WHERE id > 1",
        "CREATE OR REPLACE VIEW inner_goods AS SELECT * FROM goods WHERE id < 9",
        "ALTER TABLE goods ENABLE ROW LEVEL SECURITY", "CREATE POLICY fruit ON goods USING (kind = 'fruit')",
        "ALTER POLICY fruit ON goods USING (kind = 'bread')", "ALTER TABLE goods FORCE ROW LEVEL SECURITY",
        "DROP POLICY fruit ON goods",
    )  # fmt: skip
    for change in changes:
        _run(url, change)
        epochs.add((await database.schema(DEFAULT_CALLER, fresh=True)).epoch)
    assert len(epochs) == 1 + len(changes)
    _run(url, "INSERT INTO goods VALUES (3, 'cheese', 'n3')", "VACUUM FREEZE", "ANALYZE")
    assert (await database.schema(DEFAULT_CALLER, fresh=True)).epoch in epochs


async def test_a_statement_over_what_is_gone_is_a_typed_error(database: PostgresDatabase, url: str) -> None:
    _run(url, "ALTER TABLE goods DROP COLUMN note")
    with pytest.raises(SqlExecutionFailed, match="note"):
        await database.execute(DEFAULT_CALLER, "SELECT note FROM goods", LIMITS)


async def test_a_locked_table_is_told_and_others_are_read(database: PostgresDatabase, url: str) -> None:
    _run(url, "CREATE TABLE free (word text)", "INSERT INTO free VALUES ('open')")
    with psycopg.connect(url) as other:
        other.execute("LOCK TABLE goods IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(UpstreamUnavailable, match="locked"):
            await database.execute(DEFAULT_CALLER, "SELECT id FROM goods", LIMITS)
        assert (await database.execute(DEFAULT_CALLER, "SELECT word FROM free", LIMITS)).rows == (("open",),)
    assert (await database.execute(DEFAULT_CALLER, "SELECT COUNT(*) FROM goods", LIMITS)).rows == ((2,),)


async def test_a_cancelled_request_stops_its_statement_in_the_server(database: PostgresDatabase, url: str) -> None:
    running = asyncio.create_task(
        database.execute(DEFAULT_CALLER, "SELECT pg_sleep(300)", ExecutionLimits(timeout_seconds=300))
    )
    query = (
        "SELECT COUNT(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'FETCH%' AND datname = 'market'"
    )
    with psycopg.connect(url, autocommit=True) as watch:
        async with asyncio.timeout(60):
            while watch.execute(query.encode()).fetchone() != (1,):
                await asyncio.sleep(0.05)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        async with asyncio.timeout(60):
            while watch.execute(query.encode()).fetchone() != (0,):
                await asyncio.sleep(0.05)
    assert (await database.execute(DEFAULT_CALLER, "SELECT 1", LIMITS)).rows == ((1,),)


async def test_a_server_that_is_gone_is_unavailable_and_nothing_is_proven() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    database = PostgresDatabase(f"postgresql://u@127.0.0.1:{port}/x")
    with pytest.raises(UpstreamUnavailable):
        await database.execute(DEFAULT_CALLER, "SELECT 1", LIMITS)
    assert not await database.is_read_only(DEFAULT_CALLER)
    database.close()


async def test_rights_given_later_are_seen_by_the_next_proof(url: str, name: str) -> None:
    _run(url, "CREATE ROLE clerk LOGIN", "GRANT SELECT ON goods TO clerk")
    database = PostgresDatabase(url.replace("//postgres:@", "//clerk:@"))
    try:
        assert await database.is_read_only(DEFAULT_CALLER)
        for right in ("UPDATE (note) ON goods", "CREATE ON SCHEMA public", "CREATE ON DATABASE market"):
            _run(url, f"GRANT {right} TO clerk")
            assert not await database.is_read_only(DEFAULT_CALLER), right
            _run(url, f"REVOKE {right} FROM clerk")
            assert await database.is_read_only(DEFAULT_CALLER), right
    finally:
        database.close()
        _run(url, "DROP OWNED BY clerk", "DROP ROLE clerk")


async def test_the_printed_grants_make_a_role_that_only_reads(database: PostgresDatabase, url: str) -> None:
    _run(url, "CREATE SCHEMA stock", "CREATE TABLE stock.boxes (id serial PRIMARY KEY)",
         "GRANT ALL ON stock.boxes TO PUBLIC", "GRANT CREATE ON SCHEMA public TO PUBLIC",
         "GRANT ALL ON SEQUENCE stock.boxes_id_seq TO PUBLIC")  # fmt: skip
    access = await database.access(DEFAULT_CALLER)
    assert access.problems == ("The role postgres is SUPERUSER, CREATEROLE, CREATEDB, REPLICATION, BYPASSRLS.",)
    _run(url, *access.remedy, "CREATE TABLE later (id int)")
    reader = PostgresDatabase(url.replace("//postgres:@", "//ragsql_reader:@"))
    try:
        assert (await reader.access(DEFAULT_CALLER)).problems == ()
        assert await reader.is_read_only(DEFAULT_CALLER)
        assert {t.name for t in (await reader.schema(DEFAULT_CALLER)).tables} == {"goods", "later", "stock.boxes"}
        again = await database.access(DEFAULT_CALLER)
        assert any("ragsql_reader_2" in statement for statement in again.remedy)
    finally:
        reader.close()
        _run(url, "DROP OWNED BY ragsql_reader", "DROP ROLE ragsql_reader")


async def test_owners_and_members_are_told(url: str) -> None:
    _run(url, "CREATE ROLE keeper LOGIN", "GRANT pg_write_server_files TO keeper", "ALTER TABLE goods OWNER TO keeper",
         "REVOKE ALL ON goods FROM keeper")  # fmt: skip
    database = PostgresDatabase(url.replace("//postgres:@", "//keeper:@"))
    try:
        told = " ".join((await database.access(DEFAULT_CALLER)).problems)
        assert "member of pg_write_server_files" in told
        assert "owns public.goods" in told
        assert not await database.is_read_only(DEFAULT_CALLER)
    finally:
        database.close()
        _run(url, "DROP OWNED BY keeper", "DROP ROLE keeper")


async def test_every_type_has_a_cell_and_repeated_names_survive(database: PostgresDatabase) -> None:
    table = await database.execute(
        DEFAULT_CALLER,
        "SELECT 9223372036854775807 AS a, 12345678901234567890.12::numeric AS a, DATE '2024-02-29', "
        "TIMESTAMPTZ '2024-01-02 03:04:05+02', '\\x00ff'::bytea, '{\"k\": [1]}'::jsonb, NULL::int, "
        "ARRAY[1, NULL, 2], '6f9619ff-8b86-d011-b42d-00c04fc964ff'::uuid, INTERVAL '1 month 2 days', TIME '01:02', "
        "true, 0.5::float8, 'NaN'::numeric, 'infinity'::float8, ''::text",
        LIMITS,
    )
    assert [column.name for column in table.columns[:2]] == ["a", "a"]
    assert [column.type for column in table.columns[:7]] == [
        ColumnType.INT64, ColumnType.DECIMAL, ColumnType.DATE, ColumnType.TIMESTAMP, ColumnType.BYTES, ColumnType.JSON,
        ColumnType.INT64,
    ]  # fmt: skip
    row = table.rows[0]
    assert row[:2] == (9223372036854775807, decimal.Decimal("12345678901234567890.12"))
    assert row[2] == dt.date(2024, 2, 29)
    assert row[3] == dt.datetime(2024, 1, 2, 1, 4, 5, tzinfo=dt.UTC)
    assert row[4:8] == (b"\x00\xff", '{"k": [1]}', None, "[1, null, 2]")
    assert row[8] == "6f9619ff-8b86-d011-b42d-00c04fc964ff"
    assert row[11:13] == (True, 0.5)


@pytest.fixture(params=["session", "transaction"])
def pooled(request: pytest.FixtureRequest, url: str, name: str, tmp_path: Path) -> Iterator[str]:
    """The database through a pgbouncer in both of its modes."""
    with pgbouncer(url, tmp_path, request.param, size=5) as pooler:
        yield f"{pooler}{name}"


async def test_a_pooler_between_changes_nothing(pooled: str) -> None:
    database = PostgresDatabase(pooled)
    try:
        schema = await database.schema(DEFAULT_CALLER)
        assert [table.name for table in schema.tables] == ["goods"]
        query = "SELECT current_setting('transaction_read_only'), current_setting('statement_timeout')"
        results = await asyncio.gather(*(database.execute(DEFAULT_CALLER, query, LIMITS) for _ in range(12)))
        assert {result.rows for result in results} == {(("on", "10s"),)}
        with pytest.raises(SqlExecutionFailed, match="data-modifying"):
            await database.execute(DEFAULT_CALLER, "WITH x AS (DELETE FROM goods RETURNING 1) SELECT 1 FROM x", LIMITS)
        with pytest.raises(SqlTimeout):
            await database.execute(DEFAULT_CALLER, "SELECT pg_sleep(60)", ExecutionLimits(timeout_seconds=0.2))
        await database.explain(DEFAULT_CALLER, "SELECT id FROM goods")
        assert (await database.execute(DEFAULT_CALLER, "SELECT COUNT(*) FROM goods", LIMITS)).rows == ((2,),)
    finally:
        database.close()
