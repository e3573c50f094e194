"""Numbers inside JSON and beside fractions reach a cell digit for digit."""

from __future__ import annotations

import asyncio
import decimal
import json
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.adapters.databases.postgres import PostgresDatabase
from service.adapters.databases.sqlite import SqliteDatabase
from service.domain.caller import DEFAULT_CALLER
from service.domain.sql import ExecutionLimits
from service.domain.tables import CellValue, ColumnType, Table

LIMITS = ExecutionLimits(max_rows=1000)
WHOLE = st.integers(-(10**40), 10**40).map(str)
NUMBERS = st.one_of(
    WHOLE,
    st.tuples(WHOLE, st.integers(0, 10**25)).map(lambda parts: f"{parts[0]}.{parts[1]}"),
    st.tuples(WHOLE, st.integers(-200, 200)).map(lambda parts: f"{parts[0]}e{parts[1]}"),
)


@pytest.fixture(scope="module")
def server(postgres_url: str) -> Iterator[PostgresDatabase]:
    database = PostgresDatabase(postgres_url)
    yield database
    database.close()


def read(database: PostgresDatabase | SqliteDatabase, sql: str) -> Table:
    return asyncio.run(database.execute(DEFAULT_CALLER, sql, LIMITS))


def exact(text: CellValue) -> object:
    assert isinstance(text, str)
    return json.loads(text, parse_float=decimal.Decimal, parse_int=decimal.Decimal)


@given(st.lists(NUMBERS, min_size=1, max_size=30))
@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_json_keeps_every_digit(server: PostgresDatabase, numbers: Sequence[str]) -> None:
    text = f'{{"n":  [{", ".join(numbers)}]}}'
    row = read(server, f"SELECT '{text}'::json, '{text}'::jsonb, ARRAY['{text}'::jsonb, NULL]").rows[0]
    assert row[0] == text
    assert exact(row[1]) == exact(text)
    assert exact(row[2]) == [exact(text), None]


@given(st.lists(st.decimals(-(10**30), 10**30, allow_nan=False, places=12), min_size=1, max_size=20))
@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_arrays_of_numbers_keep_every_digit(server: PostgresDatabase, numbers: Sequence[decimal.Decimal]) -> None:
    row = read(server, f"SELECT ARRAY[{', '.join(f'{n:f}' for n in numbers)}]::numeric[]").rows[0]
    assert exact(row[0]) == list(numbers)


def test_what_json_holds_beside_numbers_stays_as_it_is(server: PostgresDatabase) -> None:
    table = read(
        server,
        "SELECT '{\"a\": 1, \"a\": 2.10}'::json, '\"é\\u0041\"'::jsonb, 'null'::json, NULL::json, "
        "'{\"price\": 0.1000000000000000055511151231257827}'::json->'price', "
        "ARRAY['NaN'::numeric, 1.50], ARRAY['a, b']",
    )
    assert table.rows[0] == (
        '{"a": 1, "a": 2.10}', '"éA"', "null", None, "0.1000000000000000055511151231257827", '["NaN", 1.50]', '["a, b"]'
    )  # fmt: skip
    assert [column.type for column in table.columns[:5]] == [ColumnType.JSON] * 5


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=20))
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whole_numbers_beside_fractions_keep_every_digit(tmp_path: Path, numbers: Sequence[int]) -> None:
    path = tmp_path / "n.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript("DROP TABLE IF EXISTS n; CREATE TABLE n (v)")
        connection.executemany("INSERT INTO n VALUES (?)", [*((n,) for n in numbers), (0.5,)])
    table = read(SqliteDatabase(path), "SELECT v FROM n ORDER BY rowid")
    assert [row[0] for row in table.rows] == [*numbers, 0.5]
    assert table.columns[0].type in (ColumnType.DOUBLE, ColumnType.DECIMAL)
