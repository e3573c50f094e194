"""What is taught reaches the generator of the whole service, and answers given before do not outlive it."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest

from service.domain.caller import DEFAULT_CALLER, Caller
from service.domain.questions import Answer, Question, Route
from service.domain.sql import ExampleQuery, KnowledgeItem
from service.errors import InvalidRequest
from tests.answers.conftest import WordEmbedder, World, draft

pytestmark = pytest.mark.anyio
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
QUESTION = "Which agent looks after the most customers?"
EXAMPLE = ExampleQuery("Which agent has the most customers?", "SELECT name FROM agent ORDER BY customers DESC LIMIT 1")


async def teach(world: World, example: ExampleQuery = EXAMPLE) -> KnowledgeItem:
    return await world.assembly.use_cases.knowledge.create(DEFAULT_CALLER, KnowledgeItem("", NOW, example=example))


async def test_the_generator_is_given_what_was_taught_and_the_question_is_embedded_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Counter[str]()
    embed = WordEmbedder.embed_query

    async def counted(self: WordEmbedder, caller: Caller, text: str) -> object:
        asked[text] += 1
        return await embed(self, caller, text)

    monkeypatch.setattr(WordEmbedder, "embed_query", counted)
    item = await teach(world)
    world.generator.reply = draft("SELECT name FROM agent")
    await world.assembly.use_cases.questions.ask(DEFAULT_CALLER, Question(QUESTION, Route.SQL))
    assert world.generator.requests[-1].knowledge == (item,)
    await world.assembly.use_cases.sql.generate(DEFAULT_CALLER, QUESTION)
    assert world.generator.requests[-1].knowledge == (item,)
    assert asked[QUESTION] == 1
    await world.assembly.use_cases.sql.generate(Caller("other"), QUESTION)
    assert world.generator.requests[-1].knowledge == ()


async def test_an_answer_is_not_given_again_after_something_was_taught(world: World) -> None:
    await world.upload("policy.txt", "The return policy allows returns within 45 days.")
    asked = Question("How many days does the return policy allow?", Route.DOCUMENTS)
    ask = world.assembly.use_cases.questions.ask
    assert [(await ask(DEFAULT_CALLER, asked)).cache_hit for _ in range(2)] == [False, True]
    await teach(world)
    assert [(await ask(DEFAULT_CALLER, asked)).cache_hit for _ in range(2)] == [False, True]


async def test_corrected_sql_goes_all_the_way_to_the_generator(world: World) -> None:
    world.generator.reply = draft("SELECT name FROM agent")
    use = world.assembly.use_cases
    outcome = (await use.questions.ask(DEFAULT_CALLER, Question(QUESTION, Route.SQL))).outcome
    assert isinstance(outcome, Answer)
    good = await use.feedback.create(DEFAULT_CALLER, outcome.id, "BAD", "", EXAMPLE.sql)
    bad = await use.feedback.create(DEFAULT_CALLER, outcome.id, "BAD", "", "DELETE FROM agent")
    await use.feedback.promote(DEFAULT_CALLER, good)
    with pytest.raises(InvalidRequest, match="Only SELECT"):
        await use.feedback.promote(DEFAULT_CALLER, bad)
    await use.sql.generate(DEFAULT_CALLER, QUESTION)
    (item,) = world.generator.requests[-1].knowledge
    assert item.example == ExampleQuery(QUESTION, EXAMPLE.sql)
