"""FeedbackService."""

from __future__ import annotations

from ragsql.v1 import feedback_service_pb2 as pb
from service.domain.spending import spending
from service.transport import mapping
from service.transport.callers import Context, caller_of
from service.transport.mapping_usage import usage
from service.usecases.bundle import FeedbackUseCases


class FeedbackService:
    """Record what people think of answers, and make examples of corrections."""

    def __init__(self, feedback: FeedbackUseCases) -> None:
        self._feedback = feedback

    async def create_feedback(self, request: pb.CreateFeedbackRequest, ctx: Context) -> pb.CreateFeedbackResponse:
        answer_id, rating = mapping.id_of(request.parent), mapping.rating(request.rating)
        caller, comment = caller_of(ctx), request.comment
        feedback_id = await self._feedback.create(caller, answer_id, rating, comment, request.corrected_sql)
        return pb.CreateFeedbackResponse(name=mapping.feedback_name(answer_id, feedback_id))

    async def list_feedback(self, request: pb.ListFeedbackRequest, ctx: Context) -> pb.ListFeedbackResponse:
        size = mapping.page_size(request.page_size)
        page = await self._feedback.list(caller_of(ctx), size, request.page_token, request.waiting_only)
        return pb.ListFeedbackResponse(feedback=map(mapping.feedback, page.items), next_page_token=page.next_token)

    async def promote_feedback(self, request: pb.PromoteFeedbackRequest, ctx: Context) -> pb.PromoteFeedbackResponse:
        with spending() as spent:
            feedback = await self._feedback.promote(caller_of(ctx), mapping.id_of(request.name))
        return pb.PromoteFeedbackResponse(feedback=mapping.feedback(feedback), usage=usage(spent()))
