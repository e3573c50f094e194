"""A chat model has its say about what a document answers, and only there."""

from __future__ import annotations

import pytest

from service.domain.questions import Answer, NoAnswer, Route
from service.errors import UpstreamUnavailable
from service.usecases.check_answer import LONGEST_STATEMENT
from tests.answers.conftest import World, draft
from tests.answers.test_answer_question import CASELOAD, RULES, ask

pytestmark = pytest.mark.anyio


async def test_what_the_model_denies_is_no_answer(world: World) -> None:
    await world.upload("rules.md", RULES)
    world.chat.says = (("no", -0.01), ("yes", -5.0))
    result = await ask(world, CASELOAD, route=Route.DOCUMENTS)
    assert isinstance(result.outcome, NoAnswer)
    assert result.usage.models == ("words", "scripted")
    assert result.usage.input_tokens == 100


@pytest.mark.parametrize("says", [((" Yes", -0.2), ("No", -1.9)), (("yes.", 0.0),)])
async def test_what_it_affirms_is_shown(world: World, says: tuple[tuple[str, float], ...]) -> None:
    await world.upload("rules.md", RULES)
    world.chat.says = says
    result = await ask(world, CASELOAD, route=Route.DOCUMENTS)
    assert isinstance(result.outcome, Answer)
    (asked,) = world.chat.asked
    assert CASELOAD in asked
    assert "Caseload: No support agent looks after more than 20 customers." in asked
    assert len(asked) < 4 * LONGEST_STATEMENT


@pytest.mark.parametrize("says", [(("perhaps", 0.0),), UpstreamUnavailable("The model is down.")])
async def test_without_a_verdict_the_reader_decides(world: World, says: tuple[tuple[str, float], ...]) -> None:
    await world.upload("rules.md", RULES)
    world.chat.says = says
    assert isinstance((await ask(world, CASELOAD, route=Route.DOCUMENTS)).outcome, Answer)
    assert isinstance((await ask(world, "Which moons orbit Jupiter?", route=Route.DOCUMENTS)).outcome, NoAnswer)


async def test_an_answer_that_could_not_be_checked_is_not_remembered(world: World) -> None:
    await world.upload("rules.md", RULES)
    world.chat.says = UpstreamUnavailable("The model is down.")
    assert not (await ask(world, CASELOAD, route=Route.DOCUMENTS)).cache_hit
    world.chat.says = (("yes", 0.0),)
    assert not (await ask(world, CASELOAD, route=Route.DOCUMENTS)).cache_hit
    assert (await ask(world, CASELOAD, route=Route.DOCUMENTS)).cache_hit
    assert len(world.chat.asked) == 2


async def test_it_is_not_asked_about_the_database_nor_about_nothing(world: World) -> None:
    world.generator.reply = draft("SELECT COUNT(*) AS agents FROM agent")
    await ask(world, CASELOAD, route=Route.SQL)
    await ask(world, CASELOAD, route=Route.DOCUMENTS)
    assert world.chat.asked == []


async def test_nor_where_an_amount_is_asked_for_and_none_was_found(world: World) -> None:
    await world.upload("canteen.md", "# Canteen\n\nPay with your badge. A lost badge is replaced by the porter.\n")
    world.chat.says = (("yes", 0.0),)
    asked = "What do I pay for a badge that I lost?"
    assert isinstance((await ask(world, asked, route=Route.DOCUMENTS)).outcome, NoAnswer)
    assert world.chat.asked == []
    await world.upload("porter.md", "# Porter\n\nYou pay 12 euro for a badge that you lost.\n")
    assert isinstance((await ask(world, asked, route=Route.DOCUMENTS)).outcome, Answer)
