"""Every Database reads what its role may, types it, bounds it, and cannot change anything."""

from __future__ import annotations

import datetime as dt
import decimal
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from service.adapters.databases.open import open_database
from service.adapters.databases.postgres import PostgresDatabase
from service.adapters.databases.sqlite import SqliteDatabase
from service.domain.caller import DEFAULT_CALLER
from service.domain.health import HealthStatus
from service.domain.sql import ExecutionLimits
from service.domain.tables import ColumnType
from service.errors import NotConfigured, SqlExecutionFailed, SqlTimeout, UpstreamUnavailable
from service.ports import Database
from tests.pgbouncer import pgbouncer
from tests.sql.shop import ROWS, TABLES, counts, make_sqlite

pytestmark = pytest.mark.anyio
HOSTILE = Path(__file__).parents[1] / "sql" / "hostile.jsonl"
ATTACKS = Path(__file__).parents[1] / "sql" / "attacks.jsonl"
# What a statement could leave behind in a PostgreSQL server, apart from rows.
STATE = """
SELECT (SELECT COUNT(*) FROM pg_class WHERE relnamespace <> 'pg_toast'::regnamespace), (SELECT COUNT(*) FROM pg_proc),
       (SELECT COUNT(*) FROM pg_extension), (SELECT COUNT(*) FROM pg_largeobject_metadata),
       (SELECT COUNT(*) FROM pg_roles WHERE rolsuper), (SELECT COUNT(*) FROM pg_prepared_xacts),
       (SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory'), (SELECT COUNT(*) FROM pg_db_role_setting)"""
ENDLESS = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT COUNT(*) FROM r"


@dataclass(frozen=True, slots=True)
class Shop:
    """A database, and its row counts read past the adapter."""

    database: Database
    counts: Callable[[], list[int]]


@pytest.fixture(scope="session")
def shop_server(postgres_url: str) -> tuple[str, str]:
    """The shop on PostgreSQL: its owner's URL and that of a role that may read two tables in part."""
    import psycopg

    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE shop")
    owner = postgres_url.replace("/postgres?", "/shop?")
    with psycopg.connect(owner, autocommit=True) as connection:
        for statement in (*TABLES, *ROWS):
            connection.execute(statement.encode())
        connection.execute("CREATE ROLE reader LOGIN")
        connection.execute("GRANT SELECT ON orders TO reader")
        connection.execute("GRANT SELECT (id, first_name, last_name, email, country) ON users TO reader")
    return owner, owner.replace("//postgres:@", "//reader:@")


@pytest.fixture(scope="session")
def pooled_shop(shop_server: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """That role's URL through a session pooler."""
    with pgbouncer(shop_server[0], tmp_path_factory.mktemp("shop"), "session", user="reader") as url:
        yield f"{url}shop"


@pytest.fixture(params=["sqlite", "postgresql", "pgbouncer"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    if request.param == "sqlite":
        path = make_sqlite(tmp_path / "shop.sqlite")
        yield Shop(open_database(f"sqlite:///{path}"), lambda: counts(path))
        return
    import psycopg

    owner, reader = request.getfixturevalue("shop_server")
    if request.param == "pgbouncer":
        reader = request.getfixturevalue("pooled_shop")

    def count() -> list[int]:
        with psycopg.connect(owner) as connection:
            names = ("orders", "secrets", "users")
            queries = [f"SELECT COUNT(*) FROM {name}".encode() for name in names]
            rows = [row[0] for query in queries for row in connection.execute(query)]
            return rows + list(connection.execute(STATE).fetchone() or ())

    database = PostgresDatabase(reader)
    yield Shop(database, count)
    database.close()


async def test_the_schema_holds_tables_keys_and_bounded_samples(shop: Shop) -> None:
    schema = await shop.database.schema(DEFAULT_CALLER)
    tables = {table.name: table for table in schema.tables}
    users = {column.name: column for column in tables["users"].columns}
    assert users["country"].values == ("Brazil", "Czech Republic")
    assert users["first_name"].values == ()
    assert users["email"].values == ()
    assert tables["users"].primary_key == ("id",)
    key = tables["orders"].foreign_keys[0]
    assert (key.columns, key.target_table, key.target_columns) == (("user_id",), "users", ("id",))
    assert (await shop.database.schema(DEFAULT_CALLER)).epoch == schema.epoch


async def test_a_result_is_typed(shop: Shop) -> None:
    table = await shop.database.execute(
        DEFAULT_CALLER, "SELECT id, ordered, total FROM orders ORDER BY id", ExecutionLimits()
    )
    assert [column.type for column in table.columns] == [
        ColumnType.INT64, ColumnType.TIMESTAMP, ColumnType.DECIMAL
    ]  # fmt: skip
    assert table.rows[1] == (2, dt.datetime(2025, 1, 2, 3, 4, 5), decimal.Decimal("5.25"))
    assert not table.truncated


async def test_rows_bytes_and_time_are_bounded(shop: Shop) -> None:
    execute = shop.database.execute
    rows = await execute(DEFAULT_CALLER, "SELECT id FROM orders", ExecutionLimits(max_rows=2))
    assert len(rows.rows) == 2
    assert rows.truncated
    exact = await execute(DEFAULT_CALLER, "SELECT id FROM orders", ExecutionLimits(max_rows=3))
    assert len(exact.rows) == 3
    assert not exact.truncated
    small = await execute(DEFAULT_CALLER, "SELECT first_name FROM users", ExecutionLimits(max_bytes=8))
    assert len(small.rows) == 1
    assert small.truncated
    with pytest.raises(SqlTimeout):
        await execute(DEFAULT_CALLER, ENDLESS, ExecutionLimits(timeout_seconds=0.2))


@pytest.mark.parametrize(
    ("question", "values"),
    [
        ("What did helena holy buy", {"Helena", "Holý"}),
        ("What did Helena Holy buy", {"Helena", "Holý"}),
        ("Orders from the Czech Republic", {"Czech Republic"}),
        ("orders from brazil", {"Brazil"}),
        ("Who has the mail h@example.com", set[str]()),
    ],
)
async def test_values_of_a_question_are_found(shop: Shop, question: str, values: set[str]) -> None:
    found = await shop.database.find_values(DEFAULT_CALLER, question.split())
    assert {match.value for match in found} == values


async def test_a_statement_is_planned_without_running(shop: Shop) -> None:
    await shop.database.explain(DEFAULT_CALLER, ENDLESS)
    with pytest.raises(SqlExecutionFailed, match="nope"):
        await shop.database.explain(DEFAULT_CALLER, "SELECT nope FROM orders")


async def test_hostile_statements_change_nothing(shop: Shop) -> None:
    before = shop.counts()
    limits = ExecutionLimits(timeout_seconds=0.3, max_rows=5)
    attempts = 0
    for line in HOSTILE.read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        for call in (shop.database.execute(DEFAULT_CALLER, case["statement"], limits),
                     shop.database.explain(DEFAULT_CALLER, case["statement"])):  # fmt: skip
            attempts += 1
            try:
                await call
            except (SqlExecutionFailed, SqlTimeout, UpstreamUnavailable):
                continue
            assert case["cls"] not in ("ddl", "rce"), case["statement"]
    assert attempts == 140
    assert shop.counts() == before


async def test_attacks_past_the_guard_change_nothing(shop: Shop) -> None:
    before = shop.counts()
    limits = ExecutionLimits(timeout_seconds=0.2, max_rows=5)
    for line in ATTACKS.read_text(encoding="utf-8").splitlines():
        try:
            await shop.database.execute(DEFAULT_CALLER, json.loads(line)["statement"], limits)
        except (SqlExecutionFailed, SqlTimeout, UpstreamUnavailable):
            continue
    assert shop.counts() == before


@pytest.mark.parametrize("pooled", [False, True])
async def test_settings_of_one_statement_do_not_reach_the_next(
    shop_server: tuple[str, str], pooled_shop: str, pooled: bool
) -> None:
    database = PostgresDatabase(pooled_shop if pooled else shop_server[1], connections=1)
    hostile = "SELECT set_config('default_transaction_read_only', 'off', false), set_config('search_path', 'x', false)"
    await database.execute(DEFAULT_CALLER, hostile, ExecutionLimits())
    after = await database.execute(DEFAULT_CALLER, "SELECT current_setting('search_path')", ExecutionLimits())
    assert after.rows == (('"$user", public',),)
    database.close()


async def test_read_only_is_proven_for_a_reader_and_not_for_the_owner(shop_server: tuple[str, str]) -> None:
    for url, proven in zip(shop_server, (False, True), strict=True):
        database = PostgresDatabase(url)
        assert await database.is_read_only(DEFAULT_CALLER) is proven
        database.close()


async def test_only_granted_columns_are_known(shop_server: tuple[str, str]) -> None:
    database = PostgresDatabase(shop_server[1])
    schema = await database.schema(DEFAULT_CALLER)
    assert {table.name for table in schema.tables} == {"orders", "users"}
    assert "password" not in {column.name for table in schema.tables for column in table.columns}
    database.close()


async def test_a_database_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    missing = SqliteDatabase(tmp_path / "missing.sqlite")
    with pytest.raises(UpstreamUnavailable, match="DATABASE_URL"):
        await missing.schema(DEFAULT_CALLER)
    assert (await missing.check()).status is HealthStatus.NOT_SERVING


def test_only_known_urls_open() -> None:
    for url in ("mysql://host/name", "sqlite://", "nonsense"):
        with pytest.raises(NotConfigured, match="DATABASE_URL"):
            open_database(url)
    assert open_database("postgresql+psycopg://u@h/d").dialect == "postgresql"
