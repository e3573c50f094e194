"""One answer from documents and database: either may lead, and what one half lacks the other does not lose."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from service.app import assemble
from service.domain.caller import DEFAULT_CALLER, Caller
from service.domain.questions import (
    Answer,
    Citation,
    PendingSql,
    QueryResult,
    Question,
    Route,
    Routing,
    SqlPolicy,
    TextDelta,
)
from service.domain.sql import SqlResult, SqlStatement
from service.errors import SqlNotGenerated, UpstreamUnavailable
from service.usecases.route_question import Routed, RouteQuestion
from tests.answers.conftest import WordEmbedder, WordReader, World, draft
from tests.answers.test_answer_question import RULES, TOO_MANY, ask, events

BONUS = """# Bonus

Steve receives a bonus of ten dollars on his birthday. Jane receives a bonus of ninety dollars in spring. Nobody else
receives a bonus from the firm.

# Parking

Visitors may park in the yard until six.
"""
LEVELS = """# Levels of agents

| Level | Customers looked after | Bonus |
| --- | --- | --- |
| Bronze | under 10 | none |
| Silver | 10 to 19 | a card |
| Gold | 20 or more | a watch |
"""
MOST = "What bonus goes to the agent who has the most customers?"
WHICH = "Which agent has the most customers?"
BUSIEST = "SELECT name, customers FROM agent ORDER BY customers DESC LIMIT 1"
APART = "How many agents are there, and how many customers may a support agent look after?"
COUNT = "SELECT COUNT(*) AS agents FROM agent"

pytestmark = pytest.mark.anyio


async def hybrid(world: World, text: str) -> Answer:
    result = await ask(world, text, route=Route.HYBRID)
    assert isinstance(result.outcome, Answer)
    return result.outcome


async def test_documents_are_asked_about_the_name_that_the_database_found(world: World) -> None:
    await world.upload("bonus.md", BONUS)
    world.generator.replies = {WHICH: draft(BUSIEST)}
    answer = await hybrid(world, MOST)
    assert [request.question for request in world.generator.requests] == [WHICH]
    assert answer.text.startswith("name: Jane; customers: 21")
    assert "Jane receives a bonus of ninety dollars" in answer.citations[0].quote
    assert [result.statement.question for result in answer.sql_results] == [MOST]


async def test_no_row_goes_to_an_embedding_model_that_runs_elsewhere(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(world.assembly.settings, embedder="openai", openai_api_key="key")
    models = {"embedder": WordEmbedder(), "reader": WordReader(), "parser": world.assembly.ports.parser}
    assembly = assemble(settings, **models, sqlgen=world.generator, chat=world.chat)
    await world.upload("bonus.md", BONUS)
    world.generator.replies = {WHICH: draft(BUSIEST)}
    embedded: list[str] = []
    embed = WordEmbedder.embed_query

    async def watched(self: WordEmbedder, caller: Caller, text: str) -> object:
        embedded.append(text)
        return await embed(self, caller, text)

    monkeypatch.setattr(WordEmbedder, "embed_query", watched)
    result = await assembly.use_cases.questions.ask(DEFAULT_CALLER, Question(MOST, route=Route.HYBRID))
    assert isinstance(result.outcome, Answer)
    assert "Jane receives a bonus of ninety dollars" in result.outcome.citations[0].quote
    assert not any("Jane" in text for text in embedded)
    assembly.close()


async def test_a_number_that_the_database_found_picks_the_row_of_a_rule_table(world: World) -> None:
    await world.upload("levels.md", LEVELS)
    world.generator.replies = {WHICH: draft(BUSIEST)}
    answer = await hybrid(world, MOST)
    assert answer.citations[0].quote == "Gold | 20 or more | a watch"
    assert "Silver" not in answer.text
    assert "Bronze" not in answer.text


async def test_a_person_is_looked_up_by_a_question_that_keeps_the_name(world: World) -> None:
    await world.upload("levels.md", LEVELS)
    world.chat.says = [("How many customers does the agent look after?", 0.0)]
    looked_up = "How many customers does the agent look after of Jane?"
    world.generator.replies = {looked_up: draft("SELECT name, customers FROM agent WHERE name = 'Jane'", 0.3)}
    answer = await hybrid(world, "Which level may Jane expect?")
    assert [request.question for request in world.generator.requests] == [looked_up]
    assert answer.citations[0].quote == "Gold | 20 or more | a watch"


async def test_a_doubtful_statement_waits_unless_all_that_it_compares_with_was_asked_for(world: World) -> None:
    await world.upload("rules.md", RULES)
    text = "Which support agent looks after too many customers?"
    world.generator.reply = draft(TOO_MANY, 0.3)
    assert (await hybrid(world, text)).sql_results
    world.generator.reply = draft("SELECT name, customers FROM agent WHERE customers > 20 AND id > 7", 0.3)
    waiting = await ask(world, f"{text} ", route=Route.HYBRID)
    assert isinstance(waiting.outcome, PendingSql)


async def test_a_question_that_starts_in_the_database_falls_back_to_the_rules(world: World) -> None:
    await world.upload("bonus.md", BONUS)
    world.generator.replies = {WHICH: SqlNotGenerated("No valid SQL could be written."), MOST: draft(TOO_MANY)}
    answer = await hybrid(world, MOST)
    assert [request.question for request in world.generator.requests][:2] == [WHICH, MOST]
    assert answer.sql_results[0].table.rows == (("Jane", 21),)


@pytest.mark.parametrize("sure", [True, False])
async def test_a_rule_is_tried_where_the_database_alone_is_not_sure(
    world: World, monkeypatch: pytest.MonkeyPatch, sure: bool
) -> None:
    async def to_sql(*_: object) -> Routed:
        return Routed(Routing(Route.SQL, 0.8, "It counts."))

    monkeypatch.setattr(RouteQuestion, "__call__", to_sql)
    await world.upload("rules.md", RULES)
    text = "Which support agent looks after more customers than is good?"
    rule = "No support agent looks after more than 20 customers."
    world.generator.replies = {text: draft("SELECT name FROM agent", 0.9 if sure else 0.2), rule: draft(TOO_MANY, 0.2)}
    told = await events(world, text)
    result = told[-1]
    assert isinstance(result, QueryResult)
    assert isinstance(result.outcome, Answer)
    assert [item.route for item in told if isinstance(item, Routing)][-1] is result.routing.route
    assert result.routing.route is (Route.SQL if sure else Route.HYBRID)
    assert [citation.quote for citation in result.outcome.citations][:1] == ([] if sure else [rule])
    assert len(result.outcome.sql_results[0].table.rows) == (2 if sure else 1)


async def test_halves_that_need_nothing_of_one_another_are_found_at_the_same_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.upload("rules.md", RULES)
    world.generator.reply = draft(COUNT)
    writing, reading = asyncio.Event(), asyncio.Event()
    generate, embed = world.generator.generate, WordEmbedder.embed_query

    async def slow_generate(*asked: object) -> object:
        writing.set()
        await asyncio.wait_for(reading.wait(), 60)
        return await generate(*asked)  # pyright: ignore[reportArgumentType]

    async def slow_embed(self: WordEmbedder, caller: object, text: str) -> object:
        if text.startswith("how many customers"):
            reading.set()
            await asyncio.wait_for(writing.wait(), 60)
        return await embed(self, DEFAULT_CALLER, text)

    monkeypatch.setattr(world.generator, "generate", slow_generate)
    monkeypatch.setattr(WordEmbedder, "embed_query", slow_embed)
    answer = await hybrid(world, APART)
    assert answer.text.startswith("There are 2 agents.")
    assert answer.citations[0].quote == "No support agent looks after more than 20 customers."
    assert world.generator.requests[0].question == "How many agents are there?"


@pytest.mark.parametrize("text", [MOST, APART, "Which support agent looks after too many customers?"])
async def test_the_stream_tells_all_that_the_answer_holds_and_ends_with_it(world: World, text: str) -> None:
    await world.upload("rules.md", RULES)
    world.generator.reply = draft(TOO_MANY)
    told = await events(world, text, route=Route.HYBRID)
    assert isinstance(told[0], Routing)
    result = told[-1]
    assert isinstance(result, QueryResult)
    assert isinstance(result.outcome, Answer)
    cited = {(item.document_id, item.source_span) for item in told if isinstance(item, Citation)}
    assert {(item.document_id, item.source_span) for item in result.outcome.citations} <= cited
    places = [next(i for i, item in enumerate(told) if isinstance(item, kind)) for kind in (SqlStatement, SqlResult)]
    assert places == sorted(places)
    assert "".join(item.text for item in told if isinstance(item, TextDelta)) == result.outcome.text
    same = await ask(world, text, route=Route.HYBRID)
    assert isinstance(same.outcome, Answer)
    assert same.outcome.text == result.outcome.text


async def test_a_stream_that_is_closed_leaves_nothing_at_work(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.upload("rules.md", RULES)
    begun, stopped = asyncio.Event(), asyncio.Event()

    async def endless(*_: object) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            stopped.set()
            raise

    monkeypatch.setattr(world.generator, "generate", endless)
    stream = world.assembly.use_cases.questions.stream(DEFAULT_CALLER, Question(APART, route=Route.HYBRID))
    async for event in stream:
        if isinstance(event, Citation):
            break
    await asyncio.wait_for(begun.wait(), 60)
    await stream.aclose()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    await asyncio.wait_for(stopped.wait(), 60)


async def test_documents_are_asked_about_rows_that_were_approved_later(world: World) -> None:
    await world.upload("bonus.md", BONUS)
    world.generator.replies = {WHICH: draft(BUSIEST)}
    result = await ask(world, MOST, route=Route.HYBRID, sql_policy=SqlPolicy.REQUIRE_APPROVAL)
    assert isinstance(result.outcome, PendingSql)
    statement = result.outcome.statement
    finished = await world.assembly.use_cases.sql.execute(DEFAULT_CALLER, statement.id, statement.etag, 100)
    assert finished.answer.text.startswith("name: Jane; customers: 21\n\nJane receives a bonus of ninety dollars")
    assert finished.usage.embedding_tokens > 0
    for citation in finished.answer.citations:
        for span in citation.answer_spans:
            assert finished.answer.text[span.start : span.end] == citation.quote.replace("\n", " ")


async def test_a_search_that_fails_after_an_approval_leaves_the_half_that_was_stored(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.upload("bonus.md", BONUS)
    world.generator.replies = {WHICH: draft(BUSIEST)}
    result = await ask(world, MOST, route=Route.HYBRID, sql_policy=SqlPolicy.REQUIRE_APPROVAL)
    assert isinstance(result.outcome, PendingSql)
    assert result.outcome.answer_so_far

    async def fail(*_: object) -> None:
        raise UpstreamUnavailable("The embedder is down.")

    monkeypatch.setattr(WordEmbedder, "embed_query", fail)
    statement = result.outcome.statement
    finished = await world.assembly.use_cases.sql.execute(DEFAULT_CALLER, statement.id, statement.etag, 100)
    assert finished.answer.text.endswith(result.outcome.answer_so_far.text)
