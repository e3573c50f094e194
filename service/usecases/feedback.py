"""Record what people think of answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.domain.caller import Caller
    from service.ports import AnswerRecords


class RecordFeedback:
    """FeedbackUseCases over the records."""

    def __init__(self, records: AnswerRecords) -> None:
        self._records = records

    async def create(self, caller: Caller, answer_id: str, rating: str, comment: str, corrected_sql: str) -> str:
        """Keep it for review and return its id; the SQL never runs. Raises NotFound when there is no such answer."""
        return await self._records.save_feedback(caller, answer_id, rating, comment, corrected_sql)
