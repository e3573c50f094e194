"""A rule's bound in the place of the measure that a question leaves open."""

from __future__ import annotations

import pytest

from service.adapters.sqlgen.bounded import as_the_rule_bounds, bounded_question, without_outcome
from service.domain.accounted import is_accounted_for, misses_point, picks_one
from service.domain.sql import Schema, SchemaColumn, SchemaTable

STORED = {("town", "rome"), ("town", "oslo"), ("kind", "rabbit")}


@pytest.mark.parametrize(
    ("question", "rule", "bounded"),
    [
        ("Which orders are large enough to be checked?", "Orders above $500 are checked.",
         "Which orders are above $500?"),
        ("Which shops have enough lamps for a rebate?", "A shop with ten or more lamps gets a rebate.",
         "Which shops have ten or more lamps?"),
        ("Are there rabbits that weigh too much?", "A cat above 5.5 kg or a rabbit above 3 kg is put on a diet.",
         "Are there rabbits that weigh above 3 kg?"),
        ("How many visits were by groups that were too small?", "Groups are four people or more.",
         "How many visits were by groups that were fewer than four people?"),
        ("Which hires were too long?", "A hire is at most 14 days.", "Which hires were more than 14 days?"),
        ("Which orders are large enough to be checked?", "Large orders are checked.", ""),
        ("Which orders are above $500?", "Orders above $500 are checked.", ""),
    ],
)  # fmt: skip
def test_the_bound_replaces_the_open_measure(question: str, rule: str, bounded: str) -> None:
    assert bounded_question(question, rule) == bounded


def test_a_number_is_compared_as_the_rule_compares_it() -> None:
    rule = "An act with ten or more albums gets a plaque."
    assert as_the_rule_bounds("Which acts have more than ten albums", rule) == "Which acts have at least ten albums"
    above = "Orders above $90 are reviewed."
    assert as_the_rule_bounds("Which orders are at least $90", above) == "Which orders are more than $90"
    assert as_the_rule_bounds("Which orders are at least $80", above) == "Which orders are at least $80"


def test_what_happens_at_a_number_happens_from_then_on() -> None:
    rule = "A vehicle is sold at 900,000 km or when it is twelve years old."
    assert as_the_rule_bounds("Which have more than 900,000 km", rule) == "Which have at least 900,000 km"
    row = "Kind: Van; Taken out of hire at: 4,500 hours"
    assert as_the_rule_bounds("Which have more than 4,500 hours", row) == "Which have at least 4,500 hours"
    assert as_the_rule_bounds("Which have more than 800,000 km", rule) == "Which have more than 800,000 km"


def test_what_follows_from_the_rule_is_no_condition() -> None:
    rule = "Level: Gold; Spend: $40.00 or more; Reply within: 1 hour"
    assert without_outcome("Who spent $40.00 or more and have not been replied to", rule) == "Who spent $40.00 or more"
    kept = "Who spent $40.00 or more and are from Oslo"
    assert without_outcome(kept, rule) == kept


@pytest.mark.parametrize(
    ("sql", "asked", "accounted"),
    [
        ("SELECT name FROM t WHERE weight > 3", "above 3 kg", True),
        ("SELECT name FROM t WHERE minutes > 240", "more than four hours", True),
        ("SELECT name FROM t WHERE weight > 5", "above 3 kg", False),
        ("SELECT name FROM t WHERE town = 'Rome'", "people in Rome", True),
        ("SELECT name FROM t WHERE name = 'Rome'", "people in Rome", False),
        ("SELECT name FROM t WHERE town = 'Oslo'", "people in Rome", False),
        ("SELECT name FROM t WHERE d >= '2024-01-01' AND d < '2025-01-01'", "in 2024", True),
        ("SELECT name FROM t WHERE d >= '2023-01-01'", "in 2024", False),
        ("SELECT name FROM t WHERE n > 3 GROUP BY name HAVING COUNT(*) > 1", "above 3 kg", False),
        ("SELECT name FROM t WHERE n > 3 AND paid = 1", "above 3 kg", True),
        ("SELECT name FROM t WHERE d > DATE('now')", "above 3 kg", False),
        ("SELECT name FROM t WHERE weight > (SELECT AVG(weight) FROM t)", "above 3 kg", False),
        ("SELECT name FROM t WHERE NOT EXISTS (SELECT 1 FROM u WHERE u.n > 3)", "above 3 kg", False),
        ("SELECT name FROM t WHERE paid IS NULL AND n > 3", "more than 3 that are not paid", True),
        ("SELECT name FROM t WHERE pay * 1.25 > pay", "paid at 125 %", False),
        ("SELECT name FROM t WHERE pay > 125 AND pay < most", "more than 125", True),
    ],
)
def test_all_that_is_compared_with_must_have_been_asked_for(sql: str, asked: str, accounted: bool) -> None:
    assert is_accounted_for(sql, "sqlite", asked, STORED) is accounted


def test_a_value_that_the_question_names_must_be_used() -> None:
    sql = "SELECT name FROM animals WHERE weight > 3"
    assert not is_accounted_for(sql, "sqlite", "rabbits above 3 kg", STORED, ["Rabbit"])
    assert is_accounted_for(f"{sql} AND kind = 'Rabbit'", "sqlite", "rabbits above 3 kg", STORED, ["Rabbit"])


@pytest.mark.parametrize(
    ("question", "sql", "left"),
    [
        ("Which open claims are above $200?", "SELECT id FROM claim WHERE amount > 200", True),
        ("Which open claims are above $200?", "SELECT id FROM claim WHERE amount > 200 AND settled_on IS NULL", False),
        ("Which claims are above $200?", "SELECT id FROM claim WHERE amount > 200", False),
        ("Who owes more than $12?", "SELECT owner, SUM(sum) FROM fine GROUP BY owner HAVING SUM(sum) > 12", True),
        (
            "Who owes more than $12?",
            "SELECT owner FROM fine WHERE NOT isPaid GROUP BY owner HAVING SUM(sum) > 12",
            False,
        ),
        ("Who has open claims and pays by card?", "SELECT name FROM person WHERE card = 1", False),
        ("Which farms are above 200?", "SELECT town, SUM(area) FROM farm WHERE area > 200 GROUP BY town", True),
        ("What is the total above 200?", "SELECT town, SUM(area) FROM farm WHERE area > 200 GROUP BY town", False),
        ("Which farms are above 200?", "SELECT town FROM farm GROUP BY town HAVING SUM(area) > 200", False),
    ],
)
def test_a_statement_must_list_what_a_question_asks_for(question: str, sql: str, left: bool) -> None:
    columns = {"claim": ["id", "amount", "settled_on"], "fine": ["owner", "sum", "isPaid"], "person": ["name", "card"]}
    tables = (SchemaTable(name, tuple(SchemaColumn(part, "") for part in parts)) for name, parts in columns.items())
    assert misses_point(sql, Schema("sqlite", tuple(tables), "e1"), question, "") is left


def test_the_group_that_counts_most_is_picked() -> None:
    grouped = "SELECT kind, COUNT(*) AS n FROM animals GROUP BY kind"
    assert picks_one(f"{grouped} ORDER BY n DESC LIMIT 1", "sqlite")
    assert picks_one(f"{grouped} ORDER BY COUNT(*) LIMIT 1", "sqlite")
    assert not picks_one(f"{grouped} ORDER BY kind LIMIT 1", "sqlite")
    assert not picks_one(f"{grouped} ORDER BY n DESC LIMIT 1001", "sqlite")
    assert not picks_one("SELECT kind FROM animals ORDER BY weight DESC LIMIT 1", "sqlite")
