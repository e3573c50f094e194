"""Grading as defog grades, and what is counted as shown."""

from __future__ import annotations

import datetime as dt
import decimal

import pytest

from evals.defog import Graded, measures
from evals.defog_data import with_instructions
from evals.defog_scoring import Result, expand, is_right

GOLD = Result("SELECT a, n FROM t ORDER BY n DESC", ("a", "n"), (("x", 3), ("y", decimal.Decimal("2.5")), ("z", 2.5)))


def test_a_gold_stands_for_every_choice_of_its_columns_and_for_alternatives() -> None:
    gold = "SELECT {t.a, t.b AS c}, COUNT(*) FROM t WHERE s = ';{' GROUP BY {}; SELECT 1"
    assert expand(gold) == [
        "SELECT t.a, COUNT(*) FROM t WHERE s = ';{' GROUP BY t.a",
        "SELECT t.b AS c, COUNT(*) FROM t WHERE s = ';{' GROUP BY t.b",
        "SELECT t.a, t.b AS c, COUNT(*) FROM t WHERE s = ';{' GROUP BY t.a, t.b",
        "SELECT 1",
    ]


@pytest.mark.parametrize(
    ("columns", "rows", "right"),
    [
        (("n", "a"), [(3.0, "x"), (2.5, "y"), (2.5, "z")], True),  # columns in any order
        (("a", "extra", "n"), [("x", 0, 3), ("y", 0, 2.5), ("z", 0, 2.5)], True),
        (("a", "n"), [("z", 2.5), ("x", 3), ("y", 2.5)], True),  # rows in any order
        (("a", "n"), [("x", 3), ("y", 2.5)], False),
        (("a", "n"), [("x", 3), ("x", 3), ("y", 2.5), ("z", 2.5)], True),  # a row twice
        (("a", "extra", "n"), [("x", 0, 3), ("x", 0, 3), ("y", 0, 2.5), ("z", 0, 2.5)], False),
        (("a", "n"), [("x", 3), ("y", 2.49), ("z", 2.5)], False),
        (("a",), [("x",), ("y",), ("z",)], False),
    ],
)
def test_rows_are_right_when_the_gold_is_found_in_them(
    columns: tuple[str, ...], rows: list[tuple[object, ...]], right: bool
) -> None:
    assert is_right([GOLD], columns, rows, "Which?", "group_by") is right


def test_order_counts_where_it_is_asked_for_and_ties_may_swap() -> None:
    swapped = [("x", 3), ("z", 2.5), ("y", 2.5)]
    turned = [("y", 2.5), ("z", 2.5), ("x", 3)]
    assert is_right([GOLD], ("a", "n"), swapped, "Which?", "order_by")
    assert not is_right([GOLD], ("a", "n"), turned, "Which?", "order_by")
    assert not is_right([GOLD], ("a", "n"), turned, "Sort them", "group_by")


def test_a_date_is_its_midnight_and_its_text() -> None:
    day = Result("SELECT d FROM t", ("d",), ((dt.date(2024, 5, 1),),))
    for value in (dt.datetime(2024, 5, 1), "2024-05-01", dt.datetime(2024, 5, 1, tzinfo=dt.UTC)):
        assert is_right([day], ("d",), [(value,)], "", "")
    assert not is_right([day], ("d",), [(dt.date(2024, 5, 2),)], "", "")


def test_instructions_belong_to_the_question() -> None:
    assert with_instructions({"question": "Q? ", "instructions": "Use ILIKE"}) == "Q?\nUse ILIKE"
    assert with_instructions({"question": "Q?"}) == "Q?"


def test_wrong_answers_count_only_when_they_are_shown() -> None:
    def graded(verdict: str, shown: bool, kind: str = "questions_gen_postgres") -> Graded:
        return Graded(kind, 0, "d", "c", "q", verdict, shown)

    items = [
        graded("right", True), graded("wrong", True), graded("wrong", False), graded("declined", False),
        graded("wrong", True, "idk"), graded("declined", False, "idk"),
    ]  # fmt: skip
    found = {item.name: item for item in measures(items, True)}
    assert (found["execution accuracy"].value, found["execution accuracy"].verdict) == (25.0, "UNDER")
    assert (found["shown but wrong"].value, found["shown but wrong"].verdict) == (25.0, "OVER")
    assert found["unanswerable, shown"].value == 50.0
