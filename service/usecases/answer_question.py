"""Answer a question from documents, from the database, or from both: one code path for Query and StreamQuery."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from service.domain.caller import Caller
from service.domain.questions import (
    Answer,
    Citation,
    Event,
    PendingSql,
    QueryResult,
    Question,
    Route,
    TextDelta,
)
from service.domain.sql import LEAST_CONFIDENCE
from service.errors import NotConfigured, RagsqlError, SqlNotGenerated, UpstreamUnavailable
from service.ports import AnswerRecords
from service.usecases.answer_cache import AnswerCache, AnswerKey
from service.usecases.answer_from_both import AnswerFromBoth
from service.usecases.ask_database import AskDatabase
from service.usecases.choose_evidence import ChooseEvidence
from service.usecases.compose_answer import cite
from service.usecases.question_outcome import Work, outcome
from service.usecases.reconsider import Reconsider
from service.usecases.retrieve_passages import Retrieved, RetrievePassages
from service.usecases.route_question import RouteQuestion
from service.usecases.streams import closing


@dataclass(frozen=True, slots=True)
class AnswerQuestion:
    """Retrieves, routes, generates and runs SQL where needed, and composes one answer."""

    retrieve: RetrievePassages
    route: RouteQuestion
    choose: ChooseEvidence
    database: AskDatabase
    both: AnswerFromBoth
    reconsider: Reconsider
    records: AnswerRecords
    cache: AnswerCache

    async def stream(self, caller: Caller, question: Question, key: AnswerKey) -> AsyncIterator[Event]:
        """What happens while answering, in order; the last event is the QueryResult. It is kept under key."""
        found = await self._retrieve(caller, question)
        routed = await self.route(caller, question, found)
        routing = routed.routing
        yield routing
        chosen = await self.choose(caller, question, found, routing.route)
        work = Work(chosen.evidence, found.usage + routed.usage + chosen.usage, unread=found.problem)
        cited: list[Citation] = []
        events = self._answer(caller, question, found, routing.route, work)
        async with closing(events):
            async for event in events:
                cited += [event] if isinstance(event, Citation) else []
                yield event
        routing = work.routing or routing
        result = QueryResult(routing, outcome(routing.route, question, work), work.usage)
        shown = result.outcome.answer_so_far if isinstance(result.outcome, PendingSql) else result.outcome
        if isinstance(shown, Answer):
            await self.records.save_answer(caller, shown.id, question.text)
            for citation in (replace(item, answer_spans=()) for item in shown.citations):
                if citation not in cited:
                    yield citation
        if isinstance(result.outcome, Answer):
            yield TextDelta(result.outcome.text)
        if chosen.final and routed.final:
            await self.cache.put(caller, key, result)
        yield result

    async def _retrieve(self, caller: Caller, question: Question) -> Retrieved:
        """Raises UpstreamUnavailable, unless the question is known to need the database, too."""
        try:
            return await self.retrieve(caller, question)
        except UpstreamUnavailable as error:
            if question.route is not Route.HYBRID:
                raise
            return self.retrieve.nothing(error.message)

    async def _answer(
        self, caller: Caller, question: Question, found: Retrieved, route: Route, work: Work
    ) -> AsyncIterator[Event]:
        """What either source finds; where one fails, the other's half stays and the work says what is missing."""
        if route is Route.DOCUMENTS:
            if found.problem:
                raise UpstreamUnavailable(found.problem)
            for item in work.evidence:
                yield cite(item)
            if question.route is not Route.UNSPECIFIED:
                return
        answer = {Route.SQL: self._rows, Route.DOCUMENTS: self.reconsider.of_documents}.get(route, self.both)
        events = answer(caller, question, found, work)
        try:
            async with closing(events):
                async for event in events:
                    yield event
        except (NotConfigured, SqlNotGenerated) as error:
            work.gap = error.message
        except RagsqlError as error:
            if not work.evidence or (route is Route.SQL and work.routing is None):
                raise
            work.gap = error.message

    async def _rows(self, caller: Caller, question: Question, found: Retrieved, work: Work) -> AsyncIterator[Event]:
        proposal = await self.database.propose(caller, question, question.text, work)
        doubtful = proposal is None or proposal.confidence < LEAST_CONFIDENCE
        if doubtful and question.route is Route.UNSPECIFIED:
            async for event in self.reconsider.of_database(caller, question, found, work):
                yield event
        if proposal is not None and work.routing is None:
            async for event in self.database.carry_out(caller, question, Route.SQL, work, proposal):
                yield event
