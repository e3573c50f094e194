"""What came of a question, from what answering it has produced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from service.domain.questions import (
    Answer,
    Event,
    NoAnswer,
    NoAnswerReason,
    PendingSql,
    QueryResult,
    Question,
    Route,
    Routing,
    TextDelta,
    Usage,
)
from service.domain.sql import SqlResult, SqlStatement
from service.usecases.compose_answer import compose, with_rows
from service.usecases.read_passages import Evidence
from service.usecases.steps import step

NOTHING_FOUND = (
    "No passage of the documents answers this. Name what you mean as the documents do, or upload one that says it."
)


ROWS_MISSING = "The part of the answer that the database holds is missing."
DOCUMENTS_MISSING = "The part of the answer that documents hold is missing."


@dataclass(slots=True)
class Work:
    """What answering one question has produced so far.

    said is result in words; gap says why there is no result, unread why the documents could not be asked. routing is
    what was decided later than at first, if anything.
    """

    evidence: list[Evidence]
    usage: Usage
    half: Answer | None = None
    result: SqlResult | None = None
    said: str = ""
    pending: SqlStatement | None = None
    gap: str = ""
    unread: str = ""
    routing: Routing | None = None


def documents_half(route: Route, work: Work) -> Answer | None:
    """The part of the answer that needs no rows. Where both sources were needed, it says what documents lack."""
    if route is Route.SQL:
        return None
    if work.unread or (route is Route.HYBRID and not work.evidence):
        return compose(work.evidence, [f"{DOCUMENTS_MISSING} {work.unread or NOTHING_FOUND}"])
    return compose(work.evidence) if work.evidence else None


@step("compose")
def outcome(route: Route, question: Question, work: Work) -> Answer | PendingSql | NoAnswer:
    """What the rows say, then what the documents say, then what is missing; or what waits, or why there is nothing."""
    half = work.half or documents_half(route, work)
    if work.pending is not None:
        return PendingSql(work.pending, half)
    if work.result is not None:
        return with_rows(half, work.said, work.result)
    if work.gap:
        return _without_rows(route, question, work)
    if work.evidence and half is not None:
        return half
    return NoAnswer(NoAnswerReason.NO_RELEVANT_CONTENT, work.unread or NOTHING_FOUND)


def _without_rows(route: Route, question: Question, work: Work) -> Answer | NoAnswer:
    if work.evidence and route is Route.HYBRID:
        return compose(work.evidence, [f"{ROWS_MISSING} {work.gap}"])
    if work.evidence and question.route is Route.UNSPECIFIED:
        return compose(work.evidence, [f"The database could not be asked. {work.gap}"])
    if route is Route.HYBRID:
        return NoAnswer(NoAnswerReason.SQL_NOT_GENERATED, f"{work.gap} {work.unread or NOTHING_FOUND}")
    return NoAnswer(NoAnswerReason.SQL_NOT_GENERATED, work.gap)


def replay(result: QueryResult) -> Sequence[Event]:
    """The events of a result that is known already."""
    events: list[Event] = [result.routing]
    if isinstance(result.outcome, Answer):
        events += result.outcome.citations
        for item in result.outcome.sql_results:
            events += [item.statement, item]
        events.append(TextDelta(result.outcome.text))
    return [*events, result]
