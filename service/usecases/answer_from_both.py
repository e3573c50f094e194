"""One answer from documents and database: side by side, or one of them asked with what the other found."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import dataclass
from functools import partial

from service.domain.accounted import is_accounted_for, picks_one
from service.domain.caller import Caller
from service.domain.hybrid_plan import Lead, Plan, names_in, plan
from service.domain.questions import Event, Question, Route, Routing
from service.domain.routing import FOR_BOTH
from service.domain.schema_linking import with_singulars, words_of
from service.domain.sql import Schema, ValueMatch
from service.domain.tables import Table
from service.domain.units import unit_text
from service.errors import NotConfigured, SqlNotGenerated, UpstreamUnavailable
from service.usecases.ask_database import AskDatabase
from service.usecases.choose_evidence import LEAST_RULE
from service.usecases.compose_answer import cite, put_first, select_evidence
from service.usecases.find_rules import Rule, find_rules, likeliest_rules
from service.usecases.look_up import LookUp
from service.usecases.question_outcome import Work, documents_half
from service.usecases.read_again import ReadAgain
from service.usecases.read_passages import Evidence, by_relevance
from service.usecases.retrieve_passages import Retrieved
from service.usecases.route_question import LOOKED_UP
from service.usecases.sql_statements import Proposal
from service.usecases.streams import closing

MAX_RECONSIDERED = 2
"""Rules that are tried for a question that went to the database alone: each costs two replies of a model."""
RECONSIDERED = "The database alone was not sure of it, and the documents say what decides."


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with its plan, and the likeliest rules of the documents.

    kinds are the values that it speaks of out of columns that hold few; names are those that it writes as names.
    """

    question: Question
    plan: Plan
    rules: Sequence[Evidence]
    names: tuple[str, ...] = ()
    kinds: tuple[ValueMatch, ...] = ()


@dataclass(frozen=True, slots=True)
class AnswerFromBoth:
    """What is found and spent goes into the work; what happens is yielded. Errors are those of AskDatabase."""

    database: AskDatabase
    look_up: LookUp
    read: ReadAgain

    async def __call__(self, caller: Caller, question: Question, found: Retrieved, work: Work) -> AsyncIterator[Event]:
        """The halves in the order that the plan of the question asks for."""
        asked = await self._understand(caller, question, found.evidence)
        match asked.plan.lead:
            case Lead.DATABASE:
                events = self._database_first(caller, asked, work)
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
        asked = await self._understand(caller, question, ())
        if asked.plan.lead is not Lead.DATABASE or not rows.rows:
            return None
        return await self.read.with_rows(caller, question, asked.plan.rule, rows)

    async def _understand(self, caller: Caller, question: Question, evidence: Sequence[Evidence]) -> Asked:
        rules = likeliest_rules(evidence)
        database = self.database.sql.database
        if database is None:
            return Asked(question, plan(question.text), rules)
        few = dict(_columns(await database.schema(caller)))
        values = await database.find_values(caller, with_singulars(words_of(question.text)[-LOOKED_UP:]))
        kinds = tuple(match for match in values if match.value in few.get(match.column, ()))
        names = names_in(question.text, [match.words for match in values])
        return Asked(question, plan(question.text, names), rules, tuple(names), kinds)

    async def reconsider(
        self, caller: Caller, question: Question, found: Retrieved, work: Work
    ) -> AsyncIterator[Event]:
        """Answer from both, where the database alone was not sure, if a rule decides or the database must name first.

        Nothing is yielded, and the work has no new routing, where neither is so.
        """
        asked = await self._understand(caller, question, found.evidence)
        candidates = find_rules(asked.rules, LEAST_RULE)[:MAX_RECONSIDERED]
        names_first = asked.plan.lead is Lead.DATABASE and question.text not in (asked.plan.rows, "")
        gap, proposal = work.gap, None
        if candidates and not names_first:
            try:
                proposal = await self._proposed_by(caller, asked, candidates, work)
            except SqlNotGenerated:
                proposal = None
        if not candidates or not (names_first or (proposal and proposal.rule)):
            work.gap = gap
            return
        work.gap = ""
        work.evidence = select_evidence(by_relevance(found.evidence), LEAST_RULE)
        work.routing = Routing(Route.HYBRID, FOR_BOTH, RECONSIDERED)
        yield work.routing
        events = (
            self._by_rule(caller, asked, candidates, proposal, work)
            if proposal
            else self._database_first(caller, asked, work)
        )
        async with closing(events):
            async for event in events:
                yield event

    async def _documents_first(self, caller: Caller, asked: Asked, work: Work) -> AsyncIterator[Event]:
        for item in work.evidence:
            yield cite(item)
        candidates = find_rules(asked.rules, LEAST_RULE)
        proposal = await self._proposed_by(caller, asked, candidates, work)
        if proposal is not None:
            async for event in self._by_rule(caller, asked, candidates, proposal, work):
                yield event

    async def _proposed_by(
        self, caller: Caller, asked: Asked, candidates: Sequence[Rule], work: Work
    ) -> Proposal | None:
        question, accepts = asked.question, partial(self._vouches, caller, asked)
        return await self.database.propose(caller, question, question.text, work, candidates, accepts)

    async def _by_rule(
        self, caller: Caller, asked: Asked, candidates: Sequence[Rule], proposal: Proposal, work: Work
    ) -> AsyncIterator[Event]:
        for rule in (rule for rule in candidates if rule.text == proposal.rule):
            applied = rule.applied_by(proposal.statement.sql, asked.question.text)
            work.evidence = put_first(applied, work.evidence)
            yield cite(applied)
        async for event in self._carry_out(caller, asked, work, proposal):
            yield event

    async def _database_first(self, caller: Caller, asked: Asked, work: Work) -> AsyncIterator[Event]:
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

    async def _carry_out(self, caller: Caller, asked: Asked, work: Work, proposal: Proposal) -> AsyncIterator[Event]:
        sql, rule = proposal.statement.sql, proposal.rule
        told = bool(rule or asked.names) or await asyncio.to_thread(picks_one, sql, proposal.statement.dialect)
        vouched = told and await self._vouches(caller, asked, sql, rule)
        events = self.database.carry_out(caller, asked.question, Route.HYBRID, work, proposal, vouched)
        async for event in events:
            yield event

    async def _vouches(self, caller: Caller, asked: Asked, sql: str, rule: str) -> bool:
        """Whether all that a statement compares with stands in the question or its rule, and what was named is used."""
        database = self.database.sql.connected()
        schema, text = await database.schema(caller), f"{asked.question.text} {rule}"
        found = await database.find_values(caller, with_singulars(words_of(text)[-2 * LOOKED_UP :]))
        stored = {(match.column.casefold(), match.value.casefold()) for match in found}
        stored |= {(name.casefold(), value.casefold()) for name, values in _columns(schema) for value in values}
        read = [match.value for match in asked.kinds if re.search(rf"\b{re.escape(match.table)}\b", sql, re.I)]
        named = [*(name for name in asked.names if name.casefold() not in rule.casefold()), *read]
        return await asyncio.to_thread(is_accounted_for, sql, schema.dialect, text, stored, named)

    async def _looked_up(self, caller: Caller, asked: Asked, work: Work) -> Proposal | None:
        """A statement for what the documents cannot name, None where no question for it could be written."""
        question, rows = asked.question, asked.plan.rows
        try:
            if rows == question.text:
                schema = await self.database.sql.connected().schema(caller)
                texts = [unit_text(item.passage.chunk, item.unit) for item in asked.rules]
                rows, usage = await self.look_up(caller, rows, texts, schema, asked.names)
                work.usage += usage
            return await self.database.propose(caller, question, rows, work) if rows else None
        except (NotConfigured, SqlNotGenerated) as error:
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


def _columns(schema: Schema) -> list[tuple[str, tuple[str, ...]]]:
    """The columns with the values that are known to be in them."""
    return [(column.name, column.values) for table in schema.tables for column in table.columns]
