"""A chat model has its say about the route where the evidence leaves it open, and only there."""

from __future__ import annotations

import math

import pytest

from service.domain.questions import Route
from service.errors import NotConfigured, UpstreamUnavailable
from service.usecases.break_tie import LEAST, LONGEST_QUESTION
from tests.answers.conftest import World, draft
from tests.answers.test_answer_question import RULES, ask, events

pytestmark = pytest.mark.anyio

CLOSE = "Who looks after customers?"
CLEAR = "When are salaries paid?"
FOR_DATABASE = (("B", math.log(0.9)), ("A", math.log(0.07)), ("C", math.log(0.03)))


@pytest.fixture
async def both(world: World) -> World:
    await world.upload("rules.md", RULES)
    world.generator.reply = draft("SELECT name FROM agent")
    return world


async def test_the_model_decides_between_close_routes_and_is_paid_for(both: World) -> None:
    alone = await ask(both, CLOSE)
    assert alone.routing.route is Route.DOCUMENTS
    assert "chat model" not in alone.routing.reason
    both.chat.says = FOR_DATABASE
    told = await ask(both, CLOSE, no_cache=True)
    assert told.routing.route is Route.SQL
    assert alone.routing.confidence < told.routing.confidence < 1
    assert "a chat model was asked too" in told.routing.reason
    assert told.routing.reason.count(".") == told.routing.reason.rstrip(".").count(".") + 1
    assert told.usage.input_tokens == 100 + 10
    assert "scripted" in told.usage.models


async def test_evidence_counts_beside_what_it_says(both: World) -> None:
    before = (await ask(both, CLOSE)).routing
    both.chat.says = (("A", math.log(0.4)), ("B", math.log(0.35)), ("C", math.log(0.25)))
    after = (await ask(both, CLOSE, no_cache=True)).routing
    assert after.route is before.route
    assert after.confidence > before.confidence


@pytest.mark.parametrize(("question", "fixed"), [(CLEAR, Route.UNSPECIFIED), (CLOSE, Route.SQL)])
async def test_it_is_not_asked_what_is_clear_or_decided(both: World, question: str, fixed: Route) -> None:
    both.chat.says = FOR_DATABASE
    await ask(both, question, route=fixed)
    assert not any("A, B or C?" in asked for asked in both.chat.asked)


async def test_it_is_not_asked_where_there_is_one_source(world: World) -> None:
    world.generator.reply = draft("SELECT name FROM agent")
    world.chat.says = FOR_DATABASE
    await ask(world, CLOSE)
    assert world.chat.asked == []


async def test_a_reply_without_probabilities_does_not_outweigh_all_evidence(both: World) -> None:
    both.chat.says = (("c", 0.0),)
    routing = (await ask(both, CLOSE)).routing
    assert routing.route is Route.HYBRID
    assert routing.confidence < 1 - LEAST


@pytest.mark.parametrize("says", [NotConfigured("None."), UpstreamUnavailable("Down."), (("Perhaps", 0.0),)])
async def test_without_an_opinion_the_evidence_decides(
    both: World, says: Exception | tuple[tuple[str, float], ...]
) -> None:
    both.chat.says = says
    routing = (await ask(both, CLOSE)).routing
    assert routing.route is Route.DOCUMENTS
    assert "chat model" not in routing.reason


async def test_a_route_that_it_could_not_be_asked_about_is_not_remembered(both: World) -> None:
    both.chat.says = UpstreamUnavailable("The model is down.")
    await ask(both, CLOSE)
    both.chat.says = FOR_DATABASE
    again = await ask(both, CLOSE)
    assert not again.cache_hit
    assert again.routing.route is Route.SQL


async def test_of_a_long_question_the_end_is_shown_and_the_stream_says_the_same(both: World) -> None:
    both.chat.says = FOR_DATABASE
    long = f"{'Nothing of this matters. ' * 150}{CLOSE}"
    first, *_, last = await events(both, long)
    assert getattr(last, "routing", None) == first
    shown = [asked for asked in both.chat.asked if "A, B or C?" in asked]
    assert all(CLOSE in asked and len(asked) < LONGEST_QUESTION + 100 for asked in shown)
