"""One answer from documents and database: side by side, or one of them asked with what the other found."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from service.domain.accounted import picks_one, shows
from service.domain.caller import Caller
from service.domain.deciding import deciding_column
from service.domain.hybrid_plan import Lead
from service.domain.question_form import PERIOD
from service.domain.questions import Event, Question, Route
from service.domain.rules import leaves_measure_open, statement_applies
from service.domain.schema_phrases import plain_name
from service.domain.sql import LEAST_CONFIDENCE, Schema
from service.domain.tables import Table
from service.domain.units import unit_text
from service.errors import NotConfigured, SqlNotGenerated, UpstreamUnavailable
from service.usecases.ask_database import AskDatabase
from service.usecases.choose_evidence import LEAST_RULE
from service.usecases.compose_answer import cite, put_first
from service.usecases.find_rules import Rule, find_rules, whole
from service.usecases.look_up import LookUp
from service.usecases.question_outcome import Work, documents_half
from service.usecases.read_again import ReadAgain
from service.usecases.read_passages import Evidence
from service.usecases.retrieve_passages import Retrieved
from service.usecases.sql_statements import Proposal
from service.usecases.streams import closing
from service.usecases.understand_question import Asked, misses, understand, vouches

LEAST_VOUCHED = 0.05
"""The confidence for a statement all of whose comparisons were asked for; see docs/hybrid.md."""
DECIDING_RULES = 5
"""Of so many, the first that goes through stored kinds says which kind has to be looked up."""
NEVER = math.inf
"""For one that applies a rule which is not the question's, does more than the rule says, or does without any of those
that there are where the question leaves open how much is meant."""


@dataclass(frozen=True, slots=True)
class AnswerFromBoth:
    """What is found and spent goes into the work; what happens is yielded. Errors are those of AskDatabase."""

    database: AskDatabase
    look_up: LookUp
    read: ReadAgain

    async def __call__(self, caller: Caller, question: Question, found: Retrieved, work: Work) -> AsyncIterator[Event]:
        """The halves in the order that the plan of the question asks for."""
        asked = await self.understand(caller, question, found.evidence)
        match asked.plan.lead:
            case Lead.DATABASE:
                events = self.database_first(caller, asked, work)
            case Lead.NEITHER:
                events = self._side_by_side(caller, asked, work)
            case Lead.DOCUMENTS:
                events = self._documents_first(caller, asked, work)
        async with closing(events):
            async for event in events:
                yield event

    async def ask_documents(
        self, caller: Caller, question: Question, rows: Table
    ) -> tuple[list[Evidence], Retrieved] | None:
        """What the documents say of rows that came later; None where the question does not begin in the database.

        Raises UpstreamUnavailable.
        """
        asked = await self.understand(caller, question, ())
        if asked.plan.lead is not Lead.DATABASE or not rows.rows:
            return None
        return await self.read.with_rows(caller, question, asked.plan.rule, rows)

    async def understand(self, caller: Caller, question: Question, evidence: Sequence[Evidence]) -> Asked:
        return await understand(self.database.sql.database, caller, question, evidence)

    async def _documents_first(self, caller: Caller, asked: Asked, work: Work) -> AsyncIterator[Event]:
        for item in work.evidence:
            yield cite(item)
        candidates = find_rules(asked.rules, LEAST_RULE)
        proposal = await self.proposed_by(caller, asked, candidates, work)
        if proposal is not None:
            async for event in self.by_rule(caller, asked, candidates, proposal, work):
                yield event

    async def proposed_by(
        self, caller: Caller, asked: Asked, candidates: Sequence[Rule], work: Work
    ) -> Proposal | None:
        question, accepts = asked.question, partial(self._vouches, caller, asked)
        return await self.database.propose(caller, question, question.text, work, candidates, accepts)

    async def by_rule(
        self, caller: Caller, asked: Asked, candidates: Sequence[Rule], proposal: Proposal, work: Work
    ) -> AsyncIterator[Event]:
        for rule in (rule for rule in candidates if rule.text == proposal.rule):
            applied = rule.applied_by(proposal.statement.sql, asked.question.text)
            work.evidence = put_first(applied, work.evidence)
            yield cite(applied)
        rejected = () if proposal.rule else candidates
        async for event in self._carry_out(caller, asked, work, proposal, rejected):
            yield event

    async def database_first(self, caller: Caller, asked: Asked, work: Work) -> AsyncIterator[Event]:
        proposal = await self._looked_up(caller, asked, work)
        if proposal is None:
            async for event in self._documents_first(caller, asked, work):
                yield event
            return
        async for event in self._carry_out(caller, asked, work, proposal):
            yield event
        if work.result is not None and work.result.table.rows:
            reading = self.read.with_rows(caller, asked.question, asked.plan.rule, work.result.table)
            await self._replace_evidence(work, reading)
        for item in work.evidence:
            yield cite(item)

    async def _side_by_side(self, caller: Caller, asked: Asked, work: Work) -> AsyncIterator[Event]:
        question = asked.question
        writing = asyncio.create_task(self.database.propose(caller, question, asked.plan.rows, work))
        try:
            await self._replace_evidence(work, self.read.part(caller, question, asked.plan.rule))
            for item in work.evidence:
                yield cite(item)
            proposal = await writing
        finally:
            writing.cancel()
        if proposal is not None:
            async for event in self._carry_out(caller, asked, work, proposal):
                yield event

    async def _carry_out(
        self, caller: Caller, asked: Asked, work: Work, proposal: Proposal, rejected: Sequence[Rule] = ()
    ) -> AsyncIterator[Event]:
        """Rejected are rules that the proposal may apply though it was not accepted for them: then it waits."""
        sql, rule = proposal.statement.sql, proposal.rule
        told = bool(rule or asked.names) or await asyncio.to_thread(picks_one, sql, proposal.statement.dialect)
        least = LEAST_CONFIDENCE
        if rule and await misses(self.database.sql.connected(), caller, asked.question, sql, rule):
            least = NEVER
        elif told and await self._vouches(caller, asked, sql, rule):
            least = LEAST_VOUCHED
        elif (rejected and leaves_measure_open(asked.question.text)) or any(
            statement_applies(sql, other.text, asked.question.text) for other in rejected
        ):
            least = NEVER
        events = self.database.carry_out(caller, asked.question, Route.HYBRID, work, proposal, least)
        async for event in events:
            yield event

    async def _vouches(self, caller: Caller, asked: Asked, sql: str, rule: str) -> bool:
        return await vouches(self.database.sql.connected(), caller, asked, sql, rule)

    async def _kind_of(self, caller: Caller, asked: Asked, column: str, work: Work) -> Proposal | None:
        """A statement for the kind of what is named, which stands in a column."""
        periods = "".join(f" in {period}" for period in PERIOD.findall(asked.question.text))
        text = f"What is the {plain_name(column)} of {' and '.join(asked.names)}{periods}?"
        with suppress(SqlNotGenerated):
            proposal = await self.database.propose(caller, asked.question, text, work)
            if proposal and shows(proposal.statement.sql, proposal.statement.dialect, column):
                return proposal
        return None

    async def _looked_up(self, caller: Caller, asked: Asked, work: Work) -> Proposal | None:
        """A statement for what the documents cannot name, None where no question for it could be written."""
        question, rows = asked.question, asked.plan.rows
        try:
            schema = await self.database.sql.connected().schema(caller)
            place, about = _decides(asked, schema), asked.plan.about
            if place and asked.names and not about and (by_kind := await self._kind_of(caller, asked, place[1], work)):
                return by_kind
            if rows == question.text:
                texts = [unit_text(item.passage.chunk, item.unit) for item in asked.rules]
                rows, usage = await self.look_up(caller, rows, texts, schema, asked.names)
                work.usage += usage
            proposal = await self.database.propose(caller, question, rows, work) if rows else None
            if proposal and place and about and not shows(proposal.statement.sql, proposal.statement.dialect, place[1]):
                return await self.database.sql.showing(caller, proposal, place)
            return proposal
        except (NotConfigured, SqlNotGenerated) as error:
            work.gap = error.message
            return None

    async def _replace_evidence(self, work: Work, reading: Awaitable[tuple[list[Evidence], Retrieved]]) -> None:
        """What was found for the whole question stays where nothing better is."""
        try:
            evidence, found = await reading
        except UpstreamUnavailable as error:
            work.unread = error.message
        else:
            work.usage += found.usage
            work.unread = found.problem or work.unread
            work.evidence = evidence or work.evidence
        work.half = documents_half(Route.HYBRID, work)


def _decides(asked: Asked, schema: Schema) -> tuple[str, str] | None:
    tables = () if asked.plan.about else asked.named_in
    return deciding_column([whole(item) for item in asked.rules[:DECIDING_RULES]], schema, tables)
