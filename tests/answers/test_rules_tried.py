"""Rules that are tried for a question: which one counts, and when several are tried at once."""

from __future__ import annotations

import asyncio

import pytest

from service.domain.caller import DEFAULT_CALLER, Caller
from service.domain.questions import Answer, PendingSql, Question, Route
from service.domain.sql import SqlStatement
from service.ports import CannotAnswer, SqlDraft, SqlRequest
from tests.answers.conftest import World, draft
from tests.answers.test_answer_question import RULES, TOO_MANY, ask

TEXT = "Which support agent looks after too many customers?"
LIKELIEST = "No support agent looks after more than 20 customers."
CASELOADS = """# Caseload

An agent with 15 customers or more may have an assistant.

An agent with 20 customers or more is visited by the board.
"""
SECONDS = 30

pytestmark = pytest.mark.anyio


async def test_all_but_the_likeliest_rule_are_tried_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.upload("rules.md", RULES)
    world.generator.side_by_side = True
    world.generator.reply = CannotAnswer("The rule does not decide what to select.", draft("").usage)
    generate, started, all_started = world.generator.generate, list[str](), asyncio.Event()

    async def together(caller: Caller, request: SqlRequest) -> SqlDraft | CannotAnswer:
        started.append(request.rule)
        if request.rule != LIKELIEST:
            if not request.rule:
                all_started.set()
            await asyncio.wait_for(all_started.wait(), SECONDS)
        return await generate(caller, request)

    monkeypatch.setattr(world.generator, "generate", together)
    result = await ask(world, TEXT, route=Route.HYBRID)
    assert started[0] == LIKELIEST
    assert "" in started
    assert len(started) == len(set(started)) > 2
    assert result.usage.input_tokens == 10 * len(started)


async def test_a_likeliest_rule_that_is_applied_costs_no_other(world: World) -> None:
    await world.upload("rules.md", RULES)
    world.generator.side_by_side = True
    world.generator.reply = draft(TOO_MANY)
    assert isinstance((await ask(world, TEXT, route=Route.HYBRID)).outcome, Answer)
    assert [request.rule for request in world.generator.requests] == [LIKELIEST]


async def test_what_was_begun_ahead_ends_with_the_first_statement_that_is_accepted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.upload("rules.md", RULES)
    world.generator.side_by_side = True
    begun, ended = list[str](), list[str]()
    all_begun = asyncio.Event()

    async def second(caller: Caller, request: SqlRequest) -> SqlDraft | CannotAnswer:
        if request.rule == LIKELIEST:
            return CannotAnswer("The rule does not decide what to select.", draft("").usage)
        begun.append(request.rule)
        if "20 customers" in request.rule:
            await asyncio.wait_for(all_begun.wait(), SECONDS)
            return draft(TOO_MANY)
        if not request.rule:
            all_begun.set()
        try:
            await asyncio.sleep(SECONDS)
        except asyncio.CancelledError:
            ended.append(request.rule)
            raise
        raise AssertionError("nobody ended it")

    monkeypatch.setattr(world.generator, "generate", second)
    stream = world.assembly.use_cases.questions.stream(DEFAULT_CALLER, Question(TEXT, route=Route.HYBRID))
    statement = [event async for event in stream if isinstance(event, SqlStatement)]
    assert statement[0].sql.startswith(TOO_MANY)
    assert len(ended) == len(begun) - 1 > 0


@pytest.mark.parametrize(("rule", "waits"), [("is visited by the board", False), ("may have an assistant", True)])
async def test_a_statement_by_a_rule_that_is_about_something_else_waits(world: World, rule: str, waits: bool) -> None:
    await world.upload("rules.md", CASELOADS)
    bound = 15 if "assistant" in rule else 20
    world.generator.reply = draft(f"SELECT name, customers FROM agent WHERE customers >= {bound}", 0.9)
    result = await ask(world, "Which agents have so many customers that the board visits them?", route=Route.HYBRID)
    assert isinstance(result.outcome, PendingSql if waits else Answer)
