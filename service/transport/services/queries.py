"""QueryService."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ragsql.v1 import query_service_pb2 as pb
from service.transport import mapping_answers as mapping
from service.transport.callers import Context, caller_of
from service.usecases.bundle import QuestionUseCases
from service.usecases.streams import closing


class QueryService:
    """Answer questions, whole or as a stream of events."""

    def __init__(self, questions: QuestionUseCases) -> None:
        self._questions = questions

    async def query(self, request: pb.QueryRequest, ctx: Context) -> pb.QueryResponse:
        result = await self._questions.ask(caller_of(ctx), mapping.question(request))
        return mapping.query_response(result)

    async def stream_query(self, request: pb.StreamQueryRequest, ctx: Context) -> AsyncIterator[pb.StreamQueryResponse]:
        events = self._questions.stream(caller_of(ctx), mapping.question(request.request))
        async with closing(events):
            async for event in events:
                yield mapping.event(event)
