"""A question whose free route was one source, and which turns out to need both."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from service.domain.caller import Caller
from service.domain.hybrid_plan import Lead, things_asked
from service.domain.questions import Event, Question, Route, Routing
from service.domain.routing import FOR_BOTH
from service.domain.schema_linking import name_parts
from service.errors import RagsqlError, SqlNotGenerated
from service.usecases.answer_from_both import AnswerFromBoth
from service.usecases.choose_evidence import LEAST_RULE
from service.usecases.compose_answer import select_evidence
from service.usecases.find_rules import Rule, find_rules
from service.usecases.question_outcome import Work
from service.usecases.read_passages import by_relevance
from service.usecases.retrieve_passages import Retrieved
from service.usecases.sql_statements import Proposal
from service.usecases.streams import closing
from service.usecases.understand_question import Asked, misses

MAX_RECONSIDERED = 2
"""Rules that are tried for a question that went to one source alone: each costs two replies of a model."""
RECONSIDERED = "The database alone was not sure of it, and the documents say what decides."
APPLIED = "The documents say what decides, and the database holds what it is asked of."


@dataclass(frozen=True, slots=True)
class Reconsider:
    """What is found and spent goes into the work, whose routing says whether the route became both."""

    both: AnswerFromBoth

    async def of_database(
        self, caller: Caller, question: Question, found: Retrieved, work: Work
    ) -> AsyncIterator[Event]:
        """Answer from both, where the database alone was not sure, if a rule decides or the database must name first.

        Nothing is yielded, and the work has no new routing, where neither is so.
        """
        asked = await self.both.understand(caller, question, found.evidence)
        candidates = find_rules(asked.rules, LEAST_RULE)[:MAX_RECONSIDERED]
        names_first = asked.plan.lead is Lead.DATABASE and question.text not in (asked.plan.rows, "")
        gap, proposal = work.gap, None
        if candidates and not names_first:
            try:
                proposal = await self.both.proposed_by(caller, asked, candidates, work)
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
            self.both.by_rule(caller, asked, candidates, proposal, work)
            if proposal
            else self.both.database_first(caller, asked, work)
        )
        async with closing(events):
            async for event in events:
                yield event

    async def of_documents(
        self, caller: Caller, question: Question, found: Retrieved, work: Work
    ) -> AsyncIterator[Event]:
        """Add rows to what the documents answer, if it is asked which or how many stored things a rule selects.

        Nothing is yielded, and the work has no new routing, where that is not so or the database cannot be asked.
        """
        rule = None
        if work.evidence:
            with suppress(RagsqlError):
                rule = await self._rule_for_rows(caller, question, found, work)
        work.gap = ""
        if rule is None:
            return
        asked, candidates, proposal = rule
        work.routing = Routing(Route.HYBRID, FOR_BOTH, APPLIED)
        yield work.routing
        events = self.both.by_rule(caller, asked, candidates, proposal, work)
        async with closing(events):
            async for event in events:
                yield event

    async def _rule_for_rows(
        self, caller: Caller, question: Question, found: Retrieved, work: Work
    ) -> tuple[Asked, Sequence[Rule], Proposal] | None:
        things = things_asked(question.text)
        if not things:
            return None
        database = self.both.database.sql.connected()
        asked = await self.both.understand(caller, question, found.evidence)
        named = [
            *(table.name for table in (await database.schema(caller)).tables),
            *(kind.words for kind in asked.kinds),
        ]
        if things.isdisjoint(part for name in named for part in name_parts(name)):
            return None
        candidates = find_rules(asked.rules, LEAST_RULE)[:MAX_RECONSIDERED]
        proposal = await self.both.proposed_by(caller, asked, candidates, work) if candidates else None
        if proposal is None or not proposal.rule:
            return None
        missed = await misses(database, caller, question, proposal.statement.sql, proposal.rule)
        return None if missed else (asked, candidates, proposal)
