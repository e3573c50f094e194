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
from service.domain.questions import Event, Question, Route
from service.domain.schema_linking import with_singulars, words_of
from service.domain.sql import Schema, ValueMatch
from service.domain.tables import Table
from service.domain.units import unit_text
from service.errors import NotConfigured, SqlNotGenerated, UpstreamUnavailable
from service.usecases.ask_database import AskDatabase
from service.usecases.choose_evidence import LEAST_RULE
from service.usecases.compose_answer import cite, put_first
from service.usecases.find_rules import find_rules, likeliest_rules
from service.usecases.look_up import LookUp
from service.usecases.question_outcome import Work, documents_half
from service.usecases.read_again import ReadAgain
from service.usecases.read_passages import Evidence
from service.usecases.retrieve_passages import Retrieved
from service.usecases.route_question import LOOKED_UP
from service.usecases.sql_statements import Proposal
from service.usecases.streams import closing


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

    async def _documents_first(self, caller: Caller, asked: Asked, work: Work) -> AsyncIterator[Event]:
        for item in work.evidence:
            yield cite(item)
        question = asked.question
        candidates = find_rules(asked.rules, LEAST_RULE)
        accepts = partial(self._vouches, caller, asked)
        proposal = await self.database.propose(caller, question, question.text, work, candidates, accepts)
        if proposal is None:
            return
        for rule in (rule for rule in candidates if rule.text == proposal.rule):
            applied = rule.applied_by(proposal.statement.sql, question.text)
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
