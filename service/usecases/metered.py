"""Models and answers whose usage is counted.

The models are wrapped where the service is put together, below every cache, so that whatever asks one is counted,
also for a question that fails afterwards.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from service.domain.caller import Caller
from service.domain.chunk_text import embedding_text
from service.domain.documents import Chunk
from service.domain.health import ComponentHealth
from service.domain.prices import cost_usd
from service.domain.questions import Event, QueryResult, Question, Usage
from service.domain.spending import counting
from service.domain.usage import UsageKind
from service.ports import ChatMessage, ChatModel, ChatOptions, ChatReply, EmbeddedChunk, Embedder
from service.usecases.bundle import QuestionUseCases
from service.usecases.measure_usage import MeasureUsage
from service.usecases.request_record import recorded
from service.usecases.steps import current, reason_of, step
from service.usecases.streams import closing

if TYPE_CHECKING:
    from service.ports import Vectors
    from service.ports.traces import Span


class MeteredChat:
    """A ChatModel. A reply that is broken off is not counted: nobody says what it took."""

    def __init__(self, chat: ChatModel, meter: MeasureUsage, kind: UsageKind) -> None:
        self.model, self.supports_grammar = chat.model, chat.supports_grammar
        self._chat, self._meter, self._kind = chat, meter, kind

    async def complete(
        self, caller: Caller, messages: Sequence[ChatMessage], options: ChatOptions | None = None
    ) -> ChatReply:
        """See ChatModel."""
        with step("chat") as span:
            span.set(model=self.model, kind=self._kind)
            reply = await self._chat.complete(caller, messages, options)
            _tell(span, reply)
        await self._meter.add(caller, self._kind, reply.usage)
        return reply

    async def stream(
        self, caller: Caller, messages: Sequence[ChatMessage], options: ChatOptions | None = None
    ) -> AsyncIterator[str | ChatReply]:
        """See ChatModel."""
        items = self._chat.stream(caller, messages, options)
        span = current().child("chat")
        span.set(model=self.model, kind=self._kind)
        try:
            async with closing(items):
                async for item in items:
                    if isinstance(item, ChatReply):
                        _tell(span, item)
                        await self._meter.add(caller, self._kind, item.usage)
                    yield item
        except BaseException as error:
            span.fail(reason_of(error))
            raise
        finally:
            span.end()

    async def check(self) -> ComponentHealth:
        """See Checkable."""
        return await self._chat.check()


class MeteredEmbedder:
    """An Embedder."""

    def __init__(self, embedder: Embedder, meter: MeasureUsage, kind: UsageKind) -> None:
        self.model, self.dimension, self.max_tokens = embedder.model, embedder.dimension, embedder.max_tokens
        self._embedder, self._meter, self._kind = embedder, meter, kind

    def count_tokens(self, text: str) -> int:
        """See Embedder."""
        return self._embedder.count_tokens(text)

    async def embed_chunks(self, caller: Caller, chunks: Sequence[Chunk]) -> list[EmbeddedChunk]:
        """See Embedder."""
        with step("embed") as span:
            span.set(model=self.model, texts=len(chunks))
            with counting() as counts:
                embedded = await self._embedder.embed_chunks(caller, chunks)
            span.set(input_tokens=await self._count(caller, [embedding_text(chunk) for chunk in chunks], sum(counts)))
        return embedded

    async def embed_query(self, caller: Caller, text: str) -> Vectors:
        """See Embedder."""
        with step("embed") as span:
            span.set(model=self.model, texts=1)
            with counting() as counts:
                vector = await self._embedder.embed_query(caller, text)
            span.set(input_tokens=await self._count(caller, [text], sum(counts)))
        return vector

    async def check(self) -> ComponentHealth:
        """See Checkable."""
        return await self._embedder.check()

    async def _count(self, caller: Caller, texts: Sequence[str], counted: int) -> int:
        """Counted is what the server says, 0 where none does."""
        tokens = counted or sum(await asyncio.to_thread(lambda: [self._embedder.count_tokens(text) for text in texts]))
        cost = cost_usd(self.model, tokens)
        await self._meter.add(caller, self._kind, Usage(embedding_tokens=tokens, cost_usd=cost, models=(self.model,)))
        return tokens


class MeteredQuestions:
    """QuestionUseCases that count what cached answers saved."""

    def __init__(self, questions: QuestionUseCases, meter: MeasureUsage) -> None:
        self._questions, self._meter = questions, meter

    async def again(self, caller: Caller, question: Question) -> QueryResult | None:
        """See QuestionUseCases."""
        result = await self._questions.again(caller, question)
        if result is not None:
            current().set(question=question.text)
            if (record := recorded()) and record.keeps_question:
                record.question = question.text
            await self._count(caller, result)
        return result

    async def ask(self, caller: Caller, question: Question) -> QueryResult:
        """See QuestionUseCases."""
        current().set(question=question.text)
        result = await self._questions.ask(caller, question)
        await self._count(caller, result)
        return result

    async def stream(self, caller: Caller, question: Question) -> AsyncIterator[Event]:
        """See QuestionUseCases."""
        current().set(question=question.text)
        events = self._questions.stream(caller, question)
        async with closing(events):
            async for event in events:
                if isinstance(event, QueryResult):
                    await self._count(caller, event)
                yield event

    async def _count(self, caller: Caller, result: QueryResult) -> None:
        if record := recorded():
            record.cache_hit = result.cache_hit
        usage = result.usage
        current().set(
            route=result.routing.route,
            outcome=type(result.outcome).__name__,
            cache_hit=result.cache_hit,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            embedding_tokens=usage.embedding_tokens,
            cost_usd=usage.cost_usd,
        )
        if result.cache_hit:
            await self._meter.add(caller, UsageKind.CACHED, result.usage)


def _tell(span: Span, reply: ChatReply) -> None:
    usage = reply.usage
    span.set(input_tokens=usage.input_tokens, output_tokens=usage.output_tokens, cost_usd=usage.cost_usd)
