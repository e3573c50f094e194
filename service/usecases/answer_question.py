"""Answer a question from documents, from the database, or from both: one code path for Query and StreamQuery."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from service.domain.caller import Caller
from service.domain.prices import cost_usd
from service.domain.questions import Answer, Event, PendingSql, QueryResult, Question, Route, TextDelta, Usage
from service.domain.sql import LEAST_CONFIDENCE, ExecutionLimits, SqlResult
from service.errors import NotConfigured, RagsqlError, SqlNotGenerated
from service.ports import AnswerRecords, CannotAnswer
from service.usecases.answer_cache import AnswerCache
from service.usecases.choose_evidence import LEAST_RULE, ChooseEvidence
from service.usecases.compose_answer import cite, put_first
from service.usecases.find_rules import find_rules
from service.usecases.phrase_rows import PhraseRows
from service.usecases.question_outcome import Work, documents_half, outcome, replay
from service.usecases.read_passages import by_relevance
from service.usecases.retrieve_passages import Retrieved, RetrievePassages
from service.usecases.route_question import RouteQuestion
from service.usecases.run_sql import RunSql
from service.usecases.sql_statements import Proposal, ProposeSql
from service.usecases.streams import closing


@dataclass(frozen=True, slots=True)
class AnswerQuestion:
    """Retrieves, routes, generates and runs SQL where needed, and composes one answer."""

    retrieve: RetrievePassages
    route: RouteQuestion
    choose: ChooseEvidence
    sql: ProposeSql
    run: RunSql
    phrase: PhraseRows
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
        cached = None if question.no_cache else await self.cache.get(caller, key)
        if cached is not None:
            for event in replay(cached):
                yield event
            return
        found = await self.retrieve(caller, question)
        routing = await self.route(caller, question, found)
        yield routing
        chosen = await self.choose(caller, question, found, routing.route)
        work = Work(chosen.evidence, self._embedding_usage(found) + chosen.usage)
        if routing.route is not Route.SQL:
            for item in work.evidence:
                yield cite(item)
        if routing.route is not Route.DOCUMENTS:
            rows = self._answer_from_database(caller, question, found, routing.route, work)
            async with closing(rows):
                async for event in rows:
                    yield event
        result = QueryResult(routing, outcome(routing.route, question, work), work.usage)
        shown = result.outcome.answer_so_far if isinstance(result.outcome, PendingSql) else result.outcome
        if isinstance(shown, Answer):
            await self.records.save_answer(caller, shown.id, question.text)
        if isinstance(result.outcome, Answer):
            yield TextDelta(result.outcome.text)
        if chosen.final:
            await self.cache.put(caller, key, result)
        yield result

    async def _answer_from_database(
        self, caller: Caller, question: Question, found: Retrieved, route: Route, work: Work
    ) -> AsyncIterator[Event]:
        rules = find_rules(by_relevance(found.evidence), LEAST_RULE) if route is Route.HYBRID else ()
        try:
            proposal = await self.sql.propose(caller, question.text, [r.text for r in rules], question.no_cache)
            work.usage += proposal.usage
            if isinstance(proposal, CannotAnswer):
                work.gap = proposal.reason
                return
            for rule in (rule for rule in rules if rule.text == proposal.rule):
                applied = rule.applied_by(proposal.statement.sql, question.text)
                work.evidence = put_first(applied, work.evidence)
                yield cite(applied)
            work.half = documents_half(route, work.evidence)
            if await self._must_wait(caller, question, proposal):
                work.pending = await self.sql.keep(caller, proposal, work.half)
                yield work.pending
                return
            ran = self.run.at_once(caller, proposal, work.half, self.limits, question.no_cache)
            async with closing(ran):
                async for event in ran:
                    yield event
                    if isinstance(event, SqlResult):
                        work.said, spent = await self.phrase(caller, event)
                        work.result, work.usage = event, work.usage + spent
        except (NotConfigured, SqlNotGenerated) as error:
            work.gap = error.message
        except RagsqlError as error:
            if route is Route.SQL or not work.evidence:
                raise
            work.gap = error.message

    async def _must_wait(self, caller: Caller, question: Question, proposal: Proposal) -> bool:
        doubtful = proposal.confidence < LEAST_CONFIDENCE
        return doubtful or not await self.sql.may_run_at_once(caller, question.sql_policy)

    def _embedding_usage(self, found: Retrieved) -> Usage:
        model = self.retrieve.embedder.model
        return Usage(embedding_tokens=found.tokens, cost_usd=cost_usd(model, found.tokens), models=(model,))
