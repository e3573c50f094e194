"""The clause of a rule that a question asks about."""

from __future__ import annotations

import pytest

from service.domain.accounted import is_accounted_for, misses_point
from service.domain.rule_clauses import applies_another, asked_clause, spelled_out
from service.domain.sql import Schema, SchemaColumn, SchemaTable

CARDS = (
    "Guests with ten stays or more have a silver card, with 25 stays a gold card. Silver card holders may sleep until "
    "noon; gold card holders are fetched from the station."
)
JOINED = "SELECT b.title FROM boat b JOIN trip t ON t.boat = b.id"
SIGNING = "Up to $1,500 the branch signs, above that the board. A machine with three repairs is inspected."


@pytest.mark.parametrize(
    ("question", "rule", "clause"),
    [
        ("Who came often enough to be fetched from the station?", CARDS, "with 25 stays a gold card"),
        ("Who may sleep until noon?", CARDS, "Guests with ten stays or more have a silver card"),
        ("Which rabbits weigh too much?", "A cat above 5.5 kg or a rabbit above 3 kg is put on a diet.",
         "a rabbit above 3 kg is put on a diet"),
        ("Are any of our cats fat enough for the diet?", "A cat above 5.5 kg or a rabbit above 3 kg is put on a diet.",
         "A cat above 5.5 kg is put on a diet"),
        ("Which parcels are too long?", "Letters above 50 g, parcels above 2 m and bags above 9 kg go by van.",
         "parcels above 2 m and bags above 9 kg go by van"),
        ("What did the board sign?", SIGNING, "Up to $1,500 the branch signs, above $1,500 the board"),
        ("Which machine did the board sign?", SIGNING, "Up to $1,500 the branch signs, above $1,500 the board"),
        ("Which orders are checked?", "Orders above $500 are checked, whoever made them.", ""),
        ("Who gets a towel?", CARDS, ""),
    ],
)  # fmt: skip
def test_the_clause_that_shares_most_with_the_question(question: str, rule: str, clause: str) -> None:
    assert asked_clause(question, rule) == clause


def test_the_number_of_another_clause_is_another_rule() -> None:
    question = "Which guests came often enough to be fetched from the station?"
    assert applies_another("SELECT name FROM guest WHERE stays >= 10", question, CARDS)
    assert not applies_another("SELECT name FROM guest WHERE stays >= 25", question, CARDS)
    assert not applies_another("SELECT name FROM guest WHERE stays >= 10", "Who gets a towel?", CARDS)
    assert applies_another("SELECT m FROM repair GROUP BY m HAVING COUNT(*) = 3", "What did the board sign?", SIGNING)


def test_that_is_the_number_before_it() -> None:
    assert spelled_out("Up to 5 kg by post, above that by van.") == "Up to 5 kg by post, above 5 kg by van."
    assert spelled_out("Nobody is above that.") == "Nobody is above that."


@pytest.mark.parametrize(
    ("question", "sql", "missed"),
    [
        ("Which boats are long?", "SELECT COUNT(*) FROM boat WHERE length > 9", True),
        ("How many boats are long?", "SELECT COUNT(*) FROM boat WHERE length > 9", False),
        ("Which boats are long?", f"{JOINED} WHERE b.length > 9", True),
        ("Which boats with a trip are long?", f"{JOINED} WHERE b.length > 9", False),
        ("Which boats are long?", f"{JOINED} WHERE t.hours > 9", False),
        ("What is late?", "SELECT t.hours FROM trip t JOIN boat b ON b.id = t.boat WHERE t.hours > 9", False),
    ],
)  # fmt: skip
def test_a_list_is_no_count_and_needs_no_other_table(question: str, sql: str, missed: bool) -> None:
    boat = SchemaTable("boat", tuple(SchemaColumn(name, "") for name in ("id", "title", "length")), primary_key=("id",))
    trip = SchemaTable("trip", tuple(SchemaColumn(name, "") for name in ("boat", "hours")))
    assert misses_point(sql, Schema("sqlite", (boat, trip), "e1"), question, "") is missed


def test_how_a_date_is_written_is_not_compared_with() -> None:
    sql = "SELECT room FROM rooms WHERE painted < STRFTIME('%Y', '2025-01-01') - 6"
    assert is_accounted_for(sql, "sqlite", "more than six years ago, counted from 2025", set())
