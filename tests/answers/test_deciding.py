"""What a rule turns on, and which of several rules a question is about."""

from __future__ import annotations

import pytest

from service.domain.deciding import deciding_column
from service.domain.questions import Answer, Route
from service.domain.sql import Schema, SchemaColumn, SchemaTable
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

| Level of the agent | What bonus goes to the agent |
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
BEST = "What bonus goes to the agent who has the most customers?"


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
async def test_the_kind_of_what_only_the_database_can_name_is_looked_up(levels: World) -> None:
    await levels.upload("levels.md", LEVELS)
    kind = "What is the level of the agent who has the most customers?"
    levels.generator.replies = {kind: draft("SELECT level FROM agent ORDER BY customers DESC LIMIT 1")}
    result = await ask(levels, BEST, route=Route.HYBRID)
    assert isinstance(result.outcome, Answer)
    assert result.outcome.sql_results[0].table.rows == (("gold",),)
    assert result.outcome.citations[0].quote == "gold | a watch"
    assert [request.question for request in levels.generator.requests] == [kind]


@pytest.mark.anyio
async def test_what_does_not_show_the_kind_is_asked_for_as_before(levels: World) -> None:
    await levels.upload("levels.md", LEVELS)
    levels.generator.reply = draft("SELECT name, customers FROM agent ORDER BY customers DESC LIMIT 1")
    result = await ask(levels, BEST, route=Route.HYBRID)
    assert isinstance(result.outcome, Answer)
    assert result.outcome.sql_results[0].table.rows == (("Jane", 21),)
    assert [request.question for request in levels.generator.requests][-1] == "Which agent has the most customers?"


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
