"""The guard lets one bounded SELECT over known names pass, and nothing else."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.sql import Schema, SchemaColumn, SchemaTable
from service.domain.sql_guard import guard, parse_statement
from service.domain.sql_guard_memo import guard_once, written_before
from service.errors import SqlRejected

CASES = [json.loads(line) for line in Path(__file__).with_name("hostile.jsonl").read_text("utf-8").splitlines()]
ATTACKS = [json.loads(line) for line in Path(__file__).with_name("attacks.jsonl").read_text("utf-8").splitlines()]


def schema(dialect: str) -> Schema:
    def table(name: str, *columns: str) -> SchemaTable:
        return SchemaTable(name, tuple(SchemaColumn(column, "text") for column in columns))

    tables = (
        table("users", "id", "first_name", "Country"),
        table("orders", "id", "user_id", "total", "order"),
        table("sales.Report", "id", "Year"),
    )
    return Schema(dialect, tables, "e")


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
@pytest.mark.parametrize("case", CASES, ids=[case["why"] for case in CASES])
def test_hostile_statements(case: dict[str, str], dialect: str) -> None:
    if case["expected"] == "block":
        with pytest.raises(SqlRejected) as caught:
            guard(case["statement"], schema(dialect), 100)
        assert caught.value.rule
        assert caught.value.message.endswith(".")
        return
    guarded = guard(case["statement"], schema(dialect), 100)
    assert guarded.sql.endswith(" LIMIT 100")
    assert ";" not in guarded.sql.replace("';DELETE FROM users;--'", "").replace("'a'';DELETE FROM users;--'", "")


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_attacks_are_refused_by_the_right_rule_and_what_passes_is_bounded(dialect: str) -> None:
    wrong: list[str] = []
    for case in ATTACKS:
        try:
            guarded = guard(case["statement"], schema(dialect), 100)
        except SqlRejected as error:
            found = error.rule if error.message.endswith(".") and len(error.message) < 400 else error.message
        else:
            found = ""
            assert guarded.tables in ((), ("orders",), ("users",), ("orders", "users")), case["statement"]
            assert guard(guarded.sql, schema(dialect), 100) == guarded
            limit = parse_statement(guarded.sql, dialect).args["limit"]
            assert limit.args.get("count") or int(limit.expression.name) <= 100
        if found != case[dialect]:
            wrong.append(f"{found} {case}")
    assert wrong == []


@pytest.mark.parametrize(
    ("sql", "fragment", "line", "column"),
    [
        ("SELECT id,\n  pg_sleep(9) FROM users", "PG_SLEEP(9)", "2", "3"),
        ("SELECT id FROM users\nJOIN secrets s ON s.id = users.id", "secrets AS s", "2", "6"),
        ("SELECT id, password FROM users", "password", "1", "12"),
        ("SELECT id FROM users WHERE (id", "id", "1", "29"),
        ("SELECT u.id FROM users u, orders o", "orders AS o", "1", "27"),
        ("DELETE FROM users", "DELETE", None, None),
        ("SELECT 1; DROP TABLE users", "; DROP", None, None),
    ],
)
def test_a_refusal_names_the_place(sql: str, fragment: str, line: str | None, column: str | None) -> None:
    with pytest.raises(SqlRejected) as caught:
        guard(sql, schema("postgresql"), 10)
    told = caught.value.metadata
    assert (told["rule"], told["fragment"], told.get("line"), told.get("column")) == (
        caught.value.rule, fragment, line, column
    )  # fmt: skip
    assert f"Rule: {caught.value.rule}" in caught.value.message


@pytest.mark.parametrize(
    ("sql", "rule"),
    [
        ("SELECT u.id FROM users u, orders o", "cartesian product"),
        ("SELECT u.id FROM users u, orders o WHERE u.country = 'x'", "cartesian product"),
        ("SELECT COUNT(u) FROM users u", "columns"),
        ("SELECT COUNT(u.*) FROM users u", "columns"),
        ("SELECT password FROM users", "columns"),
        ("SELECT x.a FROM (WITH secrets AS (SELECT 1 AS a) SELECT a FROM secrets) x, secrets", "tables"),
        ("WITH secrets AS (SELECT * FROM secrets) SELECT * FROM secrets", "tables"),
        ("WITH RECURSIVE r(i) AS (SELECT id FROM users UNION SELECT i + 1 FROM r) SELECT i FROM r", "recursion"),
        ("SELECT CAST('x' AS CHAR(99999999))", "type"),
        ("SELECT REPLACE(REPLACE(REPLACE(REPLACE('a','a','aa'),'a','aa'),'a','aa'),'a','aa')", "function"),
        ("SELECT " + "(" * 4000 + "1" + ")" * 4000, "size"),
        ("SELECT '" + "x" * 11_000 + "'", "size"),
        ("SELECT id" + ", id" * 400 + " FROM users", "size"),
        ("SELECT id FROM users WHERE id IN (" + "1," * 1500 + "1)", "size"),
        ("SELECT id FROM users WHERE id IN (" + "1," * 500 + "1)", None),
        ("SELECT u.id FROM users u JOIN orders o ON o.total BETWEEN u.id AND u.id", None),
        ("SELECT u.id FROM users u JOIN orders o ON u.id = o.user_id OR u.id = o.id", None),
        ("SELECT first_name || ' ' || country FROM users", None),
        ("SELECT id FROM users; ", None),
        ("SELECT id FROM users WHERE id IN (SELECT user_id FROM orders)", None),
        ("SELECT u.id FROM users u JOIN orders o ON o.id = '3'", None),
        ("SELECT id, (SELECT COUNT(*) FROM orders o WHERE o.user_id = u.id) FROM users u", None),
        ("SELECT u.id, s.n FROM users u CROSS JOIN (SELECT COUNT(*) AS n FROM orders) s", None),
        ("WITH RECURSIVE r(i) AS (SELECT id FROM users UNION SELECT o.user_id FROM orders o JOIN r ON o.id = r.i) "
         "SELECT i FROM r", None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_rules(dialect: str, sql: str, rule: str | None) -> None:
    if rule is None:
        assert guard(sql, schema(dialect), 10).sql.endswith("LIMIT 10")
        return
    with pytest.raises(SqlRejected) as caught:
        guard(sql, schema(dialect), 10)
    assert caught.value.rule == rule


def test_names_are_written_as_the_schema_has_them() -> None:
    text = "SELECT USERS.COUNTRY AS Land, 'ÄbC' FROM Users ORDER BY LAND LIMIT 5"
    assert guard(text, schema("sqlite"), 10).sql == (
        "SELECT users.Country AS Land, 'ÄbC' FROM users ORDER BY Land LIMIT 5"
    )
    assert guard(text, schema("postgresql"), 10).sql == (
        """SELECT users."Country" AS land, 'ÄbC' FROM users ORDER BY land LIMIT 5"""
    )


def test_a_star_becomes_the_known_columns_and_keywords_are_quoted() -> None:
    guarded = guard("SELECT * FROM orders", schema("postgresql"), 10)
    assert guarded.tables == ("orders",)
    assert '"order"' in guarded.sql
    assert "*" not in guarded.sql
    assert guard("SELECT r.* FROM sales.Report r", schema("postgresql"), 10).tables == ("sales.Report",)


def test_what_runs_is_accepted_by_the_database(sqlite_path: Path) -> None:
    connection = sqlite3.connect(sqlite_path)
    real = Schema("sqlite", (SchemaTable("users", (SchemaColumn("id", "int"), SchemaColumn("country", "text"))),), "e")
    text = "select COUNTRY, count(*) as N from Users where country like 'B%' group by 1 having n > 1 order by n desc"
    assert connection.execute(guard(text, real, 10).sql).fetchall() == [("Brazil", 2)]
    connection.close()


def test_a_semicolon_inside_a_text_is_only_text() -> None:
    assert guard("SELECT id FROM users WHERE country = ';'", schema("sqlite"), 10).sql.startswith("SELECT")
    with pytest.raises(SqlRejected):
        guard("SELECT id FROM users; SELECT id FROM users", schema("sqlite"), 10)


_LITERALS = st.one_of(
    st.integers(0, 10**6).map(str), st.text(max_size=20).map(lambda t: "'" + t.replace("'", "''") + "'")
)
_COLUMNS = st.sampled_from(["id", "first_name", "Country", "u.id", "COUNT(*)", "MAX(u.country)", "UPPER(first_name)"])
_WHERE = st.tuples(st.sampled_from(["id", "country"]), st.sampled_from(["=", "<", "LIKE", "<>"]), _LITERALS).map(
    " ".join
)


@settings(deadline=None)
@given(st.lists(_COLUMNS, min_size=1, max_size=3), st.lists(_WHERE, max_size=3), st.integers(0, 10**9))
def test_a_guarded_statement_stays_one_bounded_select(columns: list[str], where: list[str], limit: int) -> None:
    condition = f" WHERE {' AND '.join(where)}" if where else ""
    sql = f"SELECT {', '.join(columns)} FROM users u{condition} LIMIT {limit}"
    refused = False
    for dialect in ("sqlite", "postgresql"):
        try:
            guarded = guard(sql, schema(dialect), 100)
        except SqlRejected:
            refused = True
            continue
        tree = parse_statement(guarded.sql, dialect)
        assert int(tree.args["limit"].expression.name) == min(limit, 100)
        assert guard(guarded.sql, schema(dialect), 100) == guarded
    assert refused == ("\x00" in sql)


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_refused_or_read_only(text: str) -> None:
    for sql in (text, f"SELECT id FROM users {text}", f"SELECT {text} FROM users"):
        try:
            guarded = guard(sql, schema("postgresql"), 100)
        except SqlRejected:
            continue
        assert set(guarded.tables) <= {"users", "orders", "sales.Report"}
        assert guard(guarded.sql, schema("postgresql"), 100).tables == guarded.tables


def test_only_what_the_guard_wrote_for_these_tables_passes_unread() -> None:
    asked, known = "SELECT id, first_name FROM users WHERE id = 77", schema("postgresql")
    assert written_before(asked, known, 10) is None
    guarded = guard_once(asked, known, 10)
    assert guarded == guard(asked, known, 10)
    assert written_before(asked, known, 10) is None  # what came in was never taken as checked
    assert written_before(guarded.sql, known, 10) == guard_once(guarded.sql, known, 10) == guarded
    fewer = Schema("postgresql", (SchemaTable("users", (SchemaColumn("id", "text"),)),), "e")
    for other in (schema("sqlite"), fewer):
        assert written_before(guarded.sql, other, 10) is None
    assert written_before(guarded.sql, known, 9) is None
    with pytest.raises(SqlRejected):
        guard_once(guarded.sql, fewer, 10)
    for changed in (guarded.sql.lower(), f"{guarded.sql} ", guarded.sql.replace("77", "78")):
        assert written_before(changed, known, 10) is None
