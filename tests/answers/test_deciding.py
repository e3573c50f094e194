"""What a rule turns on, and which of several rules a question is about."""

from __future__ import annotations

import pytest

from service.domain.deciding import deciding_column, showing
from service.domain.questions import Answer, Route
from service.domain.sql import ForeignKey, Schema, SchemaColumn, SchemaTable
from service.domain.verb_forms import base_terms
from service.usecases.find_rules import whole
from tests.answers.builders import chunk, evidence
from tests.answers.conftest import World, draft
from tests.answers.test_answer_question import ask

PLANS = ("Casual", "Regular", "Business")
SCHEMA = Schema(
    "sqlite",
    (
        SchemaTable("member", (SchemaColumn("name", "TEXT"), SchemaColumn("plan", "TEXT", values=PLANS))),
        SchemaTable("fee", (SchemaColumn("reason", "TEXT", values=("late return", "deposit")),)),
    ),
    "e1",
)
LEVELS = """# Levels

| Level of the agent | What present goes to the agent |
| --- | --- |
| silver | a card |
| gold | a watch |
"""
TASKS = """# Who decides

| Amount | Decided by |
| --- | --- |
| up to 15 | the clerk of the office |
| 16 to 20 | the head of the office |
| above 20 | the board of the firm |
"""
BEST = "What present goes to the agent who has the most customers?"


@pytest.mark.parametrize(
    ("rules", "column"),
    [
        (["Plan: Casual; Deposit: $300\nPlan: Regular; Deposit: $150"], ("member", "plan")),
        (["Business and regular members pay less."], ("member", "plan")),
        (["The deposit is paid back.", "Casual members pay it, business members do not."], ("member", "plan")),
        (["Casual members pay a deposit."], None),
        ([], None),
    ],
)
def test_a_rule_that_goes_through_stored_values_turns_on_their_column(
    rules: list[str], column: tuple[str, str] | None
) -> None:
    assert deciding_column(rules, SCHEMA) == column


def test_irregular_verbs_are_one_word() -> None:
    assert base_terms("Who drove, spent and sold?") == base_terms("Who drive, spend and sell?")


def test_a_row_stands_for_its_table() -> None:
    table = chunk("Plan | Fee", "Casual | 3", "Regular | 2", separator="\n")
    assert whole(evidence(table, 1, 0.9)) == "Plan: Casual; Fee: 3\nPlan: Regular; Fee: 2"
    assert whole(evidence(chunk("One fee.", "Two fees."), 0, 0.9)) == "One fee."


@pytest.fixture
def levels(world: World) -> World:
    import sqlite3

    with sqlite3.connect(world.database) as connection:
        connection.executescript(
            "ALTER TABLE agent ADD COLUMN level TEXT CHECK (level IN ('silver', 'gold'));"
            "UPDATE agent SET level = 'gold' WHERE id = 1; UPDATE agent SET level = 'silver' WHERE id = 2;"
        )
    return world


@pytest.mark.anyio
async def test_what_only_the_database_can_name_is_shown_with_its_kind(levels: World) -> None:
    await levels.upload("levels.md", LEVELS)
    levels.generator.reply = draft("SELECT name, customers FROM agent ORDER BY customers DESC LIMIT 1")
    result = await ask(levels, BEST, route=Route.HYBRID)
    assert isinstance(result.outcome, Answer)
    assert result.outcome.sql_results[0].table.rows == (("Jane", 21, "gold"),)
    assert result.outcome.citations[0].quote == "gold | a watch"
    assert [request.question for request in levels.generator.requests] == ["Which agent has the most customers?"]


@pytest.mark.anyio
async def test_the_kind_of_what_is_named_is_asked_for(levels: World) -> None:
    await levels.upload("levels.md", LEVELS)
    levels.generator.replies = {"What is the level of Jane?": draft("SELECT level FROM agent WHERE name = 'Jane'")}
    result = await ask(levels, "What present goes to the agent we know as Jane?", route=Route.HYBRID)
    assert isinstance(result.outcome, Answer)
    assert result.outcome.sql_results[0].table.rows == (("gold",),)
    assert result.outcome.citations[0].quote == "gold | a watch"


@pytest.mark.anyio
async def test_another_row_of_the_table_that_has_more_of_the_question_is_the_rule(world: World) -> None:
    await world.upload("tasks.md", TASKS)
    world.generator.replies = {
        "Amount: above 20; Decided by: the board of the firm": draft(
            "SELECT id, name FROM agent WHERE customers > 20", 0.9
        ),
        "Amount: 16 to 20; Decided by: the head of the office": draft(
            "SELECT id, name FROM agent WHERE customers BETWEEN 16 AND 20", 0.9
        ),
    }
    result = await ask(world, "Which agents does the head of the office decide about?", route=Route.HYBRID)
    assert isinstance(result.outcome, Answer)
    assert result.outcome.sql_results[0].table.rows == ((2, "Steve"),)


RIDES = Schema(
    "sqlite",
    (
        SchemaTable("car", (SchemaColumn("car_id", "INTEGER"), SchemaColumn("kind", "TEXT")), primary_key=("car_id",)),
        SchemaTable(
            "trip",
            (SchemaColumn("trip_id", "INTEGER"), SchemaColumn("car_id", "INTEGER")),
            foreign_keys=(ForeignKey(("car_id",), "car", ("car_id",)),),
        ),
    ),
    "e1",
)


@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        ("SELECT car_id FROM car ORDER BY age LIMIT 1", "SELECT car_id, car.kind FROM car ORDER BY age LIMIT 1"),
        (
            "SELECT car_id, COUNT(*) AS trip FROM trip GROUP BY car_id ORDER BY trip DESC LIMIT 1",
            "SELECT trip.car_id, COUNT(*) AS trip, car.kind FROM trip LEFT JOIN car ON trip.car_id = car.car_id "
            "GROUP BY trip.car_id, car.kind ORDER BY trip DESC LIMIT 1",
        ),
        (
            "SELECT t.car_id FROM trip AS t JOIN car AS c ON c.car_id = t.car_id LIMIT 1",
            "SELECT t.car_id, c.kind FROM trip AS t JOIN car AS c ON c.car_id = t.car_id LIMIT 1",
        ),
        ("SELECT COUNT(*) FROM trip", ""),
        ("SELECT DISTINCT car_id FROM trip", ""),
        ("SELECT car_id FROM (SELECT car_id FROM trip) AS t", ""),
        ("SELECT 1 UNION SELECT 2", ""),
    ],
)  # fmt: skip
def test_one_column_more_is_shown_and_repeats_no_row(sql: str, shown: str) -> None:
    assert showing(sql, RIDES, ("car", "kind")) == shown


def test_a_table_that_would_repeat_rows_is_not_joined() -> None:
    assert not showing("SELECT car_id FROM car", RIDES, ("trip", "trip_id"))
