"""Answer a question from documents, from the database, or from both: one code path for Query and StreamQuery."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from service.domain.caller import Caller
from service.domain.prices import cost_usd
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
from service.domain.sql import LEAST_CONFIDENCE, ExecutionLimits, SqlResult, SqlStatement
from service.errors import NotConfigured, RagsqlError, SqlNotGenerated
from service.ports import AnswerRecords, CannotAnswer
from service.usecases.answer_cache import AnswerCache
from service.usecases.choose_evidence import LEAST_RULE, ChooseEvidence
from service.usecases.compose_answer import cite, compose, put_first
from service.usecases.find_rules import find_rules
from service.usecases.read_passages import Evidence, by_relevance
from service.usecases.retrieve_passages import Retrieved, RetrievePassages
from service.usecases.route_question import RouteQuestion
from service.usecases.sql_statements import Proposal, SqlRunner

NOTHING_FOUND = (
    "No passage of the documents answers this. Name what you mean as the documents do, or upload one that says it."
)


@dataclass(slots=True)
class _Work:
    """What answering one question has produced so far. gap says why the database half is missing."""

    evidence: list[Evidence]
    usage: Usage
    result: SqlResult | None = None
    pending: SqlStatement | None = None
    gap: str = ""


@dataclass(frozen=True, slots=True)
class AnswerQuestion:
    """Retrieves, routes, generates and runs SQL where needed, and composes one answer."""

    retrieve: RetrievePassages
    route: RouteQuestion
    choose: ChooseEvidence
    sql: SqlRunner
    limits: ExecutionLimits
    records: AnswerRecords
    cache: AnswerCache

    async def ask(self, caller: Caller, question: Question) -> QueryResult:
        """The final event of stream."""
        async for event in self.stream(caller, question):
            if isinstance(event, QueryResult):
                return event
        raise AssertionError("stream ends with the QueryResult")

    async def stream(self, caller: Caller, question: Question) -> AsyncIterator[Event]:
        """What happens while answering, in order; the last event is the QueryResult."""
        key = await self.cache.key(caller, question)
        cached = await self.cache.get(caller, key)
        if cached is not None:
            for event in replay(cached):
                yield event
            return
        found = await self.retrieve(caller, question)
        routing = await self.route(caller, question, found)
        yield routing
        chosen = await self.choose(caller, question, found, routing.route)
        work = _Work(chosen.evidence, self._embedding_usage(found) + chosen.usage)
        if routing.route is not Route.SQL:
            for item in work.evidence:
                yield cite(item)
        if routing.route is not Route.DOCUMENTS:
            async for event in self._answer_from_database(caller, question, found, routing.route, work):
                yield event
        result = QueryResult(routing, self._outcome(routing.route, question, work), work.usage)
        if isinstance(result.outcome, Answer):
            await self.records.save_answer(caller, result.outcome.id, question.text)
            yield TextDelta(result.outcome.text)
        if chosen.final:
            await self.cache.put(caller, key, result)
        yield result

    async def _answer_from_database(
        self, caller: Caller, question: Question, found: Retrieved, route: Route, work: _Work
    ) -> AsyncIterator[Event]:
        rules = find_rules(by_relevance(found.evidence), LEAST_RULE) if route is Route.HYBRID else ()
        try:
            proposal = await self.sql.propose(caller, question.text, [rule.text for rule in rules])
            work.usage += proposal.usage
            if isinstance(proposal, CannotAnswer):
                work.gap = proposal.reason
                return
            for rule in (rule for rule in rules if rule.text == proposal.rule):
                applied = rule.applied_by(proposal.statement.sql, question.text)
                work.evidence = put_first(applied, work.evidence)
                yield cite(applied)
            yield proposal.statement
            if await self._must_wait(caller, question, proposal):
                work.pending = proposal.statement
                return
            work.result = await self.sql.run(caller, proposal.statement, self.limits)
            yield work.result
        except (NotConfigured, SqlNotGenerated) as error:
            work.gap = error.message
        except RagsqlError as error:
            if route is Route.SQL or not work.evidence:
                raise
            work.gap = error.message

    async def _must_wait(self, caller: Caller, question: Question, proposal: Proposal) -> bool:
        doubtful = proposal.confidence < LEAST_CONFIDENCE
        return doubtful or not await self.sql.may_run_at_once(caller, question.sql_policy)

    def _outcome(self, route: Route, question: Question, work: _Work) -> Answer | PendingSql | NoAnswer:
        evidence = [] if route is Route.SQL else work.evidence
        if work.pending is not None:
            return PendingSql(work.pending, compose(evidence, []) if evidence else None)
        results = [work.result] if work.result else []
        if results or (evidence and not work.gap):
            return compose(evidence, results)
        if evidence and route is Route.HYBRID:
            return compose(evidence, [], [f"The part of the answer that the database holds is missing. {work.gap}"])
        if work.gap and work.evidence and question.route is Route.UNSPECIFIED:
            return compose(work.evidence, [], [f"The database could not be asked. {work.gap}"])
        if work.gap:
            return NoAnswer(NoAnswerReason.SQL_NOT_GENERATED, work.gap)
        return NoAnswer(NoAnswerReason.NO_RELEVANT_CONTENT, NOTHING_FOUND)

    def _embedding_usage(self, found: Retrieved) -> Usage:
        model = self.retrieve.embedder.model
        return Usage(embedding_tokens=found.tokens, cost_usd=cost_usd(model, found.tokens), models=(model,))


def replay(result: QueryResult) -> Sequence[Event]:
    """The events of a result that is known already."""
    events: list[Event] = [result.routing]
    if isinstance(result.outcome, Answer):
        events += result.outcome.citations
        for item in result.outcome.sql_results:
            events += [item.statement, item]
        events.append(TextDelta(result.outcome.text))
    return [*events, result]
