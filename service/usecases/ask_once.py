"""Answer a question that was or is being answered already without answering it twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

from service.domain.caller import Caller
from service.domain.questions import Event, QueryResult, Question, Route, Routing
from service.usecases.answer_cache import AnswerCache, AnswerKey
from service.usecases.answer_question import AnswerQuestion
from service.usecases.question_outcome import replay
from service.usecases.shared_streams import SharedStreams
from service.usecases.shielding import to_the_end
from service.usecases.streams import closing


@dataclass(frozen=True, slots=True)
class AskOnce:
    """The QuestionUseCases: from the cache, from whoever is asking the same, or by answering."""

    answer: AnswerQuestion
    cache: AnswerCache
    _answering: SharedStreams[Event] = field(default_factory=SharedStreams[Event])

    async def again(self, caller: Caller, question: Question) -> QueryResult | None:
        """See QuestionUseCases."""
        return await self.cache.again(caller, question)

    async def ask(self, caller: Caller, question: Question) -> QueryResult:
        """The final event of stream."""
        events = self.stream(caller, question)
        async with closing(events):
            async for event in events:
                if isinstance(event, QueryResult):
                    return event
        raise AssertionError("stream ends with the QueryResult")

    async def stream(self, caller: Caller, question: Question) -> AsyncIterator[Event]:
        """What happens while answering, in order; the last event is the QueryResult.

        Who asks while the same caller's same question is being answered gets the same events from their beginning.
        """
        key = await self.cache.key(caller, question)
        cached = await self.cache.get(caller, question, key)
        if cached is not None:
            for event in replay(cached):
                yield event
            return
        place = caller, object() if question.no_cache else key
        events = self._answering.read(place, lambda: self._answer(caller, question, key))
        async with closing(events):
            async for event, joined in events:
                if joined and isinstance(event, QueryResult):
                    self.cache.count_saved(caller, event)
                    event = replace(event, cache_hit=True)
                yield event

    async def _answer(self, caller: Caller, question: Question, key: AnswerKey) -> AsyncIterator[Event]:
        """Answer, unless another process turns out to have done so meanwhile."""
        if question.no_cache:
            claim = ""
        else:
            claim, found = await self.cache.claim(caller, question, key)
            if found is not None:
                for event in replay(found):
                    yield event
                return
        events = self.answer.stream(caller, question, key)
        try:
            async with closing(events):
                async for event in events:
                    if isinstance(event, Routing) and event.route is not Route.DOCUMENTS:
                        await self.cache.release(caller, key, claim)
                    yield event
        finally:
            await to_the_end(self.cache.release(caller, key, claim))
