from __future__ import annotations

import pytest

from service.domain.caller import DEFAULT_CALLER
from service.domain.questions import (
    Answer,
    Citation,
    NoAnswer,
    NoAnswerReason,
    PendingSql,
    QueryResult,
    Question,
    Route,
    Routing,
    SqlPolicy,
    TextDelta,
)
from service.domain.sql import SqlResult, SqlStatement
from service.errors import SqlRejected, UpstreamUnavailable
from service.ports import CannotAnswer
from service.usecases.question_outcome import NOTHING_FOUND
from tests.answers.conftest import World, draft

RULES = """# Caseload

No support agent looks after more than 20 customers. When somebody goes over that number, the manager moves accounts to
a colleague before the end of the month. New accounts are given to whoever has the fewest.

# Pay

Salaries are paid on the last Friday. Expenses are paid back within a week of the day on which their receipts arrived at
the office, and never in cash.
"""
TOO_MANY = "SELECT name, customers FROM agent WHERE customers > 20"
CASELOAD = "How many customers may a support agent look after?"

pytestmark = pytest.mark.anyio


async def ask(world: World, text: str, **fixed: object) -> QueryResult:
    return await world.assembly.use_cases.questions.ask(DEFAULT_CALLER, Question(text, **fixed))  # pyright: ignore[reportArgumentType]


async def events(world: World, text: str, **fixed: object) -> list[object]:
    question = Question(text, **fixed)  # pyright: ignore[reportArgumentType]
    return [event async for event in world.assembly.use_cases.questions.stream(DEFAULT_CALLER, question)]


async def test_a_document_answers_with_a_quote_that_stands_in_it(world: World) -> None:
    document = await world.upload("rules.md", RULES)
    result = await ask(world, CASELOAD, route=Route.DOCUMENTS)
    assert isinstance(result.outcome, Answer)
    citation = result.outcome.citations[0]
    assert citation.quote == "No support agent looks after more than 20 customers."
    assert (citation.document_id, citation.filename) == (document, "rules.md")
    assert citation.headings[-1] == "Caseload"
    (span,) = citation.answer_spans
    assert result.outcome.text[span.start : span.end] == citation.quote
    assert result.usage.embedding_tokens > 0
    assert result.usage.models == ("words",)


async def test_nothing_relevant_is_no_answer(world: World) -> None:
    await world.upload("rules.md", RULES)
    result = await ask(world, "Which moons orbit Jupiter?", route=Route.DOCUMENTS)
    assert result.outcome == NoAnswer(NoAnswerReason.NO_RELEVANT_CONTENT, NOTHING_FOUND)


async def test_an_empty_corpus_is_routed_to_the_database(world: World) -> None:
    world.generator.reply = draft("SELECT COUNT(*) AS agents FROM agent")
    result = await ask(world, "How many agents are there?")
    assert result.routing.route is Route.SQL
    assert "no document is searchable" in result.routing.reason
    assert isinstance(result.outcome, Answer)
    assert result.outcome.text == "There are 2 agents."


async def test_a_hybrid_answer_gives_the_rule_to_the_statement_and_holds_both(world: World) -> None:
    await world.upload("rules.md", RULES)
    world.generator.reply = draft(TOO_MANY)
    result = await ask(world, "Which support agent looks after too many customers?", route=Route.HYBRID)
    (request,) = world.generator.requests
    assert request.rule == "No support agent looks after more than 20 customers."
    assert isinstance(result.outcome, Answer)
    assert "Jane" in result.outcome.text
    assert "more than 20 customers" in result.outcome.text
    assert result.outcome.citations[0].filename == "rules.md"
    (found,) = result.outcome.sql_results
    assert found.table.rows == (("Jane", 21),)
    assert result.usage.input_tokens == 10


async def test_the_good_half_is_kept_and_the_missing_one_named(world: World) -> None:
    await world.upload("rules.md", RULES)
    world.generator.reply = UpstreamUnavailable("The chat model does not answer. Try again.")
    result = await ask(world, CASELOAD, route=Route.HYBRID)
    assert isinstance(result.outcome, Answer)
    assert "more than 20 customers" in result.outcome.text
    assert result.outcome.text.endswith("is missing. The chat model does not answer. Try again.")
    with pytest.raises(UpstreamUnavailable):
        await ask(world, CASELOAD, route=Route.SQL)


async def test_without_a_chat_model_sql_is_a_no_answer_that_names_the_command(world: World) -> None:
    result = await ask(world, "How many agents are there?", route=Route.SQL)
    assert isinstance(result.outcome, NoAnswer)
    assert result.outcome.reason is NoAnswerReason.SQL_NOT_GENERATED
    assert "ragsql models pull" in result.outcome.hint


async def test_a_declined_question_falls_back_to_documents_only_when_the_route_was_free(world: World) -> None:
    await world.upload("rules.md", RULES)
    world.generator.reply = CannotAnswer("No table holds rules.", draft("x").usage)
    forced = await ask(world, CASELOAD, route=Route.SQL)
    assert forced.outcome == NoAnswer(NoAnswerReason.SQL_NOT_GENERATED, "No table holds rules.")


async def test_a_statement_waits_when_the_caller_wants_to_see_it(world: World) -> None:
    world.generator.reply = draft(TOO_MANY)
    result = await ask(world, "Who has too many?", route=Route.SQL, sql_policy=SqlPolicy.REQUIRE_APPROVAL)
    assert isinstance(result.outcome, PendingSql)
    statement = result.outcome.statement
    ran = await world.assembly.use_cases.sql.execute(DEFAULT_CALLER, statement.id, statement.etag, 10)
    assert ran.result.table.rows == (("Jane", 21),)


async def test_a_doubtful_statement_waits(world: World) -> None:
    world.generator.reply = draft(TOO_MANY, confidence=0.1)
    result = await ask(world, "Who has too many?", route=Route.SQL)
    assert isinstance(result.outcome, PendingSql)


async def test_a_hostile_statement_never_runs(world: World) -> None:
    world.generator.reply = draft("DELETE FROM agent")
    with pytest.raises(SqlRejected):
        await ask(world, "Who has too many?", route=Route.SQL)
    world.generator.reply = draft("SELECT COUNT(*) AS n FROM agent")
    result = await ask(world, "How many?", route=Route.SQL)
    assert isinstance(result.outcome, Answer)
    assert result.outcome.text == "The n is 2."


async def test_the_stream_is_in_order_and_ends_with_what_ask_returns(world: World) -> None:
    await world.upload("rules.md", RULES)
    world.generator.reply = draft(TOO_MANY)
    seen = await events(world, "Which support agent looks after too many customers?", route=Route.HYBRID)
    kinds = [type(event) for event in seen]
    assert kinds[0] is Routing
    assert kinds[-4:] == [SqlStatement, SqlResult, TextDelta, QueryResult]
    assert set(kinds[1:-4]) == {Citation}
    final = seen[-1]
    assert isinstance(final, QueryResult)
    assert isinstance(final.outcome, Answer)
    assert "".join(event.text for event in seen if isinstance(event, TextDelta)) == final.outcome.text


async def test_the_second_answer_is_a_hit_and_otherwise_the_same(world: World) -> None:
    await world.upload("rules.md", RULES)
    first = await ask(world, CASELOAD, route=Route.DOCUMENTS)
    second = await ask(world, CASELOAD, route=Route.DOCUMENTS)
    assert (first.cache_hit, second.cache_hit) == (False, True)
    assert second.outcome == first.outcome
    assert second.usage == first.usage
    replayed = await events(world, CASELOAD, route=Route.DOCUMENTS)
    assert replayed[-1] == second
    assert isinstance(replayed[0], Routing)


async def test_an_upload_or_a_delete_is_seen_by_the_next_question(world: World) -> None:
    document = await world.upload("rules.md", RULES)
    await ask(world, CASELOAD, route=Route.DOCUMENTS)
    await world.upload("rules.md", RULES.replace("20", "25"))
    changed = await ask(world, CASELOAD, route=Route.DOCUMENTS)
    assert isinstance(changed.outcome, Answer)
    assert not changed.cache_hit
    assert "25 customers" in changed.outcome.text
    assert "20 customers" not in changed.outcome.text
    page = await world.assembly.use_cases.documents.list(DEFAULT_CALLER, 10, "", ())
    assert [item.id for item in page.items] != [document]
    await world.assembly.use_cases.documents.delete(DEFAULT_CALLER, page.items[0].id)
    gone = await ask(world, CASELOAD, route=Route.DOCUMENTS)
    assert isinstance(gone.outcome, NoAnswer)


@pytest.mark.parametrize("change", ["replace", "delete"])
async def test_an_answer_that_was_under_way_meanwhile_is_not_given_again(world: World, change: str) -> None:
    document = await world.upload("rules.md", RULES)
    questions, documents = world.assembly.use_cases.questions, world.assembly.use_cases.documents
    stream = questions.stream(DEFAULT_CALLER, Question(CASELOAD, Route.DOCUMENTS))
    await anext(aiter(stream))
    if change == "delete":
        await documents.delete(DEFAULT_CALLER, document)
    else:
        await world.upload("rules.md", RULES.replace("20", "25"))
    late = [event async for event in stream][-1]
    assert isinstance(late, QueryResult)
    assert isinstance(late.outcome, Answer)
    assert "20 customers" in late.outcome.text
    after = await ask(world, CASELOAD, route=Route.DOCUMENTS)
    assert not after.cache_hit
    assert isinstance(after.outcome, NoAnswer if change == "delete" else Answer)
    assert "20 customers" not in str(after.outcome)


async def test_rows_are_never_answered_from_the_cache(world: World) -> None:
    world.generator.reply = draft("SELECT COUNT(*) AS n FROM agent")
    first = await ask(world, "How many?", route=Route.SQL)
    second = await ask(world, "How many?", route=Route.SQL)
    assert not first.cache_hit
    assert not second.cache_hit


async def test_only_the_named_documents_are_read(world: World) -> None:
    await world.upload("rules.md", RULES)
    other = await world.upload("other.md", "# Other\n\nA support agent may look after two pets.\n")
    result = await ask(world, CASELOAD, route=Route.DOCUMENTS, documents=(other,))
    assert isinstance(result.outcome, Answer)
    assert {citation.document_id for citation in result.outcome.citations} == {other}
