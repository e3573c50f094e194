"""Comparisons as the question words them, lists where it asks which, and no joins that it does not speak of."""

from __future__ import annotations

import pytest
import sqlglot

from service.adapters.sqlgen.bounded import as_the_rule_bounds
from service.adapters.sqlgen.mend import mend
from service.adapters.sqlgen.mend_bounds import mend_bounds
from service.adapters.sqlgen.restate import restated_question
from service.adapters.sqlgen.shape import complete
from service.domain.sql import ForeignKey, Schema, SchemaColumn, SchemaTable
from service.domain.stated_bounds import Bound, stated_bounds
from service.ports import SqlRequest


def _table(name: str, columns: str, refers: str = "") -> SchemaTable:
    parts = [SchemaColumn(name, kind) for name, kind in (column.split(" ") for column in columns.split(", "))]
    keys = (ForeignKey((f"{refers}_id",), refers, (f"{refers}_id",)),) if refers else ()
    return SchemaTable(name, tuple(parts), primary_key=(parts[0].name,), foreign_keys=keys)


SCHEMA = Schema(
    "sqlite",
    (
        _table("boat", "boat_id INTEGER, title TEXT, length REAL, built INTEGER"),
        _table("trip", "trip_id INTEGER, boat_id INTEGER, hours REAL", "boat"),
    ),
    "e1",
)


@pytest.mark.parametrize(
    ("text", "number", "bound"),
    [
        ("10 or more orders", 10, Bound(True, True)),
        ("orders of $250 or more are free", 250, Bound(True, True)),
        ("ten stays and up", 10, Bound(True, True)),
        ("from grade 7 on", 7, Bound(True, True)),
        ("at least 14 nights", 14, Bound(True, True)),
        ("no fewer than three", 3, Bound(True, True)),
        ("more than 2,000.50", 2000.5, Bound(False, True)),
        ("trees older than six years", 6, Bound(False, None)),
        ("exceeding 5", 5, Bound(False, True)),
        ("10 km or less", 10, Bound(True, False)),
        ("up to 20 kg", 20, Bound(True, False)),
        ("no more than 9", 9, Bound(True, False)),
        ("isn't over 30", 30, Bound(True, False)),
        ("fewer than 40", 40, Bound(False, False)),
        ("younger than 18", 18, Bound(False, False)),
        ("12 years or older", 12, Bound(True, None)),
    ],
)
def test_the_wording_says_whether_a_bound_holds_its_number(text: str, number: float, bound: Bound) -> None:
    assert stated_bounds(text) == {number: bound}


@pytest.mark.parametrize(
    "text",
    ["10 or more, and in Oslo more than 10", "in the last 30 days", "20 people on a bus", "rather than 5",
     "more than 4th", "over the year 2020"],
)  # fmt: skip
def test_what_is_worded_in_two_ways_or_in_none_is_no_bound(text: str) -> None:
    assert stated_bounds(text) == {}


@pytest.mark.parametrize(
    ("question", "sql", "mended"),
    [
        ("customers with 10 or more orders", "HAVING COUNT(*) > 10", "HAVING COUNT(*) >= 10"),
        ("customers with more than 10 orders", "HAVING COUNT(*) >= 10", "HAVING COUNT(*) > 10"),
        ("customers with 10 or more orders", "HAVING 10 < COUNT(*)", "HAVING 10 <= COUNT(*)"),
        ("customers with 10 orders or fewer", "HAVING COUNT(*) < 10", "HAVING COUNT(*) <= 10"),
        ("customers with fewer than 10 orders", "HAVING COUNT(*) <= 10", "HAVING COUNT(*) < 10"),
        ("customers older than 10", "HAVING MAX(born) <= 10", "HAVING MAX(born) < 10"),
        ("trips of at least four hours", "HAVING SUM(minutes) > 240", "HAVING SUM(minutes) >= 240"),
    ],
)
def test_a_comparison_holds_its_number_where_the_question_says_so(question: str, sql: str, mended: str) -> None:
    tree = sqlglot.parse_one(f"SELECT name FROM t GROUP BY name {sql}", read="sqlite")
    assert mend_bounds(tree, question) == 1
    assert tree.sql("sqlite") == f"SELECT name FROM t GROUP BY name {mended}"


@pytest.mark.parametrize(
    ("question", "sql"),
    [
        ("customers with 10 or more orders", "SELECT name FROM t WHERE n < 10"),
        ("customers with 10 or more orders", "SELECT name FROM t WHERE n > 9"),
        ("customers with 10 or more orders", "SELECT name FROM t WHERE d > '10'"),
        ("the best 10 customers", "SELECT name FROM t WHERE n > 10"),
    ],
)
def test_a_direction_is_never_turned_and_other_numbers_stay(question: str, sql: str) -> None:
    tree = sqlglot.parse_one(sql, read="sqlite")
    assert mend_bounds(tree, question) == 0
    assert tree.sql("sqlite") == sql


@pytest.mark.parametrize(
    ("question", "rule", "bounded"),
    [
        ("Which boats are longer than 9 m", "Boats of 9 m or more pay double.", "Which boats are at least 9 m"),
        ("Which boats are below 9 m", "Boats up to 9 m are free.", "Which boats are at most 9 m"),
        ("Which boats are at most 9 m", "Boats shorter than 9 m are free.", "Which boats are below 9 m"),
        ("Which boats are below 9 m", "Boats of 9 m or more pay double.", "Which boats are below 9 m"),
    ],
)
def test_a_question_is_bounded_as_its_rule_is(question: str, rule: str, bounded: str) -> None:
    assert as_the_rule_bounds(question, rule) == bounded


@pytest.mark.parametrize(
    ("question", "reply", "restated"),
    [
        ("Which boats are too long?", "How many boats are longer than 9 m?", "Which boats are longer than 9 m?"),
        ("How many boats are too long?", "Which boats are longer than 9 m?", "How many boats are longer than 9 m?"),
        ("Which boats are too long?", "How many trips are longer than 9 m?", "How many trips are longer than 9 m?"),
    ],
)
def test_which_stays_which(question: str, reply: str, restated: str) -> None:
    request = SqlRequest(question, SCHEMA, rule="Boats longer than 9 m stay outside.")
    assert restated_question(reply, request) == restated


def test_which_rows_are_listed_and_not_counted() -> None:
    counted = "SELECT COUNT(*) AS n FROM boat WHERE length > 9"
    listed = "SELECT boat_id, title FROM boat WHERE length > 9"
    assert complete(counted, "Which of our boats are above 9 m?", SCHEMA) == listed
    for question in ("How many boats are above 9 m?", "Which harbours have boats above 9 m?"):
        assert complete(counted, question, SCHEMA) == counted
    grouped = "SELECT length, COUNT(*) AS n FROM boat WHERE length > 9 GROUP BY length ORDER BY n DESC"
    assert complete(grouped, "Which of our boats are above 9 m?", SCHEMA) == listed
    for question in ("Which boats are there by length?", "Which boats are there of each kind above 9 m?"):
        assert "GROUP BY" in complete(grouped, question, SCHEMA)


JOINED = "SELECT b.title FROM boat AS b JOIN trip AS t ON t.boat_id = b.boat_id WHERE b.length < 9"


@pytest.mark.parametrize(
    "question",
    ["Which boats are shorter than 9 m?", "Which boats that are below 9 m?", "Which boats have a length below 9?"],
)
def test_a_table_that_nothing_asks_for_is_not_joined(question: str) -> None:
    assert mend(JOINED, question, SCHEMA) == "SELECT b.title FROM boat AS b WHERE b.length < 9"


@pytest.mark.parametrize(
    "question",
    [
        "Which boats below 9 m were on a trip?",
        "Which boats below 9 m sailed this summer?",
        "Which boats that somebody took out at sea are below 9 m?",
        "Which boats have hours and are below 9 m?",
    ],
)
def test_a_table_stays_where_the_question_says_more_than_a_bound(question: str) -> None:
    assert mend(JOINED, question, SCHEMA) == JOINED


def test_a_join_that_multiplies_what_is_counted_stays() -> None:
    sql = f"{JOINED.replace('b.title', 'b.title, COUNT(*)')} GROUP BY b.title"
    assert mend(sql, "Which boats are shorter than 9 m?", SCHEMA) == sql
