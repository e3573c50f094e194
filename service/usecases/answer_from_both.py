"""One answer from documents and database: side by side, or one of them asked with what the other found."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import dataclass

from service.domain.caller import Caller
from service.domain.hybrid_plan import Lead, Plan, names_in, plan
from service.domain.questions import Event, Question, Route
from service.domain.schema_linking import words_of
from service.domain.units import unit_text
from service.errors import SqlNotGenerated, UpstreamUnavailable
from service.usecases.ask_database import AskDatabase
from service.usecases.choose_evidence import LEAST_RULE
from service.usecases.compose_answer import cite, put_first
from service.usecases.find_rules import find_rules, likeliest_rules
from service.usecases.look_up import LookUp
from service.usecases.question_outcome import Work, documents_half
from service.usecases.read_again import ReadAgain
from service.usecases.read_passages import Evidence
from service.usecases.retrieve_passages import Retrieved
from service.usecases.sql_statements import Proposal
from service.usecases.streams import closing


@dataclass(frozen=True, slots=True)
class AnswerFromBoth:
    """What is found and spent goes into the work; what happens is yielded. Errors are those of AskDatabase."""

    database: AskDatabase
    look_up: LookUp
    read: ReadAgain

    async def __call__(self, caller: Caller, question: Question, found: Retrieved, work: Work) -> AsyncIterator[Event]:
        """The halves in the order that the plan of the question asks for."""
        names = await self._names(caller, question)
        planned = plan(question.text, names)
        rules = likeliest_rules(found.evidence)
        match planned.lead:
            case Lead.DATABASE:
                events = self._database_first(caller, question, planned, names, rules, work)
            case Lead.NEITHER:
                events = self._side_by_side(caller, question, planned, work)
            case Lead.DOCUMENTS:
                events = self._documents_first(caller, question, rules, work)
        async with closing(events):
            async for event in events:
                yield event

    async def _documents_first(
        self, caller: Caller, question: Question, rules: Sequence[Evidence], work: Work
    ) -> AsyncIterator[Event]:
        for item in work.evidence:
            yield cite(item)
        candidates = find_rules(rules, LEAST_RULE)
        proposal = await self.database.propose(caller, question, question.text, work, candidates)
        if proposal is None:
            return
        for rule in (rule for rule in candidates if rule.text == proposal.rule):
            applied = rule.applied_by(proposal.statement.sql, question.text)
            work.evidence = put_first(applied, work.evidence)
            yield cite(applied)
        async for event in self.database.carry_out(caller, question, Route.HYBRID, work, proposal):
            yield event

    async def _database_first(
        self,
        caller: Caller,
        question: Question,
        planned: Plan,
        names: Sequence[str],
        rules: Sequence[Evidence],
        work: Work,
    ) -> AsyncIterator[Event]:
        proposal = await self._looked_up(caller, question, planned, names, rules, work)
        if proposal is None:
            async for event in self._documents_first(caller, question, rules, work):
                yield event
            return
        async for event in self.database.carry_out(caller, question, Route.HYBRID, work, proposal):
            yield event
        if work.result is not None and work.result.table.rows:
            rows = work.result.table
            await self._replace_evidence(work, self.read.with_rows(caller, question, planned.rule, rows))
        for item in work.evidence:
            yield cite(item)

    async def _side_by_side(
        self, caller: Caller, question: Question, planned: Plan, work: Work
    ) -> AsyncIterator[Event]:
        writing = asyncio.create_task(self.database.propose(caller, question, planned.rows, work))
        try:
            await self._replace_evidence(work, self.read.part(caller, question, planned.rule))
            for item in work.evidence:
                yield cite(item)
            proposal = await writing
        finally:
            writing.cancel()
        if proposal is not None:
            async for event in self.database.carry_out(caller, question, Route.HYBRID, work, proposal):
                yield event

    async def _names(self, caller: Caller, question: Question) -> list[str]:
        database = self.database.sql.database
        found = await database.find_values(caller, words_of(question.text)) if database else []
        return names_in(question.text, [match.words for match in found])

    async def _looked_up(
        self,
        caller: Caller,
        question: Question,
        planned: Plan,
        names: Sequence[str],
        rules: Sequence[Evidence],
        work: Work,
    ) -> Proposal | None:
        """A statement for what the documents cannot name, None where no question for it could be written."""
        asked = planned.rows
        if asked == question.text:
            schema = await self.database.sql.connected().schema(caller)
            texts = [unit_text(item.passage.chunk, item.unit) for item in rules]
            asked, usage = await self.look_up(caller, asked, texts, schema, names)
            work.usage += usage
        try:
            return await self.database.propose(caller, question, asked, work) if asked else None
        except SqlNotGenerated as error:
            work.gap = error.message
            return None

    async def _replace_evidence(self, work: Work, reading: Awaitable[tuple[list[Evidence], Retrieved]]) -> None:
        """What was found for the whole question stays where nothing better is."""
        try:
            evidence, found = await reading
        except UpstreamUnavailable as error:
            work.unread = error.message
            return
        work.usage += found.usage
        work.evidence = evidence or work.evidence
        work.half = documents_half(Route.HYBRID, work)
