"""Where one half of an answer is missing the other stays, and the answer says which is missing and why."""

from __future__ import annotations

import pytest

from service.adapters.vectors.sqlite import SqliteVectorStore
from service.domain.questions import NoAnswer, Route
from service.errors import SqlExecutionFailed, SqlRejected, UpstreamUnavailable
from service.usecases.question_outcome import DOCUMENTS_MISSING, NOTHING_FOUND, ROWS_MISSING
from tests.answers.conftest import World, draft
from tests.answers.test_answer_question import RULES, TOO_MANY, ask
from tests.answers.test_hybrid import APART, BONUS, BUSIEST, MOST, WHICH, hybrid

pytestmark = pytest.mark.anyio

FAILURES = [
    UpstreamUnavailable("The chat model took too long. Try again."),
    SqlRejected("statement", "DROP"),
    SqlExecutionFailed("no such column: x"),
]


@pytest.mark.parametrize("text", [MOST, APART, "Which support agent looks after too many customers?"])
@pytest.mark.parametrize("failure", FAILURES, ids=lambda error: type(error).__name__)
async def test_the_documents_half_outlives_whatever_happens_to_the_rows(
    world: World, failure: Exception, text: str
) -> None:
    await world.upload("rules.md", RULES)
    world.generator.reply = failure  # pyright: ignore[reportAttributeAccessIssue]
    answer = await hybrid(world, text)
    assert answer.citations
    assert ROWS_MISSING in answer.text
    assert not answer.sql_results


async def test_the_rows_outlive_a_search_that_fails(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.upload("rules.md", RULES)
    world.generator.reply = draft(TOO_MANY)

    async def fail(*_: object) -> None:
        raise UpstreamUnavailable("The vector store is down. Try again.")

    monkeypatch.setattr(SqliteVectorStore, "search", fail)
    answer = await hybrid(world, "Which support agent looks after too many customers?")
    assert answer.text.startswith("name: Jane")
    assert f"{DOCUMENTS_MISSING} The vector store is down. Try again." in answer.text
    with pytest.raises(UpstreamUnavailable, match="The vector store is down"):
        await ask(world, "How many customers may an agent look after?", route=Route.DOCUMENTS)


async def test_an_empty_corpus_leaves_rows_and_says_that_documents_are_missing(world: World) -> None:
    world.generator.reply = draft(TOO_MANY)
    answer = await hybrid(world, "Which support agent looks after too many customers?")
    assert answer.text == f"name: Jane; customers: 21\n\n{DOCUMENTS_MISSING} {NOTHING_FOUND}"


async def test_where_both_halves_are_missing_both_are_said(world: World) -> None:
    result = await ask(world, "Which support agent looks after too many customers?", route=Route.HYBRID)
    assert isinstance(result.outcome, NoAnswer)
    assert "ragsql models pull" in result.outcome.hint
    assert NOTHING_FOUND in result.outcome.hint


async def test_a_search_that_fails_the_second_time_is_said_beside_what_the_first_one_found(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.upload("bonus.md", BONUS)
    world.generator.replies = {WHICH: draft(BUSIEST)}
    search, searched = SqliteVectorStore.search, list[object]()

    async def once(*asked: object, **named: object) -> object:
        searched.append(asked)
        if len(searched) > 1:
            raise UpstreamUnavailable("The vector store is down. Try again.")
        return await search(*asked, **named)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(SqliteVectorStore, "search", once)
    answer = await hybrid(world, MOST)
    assert answer.text.startswith("name: Jane")
    assert answer.citations
    assert f"{DOCUMENTS_MISSING} The vector store is down. Try again." in answer.text
