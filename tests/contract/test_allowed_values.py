"""What a CHECK or an enum lets a column hold is known before a row holds it, on every database."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from service.adapters.databases.open import open_database
from service.adapters.databases.postgres import PostgresDatabase
from service.adapters.sqlgen.prompt_text import schema_text
from service.domain.caller import DEFAULT_CALLER
from service.ports import Database

pytestmark = pytest.mark.anyio
TABLE = """
CREATE TABLE parcels (
  id int PRIMARY KEY,
  status varchar(20) NOT NULL CHECK (status IN ('packed', 'sent', 'it''s lost')),
  size text CHECK (size IS NULL OR size = 'small' OR size = 'large'),
  lane text,
  weight int CHECK (weight IN (1, 2)),
  note text CHECK (length(note) < 9),
  email text CHECK (email IN ('nobody@example.org')),
  CONSTRAINT lanes CHECK (lane IN ('air', 'sea') AND length(lane) < 9)
)"""
Opened = Callable[..., Database]


@pytest.fixture(params=["sqlite", "postgresql"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    """Opens a database of parcels after some statements."""
    databases: list[Database] = []

    def sqlite_with(*statements: str) -> Database:
        with sqlite3.connect(tmp_path / "parcels.db") as connection:
            for statement in (TABLE, *statements):
                connection.execute(statement)
        return open_database(f"sqlite:///{tmp_path / 'parcels.db'}", ())

    def postgres_with(*statements: str) -> Database:
        whole: str = request.getfixturevalue("postgres_url")
        with psycopg.connect(whole, autocommit=True) as server:
            server.execute("DROP DATABASE IF EXISTS parcels WITH (FORCE)")
            server.execute("CREATE DATABASE parcels")
        url = whole.replace("/postgres?", "/parcels?")
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in (TABLE, *statements):
                connection.execute(statement.encode())
        databases.append(open_database(url, ()))
        return databases[-1]

    yield sqlite_with if request.param == "sqlite" else postgres_with
    for database in databases:
        assert isinstance(database, PostgresDatabase)
        database.close()


async def values(database: Database) -> dict[str, tuple[str, ...]]:
    (table,) = (await database.schema(DEFAULT_CALLER)).tables
    return {column.name: column.values for column in table.columns}


async def found(database: Database, *words: str) -> set[tuple[str, str]]:
    return {(match.column, match.value) for match in await database.find_values(DEFAULT_CALLER, words)}


async def test_an_empty_table_has_the_values_that_its_checks_allow(opened: Opened) -> None:
    database = opened()
    known = await values(database)
    assert known["status"] == ("packed", "sent", "it's lost")
    assert (known["size"], known["lane"]) == (("small", "large"), ("air", "sea"))
    assert known["weight"] == known["note"] == ()
    assert known["email"] == ()  # contact data is not shown, whatever says it
    assert await found(database, "packed") == {("status", "packed")}
    schema = await database.schema(DEFAULT_CALLER)
    assert "/* 'packed', 'sent', 'it's lost' */" in schema_text(schema, schema.tables)


async def test_what_is_stored_besides_is_known_too(opened: Opened) -> None:
    row = "INSERT INTO parcels VALUES (1, 'sent', 'large', 'air', 1, 'fragile', NULL)"
    known = await values(opened(row))
    assert known["status"] == ("packed", "sent", "it's lost")
    assert known["note"] == ("fragile",)


async def test_a_check_that_is_changed_is_read_again(opened: Opened) -> None:
    database = opened()
    if not isinstance(database, PostgresDatabase):
        pytest.skip("SQLite has no ALTER TABLE ... ADD CONSTRAINT")
    await database.schema(DEFAULT_CALLER)
    with psycopg.connect(database._url, autocommit=True) as connection:  # pyright: ignore[reportPrivateUsage]
        connection.execute("ALTER TABLE parcels ADD CHECK (note IN ('a', 'b'))")
    (table,) = (await database.schema(DEFAULT_CALLER, fresh=True)).tables
    assert {column.name: column.values for column in table.columns}["note"] == ("a", "b")


async def test_labels_of_an_enum_are_values_that_a_question_can_name(
    opened: Opened, request: pytest.FixtureRequest
) -> None:
    if "sqlite" in request.node.name:
        pytest.skip("SQLite has no enum types")
    made = "CREATE TYPE mood AS ENUM ('sad', 'so so', 'happy')", "ALTER TABLE parcels ADD COLUMN mood mood"
    database = opened(*made)
    assert (await values(database))["mood"] == ("sad", "so so", "happy")
    assert await found(database, "so", "so") == {("mood", "so so")}
