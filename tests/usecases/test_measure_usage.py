"""What models are used for is counted where they are called, and kept by day."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from service.adapters.records.sql import SqlRecordStore
from service.domain.caller import Caller
from service.domain.documents import Chunk, Span
from service.domain.prices import PRICES_AS_OF, cost_usd, is_priced
from service.domain.questions import (
    Event,
    NoAnswer,
    NoAnswerReason,
    QueryResult,
    Question,
    Route,
    Routing,
    Usage,
)
from service.domain.spending import spending
from service.domain.usage import UsageKind, UsageTotal
from service.errors import UpstreamUnavailable
from service.ports import ChatMessage, ChatModel, ChatOptions, ChatReply
from service.usecases.measure_usage import MeasureUsage
from service.usecases.metered import MeteredChat, MeteredEmbedder, MeteredQuestions
from tests.answers.conftest import ScriptedChat, WordEmbedder

pytestmark = pytest.mark.anyio
CALLER, OTHER = Caller("one"), Caller("two")
DAY = dt.date(2026, 1, 31)
SPENT = Usage(100, 10, cost_usd=0.5, models=("gpt-4o",)) + Usage(embedding_tokens=7, models=("all-minilm-l6-v2",))


class Failing(SqlRecordStore):
    """Does not work while it is down."""

    down = False

    async def add_usage(self, caller: Caller, totals: Sequence[UsageTotal]) -> None:
        if self.down:
            raise UpstreamUnavailable("The database of records does not work.")
        await super().add_usage(caller, totals)


@pytest.fixture
def records(tmp_path: Path) -> Failing:
    return Failing(f"sqlite:///{tmp_path}/records.db")


@pytest.fixture
def meter(records: Failing) -> MeasureUsage:
    return MeasureUsage(records, lambda: DAY)


async def stored(records: SqlRecordStore, caller: Caller = CALLER) -> dict[tuple[str, str], int]:
    """Calls by kind and model."""
    return {(item.kind, item.model): item.calls for item in await records.list_usage(caller, DAY, DAY)}


async def test_a_sum_is_counted_for_each_of_its_models(meter: MeasureUsage) -> None:
    await meter.add(CALLER, UsageKind.QUESTIONS, SPENT)
    await meter.add(CALLER, UsageKind.QUESTIONS, SPENT)
    local, remote = await meter.totals(CALLER, 1)
    assert (local.calls, local.usage) == (2, Usage(embedding_tokens=14, models=("all-minilm-l6-v2",)))
    assert (remote.calls, remote.usage) == (2, Usage(200, 20, cost_usd=1.0, models=("gpt-4o",)))
    assert await meter.totals(OTHER, 1) == []


async def test_totals_are_of_the_days_asked_for(records: Failing) -> None:
    days = [dt.date(2026, 1, 29), dt.date(2026, 1, 30), DAY]
    for day in days:
        await MeasureUsage(records, lambda: day).add(CALLER, UsageKind.SQL, SPENT)  # noqa: B023
    meter = MeasureUsage(records, lambda: DAY)
    assert {item.day for item in await meter.totals(CALLER, 2)} == set(days[1:])


async def test_it_is_stored_at_once_unless_buffered(meter: MeasureUsage, records: Failing) -> None:
    await meter.add(CALLER, UsageKind.SQL, SPENT)
    assert len(await stored(records)) == 2
    async with meter.buffering():
        await meter.add(OTHER, UsageKind.SQL, SPENT)
        assert await stored(records, OTHER) == {}
        assert len(await meter.totals(OTHER, 1)) == 2
        await meter.add(OTHER, UsageKind.DOCUMENTS, SPENT)
    assert len(await stored(records, OTHER)) == 4


async def test_what_cannot_be_stored_is_kept_and_breaks_nothing(meter: MeasureUsage, records: Failing) -> None:
    records.down = True
    await meter.add(CALLER, UsageKind.SQL, SPENT)
    await meter.add(CALLER, UsageKind.SQL, SPENT)
    records.down = False
    await meter.add(CALLER, UsageKind.SQL, SPENT)
    assert await stored(records) == {("SQL", "gpt-4o"): 3, ("SQL", "all-minilm-l6-v2"): 3}


async def test_adding_that_is_cancelled_counts_once(meter: MeasureUsage, records: Failing) -> None:
    adding = asyncio.create_task(meter.add(CALLER, UsageKind.SQL, SPENT))
    await asyncio.sleep(0)
    adding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await adding
    await meter.totals(CALLER, 1)
    assert set((await stored(records)).values()) == {1}


class Streaming(ScriptedChat):
    async def stream(
        self, caller: Caller, messages: Sequence[ChatMessage], options: ChatOptions | None = None
    ) -> AsyncIterator[str | ChatReply]:
        yield "Yes"
        yield await self.complete(caller, messages, options)


async def test_every_whole_reply_of_a_chat_model_is_counted(meter: MeasureUsage, records: Failing) -> None:
    scripted: ChatModel = Streaming([("Yes", 0.0)])  # pyright: ignore[reportAssignmentType]
    chat = MeteredChat(scripted, meter, UsageKind.SQL)
    assert (await chat.complete(CALLER, [ChatMessage("user", "?")])).text == "Yes"
    items = [item async for item in chat.stream(CALLER, [ChatMessage("user", "?")])]
    assert (items[0], len(items)) == ("Yes", 2)
    assert await stored(records) == {("SQL", "scripted"): 2}
    async for item in chat.stream(CALLER, [ChatMessage("user", "?")]):
        assert item == "Yes"
        break
    assert await stored(records) == {("SQL", "scripted"): 2}


async def test_embedded_tokens_are_counted_with_their_headings(meter: MeasureUsage, records: Failing) -> None:
    embedder = MeteredEmbedder(WordEmbedder(), meter, UsageKind.DOCUMENTS)  # pyright: ignore[reportArgumentType]
    await embedder.embed_chunks(CALLER, [Chunk(0, "two words", Span(0, 9), ("Title",))])
    await embedder.embed_query(CALLER, "and three more")
    (total,) = await meter.totals(CALLER, 1)
    assert (total.calls, total.usage.embedding_tokens) == (2, 6)


class Cached:
    """Questions that are all in the cache, or all new."""

    def __init__(self, cache_hit: bool) -> None:
        nothing = NoAnswer(NoAnswerReason.NO_RELEVANT_CONTENT, "Upload something.")
        self.result = QueryResult(Routing(Route.DOCUMENTS, 1.0, ""), nothing, SPENT, cache_hit)

    async def again(self, caller: Caller, question: Question) -> QueryResult | None:
        return self.result if self.result.cache_hit else None

    async def ask(self, caller: Caller, question: Question) -> QueryResult:
        return self.result

    async def stream(self, caller: Caller, question: Question) -> AsyncIterator[Event]:
        yield self.result.routing
        yield self.result


@pytest.mark.parametrize("cache_hit", [True, False])
async def test_what_cached_answers_saved_is_counted_apart(
    meter: MeasureUsage, records: Failing, cache_hit: bool
) -> None:
    questions = MeteredQuestions(Cached(cache_hit), meter)
    assert (await questions.ask(CALLER, Question("?"))).cache_hit is cache_hit
    assert len([event async for event in questions.stream(CALLER, Question("?"))]) == 2
    assert (await questions.again(CALLER, Question("?")) is not None) is cache_hit
    saved = {("CACHED", "gpt-4o"): 3, ("CACHED", "all-minilm-l6-v2"): 3}
    assert await stored(records) == (saved if cache_hit else {})


def test_a_sum_of_sums_names_every_call() -> None:
    assert [part.models for part in (SPENT + SPENT).by_model] == [("gpt-4o",), ("all-minilm-l6-v2",)] * 2
    assert Usage().by_model == ()
    assert SPENT + Usage() == SPENT
    assert replace(SPENT, parts=()) == SPENT


def test_prices_are_dated_and_what_is_unknown_is_told_from_what_is_free() -> None:
    assert dt.date(2025, 1, 1) <= PRICES_AS_OF
    assert cost_usd("gpt-4o-2024-08-06", 1_000_000, 1_000_000) == 12.5
    free, unknown = ["local:qwen", "all-minilm-l6-v2"], ["somebody's", "gpt-4o-audio", ""]
    assert [cost_usd(model, 9, 9) for model in free + unknown] == [0.0] * 5
    assert all(is_priced(model) for model in [*free, "gpt-4o-2024-08-06", "text-embedding-3-small"])
    assert not any(is_priced(model) for model in unknown)


async def test_spending_is_told_by_block_and_task(meter: MeasureUsage) -> None:
    one = Usage(1, models=("m",))

    async def spend() -> Usage:
        with spending() as spent:
            await meter.add(CALLER, UsageKind.SQL, one)
            await asyncio.gather(*(meter.add(CALLER, UsageKind.SQL, one) for _ in range(2)))
            await meter.add(CALLER, UsageKind.CACHED, one)
            return spent()

    with spending() as around:
        assert (await spend()).input_tokens == 3
    assert around().input_tokens == 3
    assert [usage.input_tokens for usage in await asyncio.gather(spend(), spend())] == [3, 3]
