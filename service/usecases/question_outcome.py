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
    TextDelta,
    Usage,
)
from service.domain.sql import SqlResult, SqlStatement
from service.usecases.compose_answer import compose
from service.usecases.finish_answer import with_rows
from service.usecases.read_passages import Evidence
from service.usecases.steps import step

NOTHING_FOUND = (
    "No passage of the documents answers this. Name what you mean as the documents do, or upload one that says it."
)


@dataclass(slots=True)
class Work:
    """What answering one question has produced so far. said is result in words; gap says why there is no result."""

    evidence: list[Evidence]
    usage: Usage
    half: Answer | None = None
    result: SqlResult | None = None
    said: str = ""
    pending: SqlStatement | None = None
    gap: str = ""


def documents_half(route: Route, evidence: Sequence[Evidence]) -> Answer | None:
    """The part of the answer that needs no rows."""
    return compose(evidence) if evidence and route is not Route.SQL else None


@step("compose")
def outcome(route: Route, question: Question, work: Work) -> Answer | PendingSql | NoAnswer:
    """What the rows say, then what the documents say, then what is missing; or what waits, or why there is nothing."""
    half = work.half or documents_half(route, work.evidence)
    if work.pending is not None:
        return PendingSql(work.pending, half)
    if work.result is not None:
        return with_rows(half, work.said, work.result)
    if half is not None and not work.gap:
        return half
    if half is not None and route is Route.HYBRID:
        return compose(work.evidence, [f"The part of the answer that the database holds is missing. {work.gap}"])
    if work.gap and work.evidence and question.route is Route.UNSPECIFIED:
        return compose(work.evidence, [f"The database could not be asked. {work.gap}"])
    if work.gap:
        return NoAnswer(NoAnswerReason.SQL_NOT_GENERATED, work.gap)
    return NoAnswer(NoAnswerReason.NO_RELEVANT_CONTENT, NOTHING_FOUND)


def replay(result: QueryResult) -> Sequence[Event]:
    """The events of a result that is known already."""
    events: list[Event] = [result.routing]
    if isinstance(result.outcome, Answer):
        events += result.outcome.citations
        for item in result.outcome.sql_results:
            events += [item.statement, item]
        events.append(TextDelta(result.outcome.text))
    return [*events, result]
