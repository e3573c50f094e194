"""The half of an answer that the database holds: a statement is proposed, kept, run where it may, and worded."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

from service.domain.caller import Caller
from service.domain.questions import Event, Question, Route
from service.domain.spending import spending
from service.domain.sql import LEAST_CONFIDENCE, ExecutionLimits, SqlResult
from service.ports import CannotAnswer
from service.usecases.find_rules import Rule
from service.usecases.phrase_rows import PhraseRows
from service.usecases.question_outcome import Work, documents_half
from service.usecases.run_sql import RunSql
from service.usecases.sql_statements import Accepts, Proposal, ProposeSql, any_statement
from service.usecases.streams import closing


@dataclass(frozen=True, slots=True)
class AskDatabase:
    """What is found and spent goes into the work. Errors are those of ProposeSql and RunSql."""

    sql: ProposeSql
    run: RunSql
    phrase: PhraseRows
    limits: ExecutionLimits

    async def propose(
        self,
        caller: Caller,
        question: Question,
        asked: str,
        work: Work,
        rules: Sequence[Rule] = (),
        accepts: Accepts = any_statement,
    ) -> Proposal | None:
        """A statement for asked, which is the question or what it rests on; None when the model declined."""
        texts = [rule.text for rule in rules]
        with spending() as spent:
            try:
                proposal = await self.sql.propose(caller, asked, texts, question.no_cache, accepts)
            finally:
                work.usage += spent()
        if isinstance(proposal, CannotAnswer):
            work.gap = proposal.reason
            return None
        work.gap = ""
        # The person asked the whole question, and approves an answer to it.
        return replace(proposal, statement=replace(proposal.statement, question=question.text))

    async def carry_out(
        self,
        caller: Caller,
        question: Question,
        route: Route,
        work: Work,
        proposal: Proposal,
        least: float = LEAST_CONFIDENCE,
    ) -> AsyncIterator[Event]:
        """Keep the statement, run it unless it must wait, and say what its rows say.

        least is the confidence that it needs to run at once.
        """
        work.half = documents_half(route, work)
        if proposal.confidence < least or not await self.sql.may_run_at_once(caller, question.sql_policy):
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
