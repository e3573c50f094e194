"""Questions that were taken for the documents' alone and ask for what is stored."""

from __future__ import annotations

import pytest

from service.domain.hybrid_plan import things_asked
from service.domain.questions import Answer, QueryResult, Route, Routing
from service.errors import NotConfigured, SqlNotGenerated, UpstreamUnavailable
from service.ports import SqlDraft
from service.usecases.route_question import Routed, RouteQuestion
from tests.answers.conftest import World, draft
from tests.answers.test_answer_question import CASELOAD, RULES, TOO_MANY, ask, events

RULE = "No support agent looks after more than 20 customers."
WHICH = "Which support agents does the rule about caseload concern?"

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def to_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    async def routed(*_: object) -> Routed:
        return Routed(Routing(Route.DOCUMENTS, 0.8, "The documents speak of it."))

    monkeypatch.setattr(RouteQuestion, "__call__", routed)


async def test_rows_are_added_where_a_rule_selects_what_is_stored(world: World) -> None:
    await world.upload("rules.md", RULES)
    world.generator.replies = {RULE: draft(TOO_MANY, 0.2)}
    told = await events(world, WHICH)
    result = told[-1]
    assert isinstance(result, QueryResult)
    assert isinstance(result.outcome, Answer)
    assert [item.route for item in told if isinstance(item, Routing)] == [Route.DOCUMENTS, Route.HYBRID]
    assert result.routing.route is Route.HYBRID
    assert result.outcome.sql_results[0].table.rows == (("Jane", 21),)
    assert result.outcome.citations[0].quote == RULE


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        (WHICH, draft("SELECT name FROM agent WHERE customers > 12", 0.9)),
        (WHICH, draft("SELECT COUNT(*) FROM agent WHERE customers > 20", 0.9)),
        (WHICH, SqlNotGenerated("No valid SQL could be written.")),
        (WHICH, UpstreamUnavailable("The model is down.")),
        (WHICH, NotConfigured("No chat model is installed.")),
        (CASELOAD, draft(TOO_MANY, 0.9)),
    ],
)
async def test_the_documents_answer_stays_where_no_rule_selects_rows(
    world: World, text: str, reply: SqlDraft | Exception
) -> None:
    await world.upload("rules.md", RULES)
    world.generator.reply = reply
    result = await ask(world, text)
    assert result.routing.route is Route.DOCUMENTS
    assert isinstance(result.outcome, Answer)
    assert not result.outcome.sql_results
    assert RULE in result.outcome.text
    assert "missing" not in result.outcome.text


async def test_a_route_that_the_caller_chose_stays(world: World) -> None:
    await world.upload("rules.md", RULES)
    world.generator.reply = draft(TOO_MANY)
    result = await ask(world, WHICH, route=Route.DOCUMENTS)
    assert result.routing.route is Route.DOCUMENTS
    assert world.generator.requests == []


@pytest.mark.parametrize(
    ("question", "things"),
    [
        ("Which of our old trucks must be sold?", {"old", "truck"}),
        ("For how many hires was it needed?", {"hir", "was"}),
        ("Who among the ushers has the badge?", {"usher", "has"}),
        ("It rained. Which boats may sail?", {"boat", "may"}),
        ("May a boat sail?", set[str]()),
    ],
)
def test_what_is_counted_or_listed(question: str, things: set[str]) -> None:
    assert things_asked(question) == things
