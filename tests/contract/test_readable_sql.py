"""What the guard writes reads well, stays as it is when it is guarded again, and means the same to both databases."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import psycopg
import pytest

from service.domain.sql import Schema, SchemaColumn, SchemaTable
from service.domain.sql_guard import guard
from service.domain.sql_guard_names import _USUAL  # pyright: ignore[reportPrivateUsage]

Run = Callable[[str, str], list[tuple[object, ...]]]
PLAIN = [
    ("NOT word IN ('a', 'b')", "word NOT IN ('a', 'b')"),
    ("NOT word IN (SELECT word FROM t)", "word NOT IN (SELECT word FROM t)"),
    ("NOT (n BETWEEN 1 AND 2)", "NOT (n BETWEEN 1 AND 2)"),
    ("n NOT BETWEEN 1 AND 2", "n NOT BETWEEN 1 AND 2"),
    ("word NOT LIKE 'a%' ESCAPE '!'", "word NOT LIKE 'a%' ESCAPE '!'"),
    ("word IS NOT NULL", "word IS NOT NULL"),
    ("NOT /* a */ word /* ; DROP */ IN /* c */ ('a' /* d */)", "word NOT IN ('a')"),
    ("NOT (NOT n IN (1)) IN (SELECT n NOT IN (2) FROM t)", "(n NOT IN (1)) NOT IN (SELECT n NOT IN (2) FROM t)"),
    ("NOT word IS NULL", "word IS NOT NULL"),
    ("NOT n + 1 IN (2) AND n > 0", "n + 1 NOT IN (2) AND n > 0"),
    ("NOT n = 1 OR word IS NULL", "NOT n = 1 OR word IS NULL"),
    ("NOT NOT n IN (1)", "NOT n NOT IN (1)"),
    ("NOT EXISTS(SELECT 1 FROM t AS o WHERE o.n > t.n)", "NOT EXISTS(SELECT 1 FROM t AS o WHERE o.n > t.n)"),
]


@pytest.fixture(params=["sqlite", "postgresql"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs statements over a new table of this definition, and gives the rows of the last."""
    if request.param == "sqlite":
        return lambda made, sql: _sqlite(made, sql)
    url: str = request.getfixturevalue("postgres_url")
    return lambda made, sql: _postgres(url, made, sql)


def _sqlite(made: str, sql: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(":memory:") as connection:
        connection.executescript(made)
        return connection.execute(sql).fetchall()


def _postgres(url: str, made: str, sql: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection, connection.transaction(force_rollback=True):
        for statement in made.split(";"):
            connection.execute(statement.encode())
        return connection.execute(sql.encode()).fetchall()


def _guarded(sql: str, request: pytest.FixtureRequest, *columns: str, table: str = "t") -> str:
    dialect = "sqlite" if "sqlite" in request.node.name else "postgresql"
    schema = Schema(dialect, (SchemaTable(table, tuple(SchemaColumn(name, "text") for name in columns)),), "e")
    guarded = guard(sql, schema, 50)
    assert guard(guarded.sql, schema, 50) == guarded
    return guarded.sql


@pytest.mark.parametrize(("condition", "written"), PLAIN)
def test_not_stands_where_it_is_read(run: Run, request: pytest.FixtureRequest, condition: str, written: str) -> None:
    made = "CREATE TABLE t (n int, word text);INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, NULL)"
    asked = f"SELECT n FROM t WHERE {condition} ORDER BY n"
    guarded = _guarded(asked, request, "n", "word")
    assert guarded == f"SELECT n FROM t WHERE {written} ORDER BY n LIMIT 50"
    assert run(made, guarded) == run(made, asked)


@pytest.mark.parametrize("word", sorted(word.lower() for word in _USUAL))
def test_names_that_databases_read_as_such_are_not_quoted(run: Run, request: pytest.FixtureRequest, word: str) -> None:
    made = f'CREATE TABLE "{word}" ("{word}" int);INSERT INTO "{word}" VALUES (1), (2), (NULL)'
    for asked in (
        f"SELECT {word}, COUNT(*) AS n FROM {word} WHERE {word} IN (1, 2) GROUP BY {word} ORDER BY {word} DESC",
        f"SELECT a.{word} AS {word} FROM {word} AS a JOIN {word} AS b ON a.{word} = b.{word} ORDER BY a.{word}",
        f"SELECT * FROM {word} WHERE NOT {word} IS NULL ORDER BY {word} - 1",
        f'SELECT t."{word}" FROM "{word}" AS t WHERE "{word}" = 1',
        f"SELECT CASE WHEN {word} > 1 THEN {word} ELSE 0 END AS c, SUM({word}) AS s FROM {word} GROUP BY 1 ORDER BY 1",
    ):
        guarded = _guarded(asked, request, word, table=word)
        assert '"' not in guarded
        assert run(made, guarded)


@pytest.mark.parametrize("word", ["order", "cast", "verbose", "transaction", "add", "current_role", "if", "Mixed Name"])
def test_names_that_would_be_read_otherwise_are_quoted(run: Run, request: pytest.FixtureRequest, word: str) -> None:
    made = f'CREATE TABLE "{word}" ("{word}" int);INSERT INTO "{word}" VALUES (41)'
    for asked in (f'SELECT "{word}" FROM "{word}" WHERE "{word}" = 41', f'SELECT * FROM "{word}"'):
        guarded = _guarded(asked, request, word, table=word)
        assert f'"{word}"' in guarded
        assert run(made, guarded) == [(41,)]
