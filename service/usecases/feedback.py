"""Record what people think of answers, and make examples of what a person approved."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from service.domain.caller import Caller
from service.domain.feedback import Feedback, Promotion
from service.domain.sql import ExampleQuery, KnowledgeItem
from service.errors import FieldViolation, InvalidRequest
from service.ports import AnswerRecords, Page
from service.usecases.bundle import KnowledgeUseCases


@dataclass(frozen=True, slots=True)
class ManageFeedback:
    """FeedbackUseCases over the records. Corrected SQL never runs, and becomes knowledge only by promote."""

    records: AnswerRecords
    knowledge: KnowledgeUseCases

    async def create(self, caller: Caller, answer_id: str, rating: str, comment: str, corrected_sql: str) -> str:
        """Keep it for review and return its id. Raises NotFound when there is no such answer."""
        return await self.records.save_feedback(caller, answer_id, rating, comment, corrected_sql)

    async def list(self, caller: Caller, size: int, token: str, waiting_only: bool) -> Page[Feedback]:
        """A page of everybody's, newest first. Raises InvalidRequest for a token that is not ours."""
        return await self.records.list_feedback(caller, size, token, waiting_only)

    async def promote(self, caller: Caller, feedback_id: str) -> Feedback:
        """Teach the question with the corrected SQL, and store who did so and when; the first time stays.

        Raises NotFound, and InvalidRequest when there is no corrected SQL or the guard refuses it over today's schema.
        """
        feedback = await self.records.get_feedback(caller, feedback_id)
        if not feedback.corrected_sql.strip():
            raise InvalidRequest(FieldViolation("name", "This feedback has no corrected SQL that could be an example."))
        now = dt.datetime.now(dt.UTC)
        example = ExampleQuery(feedback.question, feedback.corrected_sql)
        try:
            item = await self.knowledge.create(caller, KnowledgeItem("", now, example=example))
        except InvalidRequest as error:
            reasons = " ".join(violation.description for violation in error.violations)
            raise InvalidRequest(FieldViolation("name", f"Its corrected SQL cannot be an example. {reasons}")) from None
        promotion = await self.records.save_promotion(caller, feedback_id, Promotion(item.id, caller.principal, now))
        return replace(feedback, promotion=promotion)
