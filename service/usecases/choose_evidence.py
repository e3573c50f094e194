"""Decide what of the evidence an answer may rest on, or that none of it answers the question."""

from __future__ import annotations

import math
from dataclasses import dataclass

from service.domain.amounts import asks_amount, has_amount
from service.domain.caller import Caller
from service.domain.questions import Question, Route, Usage
from service.usecases.check_answer import CheckAnswer
from service.usecases.compose_answer import select_evidence, statement_of
from service.usecases.read_passages import Evidence, by_relevance, trust
from service.usecases.retrieve_passages import Retrieved
from service.usecases.steps import traced

LEAST_TRUST = -2.2
LEAST_CHECKED = -3.25
LEAST_CERTAINTY = -0.55
TRUST_IN_CERTAINTY = 0.3
"""Bounds for the trust where no chat model checked, for what is worth checking, and for the margin of the check with
so much of the trust added. Chosen as docs/reading.md says."""
LEAST_RULE = 0.5
"""For a question that the database answers too. Half of it is about rows: less relevance will do."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The evidence to show, best first. final is false when a check that may work next time did not take place."""

    evidence: list[Evidence]
    usage: Usage = Usage()
    final: bool = True


@dataclass(frozen=True, slots=True)
class ChooseEvidence:
    """By what the reader found, and by what a chat model says of it where there is one."""

    check: CheckAnswer

    @traced("choose_evidence", lambda chosen: {"evidence": len(chosen.evidence)})
    async def __call__(self, caller: Caller, question: Question, found: Retrieved, route: Route) -> Chosen:
        """What to show on this route. On SQL it is what is shown should the database fail."""
        if route is Route.HYBRID:
            return Chosen(select_evidence(by_relevance(found.evidence), LEAST_RULE))
        trusted = -math.inf if _misses_amount(question.text, found) else trust(question.text, found.evidence)
        if route is Route.SQL or trusted < LEAST_CHECKED:
            return Chosen(_shown(found, trusted >= LEAST_TRUST))
        verdict = await self.check(caller, question.text, found.evidence)
        if verdict.margin is None:
            return Chosen(_shown(found, trusted >= LEAST_TRUST), verdict.usage, verdict.final)
        certain = verdict.margin + TRUST_IN_CERTAINTY * trusted >= LEAST_CERTAINTY
        return Chosen(_shown(found, certain), verdict.usage)


def _misses_amount(question: str, found: Retrieved) -> bool:
    """Whether an amount is asked for and nothing that would be shown has one, however likely an answer it looks."""
    return asks_amount(question) and not any(has_amount(statement_of(item)) for item in _shown(found, True))


def _shown(found: Retrieved, answers: bool) -> list[Evidence]:
    return select_evidence(found.evidence, -math.inf) if answers else []
