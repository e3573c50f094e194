"""Series and lists that the guard lets through mean the same to PostgreSQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import psycopg
import pytest

from service.adapters.databases.postgres import PostgresDatabase
from service.domain.caller import DEFAULT_CALLER
from service.domain.sql import ExecutionLimits
from service.domain.sql_guard import guard
from service.domain.tables import CellValue

pytestmark = pytest.mark.anyio
ORDERS = (
    "CREATE TABLE orders (id int PRIMARY KEY, placed date, status text)",
    "INSERT INTO orders VALUES (1, '2024-01-05', 'new'), (2, '2024-03-06', 'sent'), (3, '2024-03-07', 'lost')",
)


@pytest.fixture(scope="module")
def database(postgres_url: str) -> Iterator[PostgresDatabase]:
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute("CREATE DATABASE series")
    url = postgres_url.replace("/postgres?", "/series?")
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in ORDERS:
            connection.execute(statement.encode())
    opened = PostgresDatabase(url)
    yield opened
    opened.close()


async def rows(database: PostgresDatabase, sql: str) -> list[tuple[CellValue, ...]]:
    guarded = guard(sql, await database.schema(DEFAULT_CALLER), 101)
    return list((await database.execute(DEFAULT_CALLER, guarded.sql, ExecutionLimits())).rows)


async def test_months_without_orders_are_counted(database: PostgresDatabase) -> None:
    sql = (
        "SELECT m.d::date, COUNT(o.id) FROM generate_series('2024-01-01'::date, '2024-04-01', '1 month') AS m(d) "
        "LEFT JOIN orders o ON date_trunc('month', o.placed) = m.d GROUP BY m.d ORDER BY m.d"
    )
    counts = dict(zip(range(1, 5), (1, 0, 2, 0), strict=True))
    assert await rows(database, sql) == [(dt.date(2024, month, 1), count) for month, count in counts.items()]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM generate_series(3, 1, -1) AS n",
        "SELECT n.* FROM generate_series(1, 3) AS n ORDER BY n DESC",
        "SELECT s.n FROM generate_series(1, 3) AS s(n) ORDER BY s.n DESC",
        "SELECT id FROM orders WHERE id = ANY(ARRAY[1, 2, 3]) ORDER BY id DESC",
        "SELECT id FROM orders WHERE status <> ALL(ARRAY['x', 'it''s']) ORDER BY id DESC",
    ],
)
async def test_every_form_runs_as_it_was_guarded(database: PostgresDatabase, sql: str) -> None:
    assert await rows(database, sql) == [(3,), (2,), (1,)]
