"""Whose stored values are read ahead of a question, on every database."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from service.adapters.databases.open import open_database
from service.adapters.databases.postgres import PostgresDatabase
from service.domain.caller import DEFAULT_CALLER
from service.ports import Database

pytestmark = pytest.mark.anyio
TABLES = (
    "CREATE TABLE members (id int PRIMARY KEY, full_name text, email text, plan text, remark text)",
    "INSERT INTO members VALUES (1, 'Ada Byron', 'ada@example.org', 'Gold', 'Moonlight'), "
    "(2, 'Bo Lund', 'bo@example.org', 'Silver', 'Sunrise')",
)
Opened = Callable[..., Database]


@pytest.fixture(params=["sqlite", "postgresql"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    """Opens a database of two members, with these columns hidden."""
    if request.param == "sqlite":
        with sqlite3.connect(tmp_path / "members.db") as connection:
            for statement in TABLES:
                connection.execute(statement)
        url = f"sqlite:///{tmp_path / 'members.db'}"
    else:
        whole: str = request.getfixturevalue("postgres_url")
        with psycopg.connect(whole, autocommit=True) as server:
            server.execute("DROP DATABASE IF EXISTS members WITH (FORCE)")
            server.execute("CREATE DATABASE members")
        url = whole.replace("/postgres?", "/members?")
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in TABLES:
                connection.execute(statement.encode())
    databases: list[Database] = []

    def open_with(*hidden: str) -> Database:
        databases.append(open_database(url, hidden))
        return databases[-1]

    yield open_with
    for database in databases:
        if isinstance(database, PostgresDatabase):
            database.close()


async def sampled(database: Database) -> dict[str, tuple[str, ...]]:
    """The values that a prompt may show, by column."""
    (table,) = (await database.schema(DEFAULT_CALLER)).tables
    return {column.name: column.values for column in table.columns}


async def found(database: Database, *words: str) -> set[tuple[str, str]]:
    return {(match.column, match.value) for match in await database.find_values(DEFAULT_CALLER, words)}


async def test_people_and_contact_data_are_not_sampled(opened: Opened) -> None:
    values = await sampled(opened())
    assert set(values["plan"]) == {"Gold", "Silver"}
    assert values["full_name"] == values["email"] == ()


async def test_a_name_that_is_typed_is_found_and_an_address_is_not(opened: Opened) -> None:
    database = opened()
    assert await found(database, "Ada", "Byron") == {("full_name", "Ada Byron")}
    assert await found(database, "ada@example.org") == set()


@pytest.mark.parametrize("pattern", ["plan", "members.plan", "members.pl*", "PLAN"])
async def test_a_hidden_column_is_neither_sampled_nor_searched(opened: Opened, pattern: str) -> None:
    database = opened(pattern)
    values = await sampled(database)
    assert values["plan"] == ()
    assert set(values["remark"]) == {"Moonlight", "Sunrise"}
    assert await found(database, "Gold") == set()
    assert await found(database, "Moonlight") == {("remark", "Moonlight")}


async def test_a_column_of_another_table_is_not_hidden(opened: Opened) -> None:
    assert (await sampled(opened("staff.plan")))["plan"]
