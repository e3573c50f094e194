"""A question that many ask at the same time is answered once, whoever leaves and whatever fails."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from service.app import Assembly
from service.domain.caller import DEFAULT_CALLER, Caller
from service.domain.questions import Answer, Citation, Event, QueryResult, Question, Route, Routing, TextDelta, Usage
from service.domain.sql import SqlResult, SqlStatement
from service.errors import UpstreamUnavailable
from service.ports import CacheCounters, ChatMessage, ChatOptions, ChatReply
from service.usecases.answer_cache import AnswerCache
from tests.answers.conftest import World, draft
from tests.answers.test_answer_question import CASELOAD, RULES, TOO_MANY
from tests.answers.test_approval import again
from tests.redis_server import RedisServer

pytestmark = pytest.mark.anyio
ASKED = Question(CASELOAD, Route.DOCUMENTS)
MANY = 20


class Gate:
    """A chat model that replies when the test opens it."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls = self.cancelled = 0
        self.asked, self.opened = asyncio.Event(), asyncio.Event()
        self.failure: Exception | None = None
        monkeypatch.setattr(world.chat, "complete", self._complete)

    async def _complete(
        self, caller: Caller, messages: Sequence[ChatMessage], options: ChatOptions | None = None
    ) -> ChatReply:
        self.calls += 1
        self.asked.set()
        try:
            await self.opened.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.failure:
            raise self.failure
        return ChatReply("yes", Usage(100, 1, models=("scripted",)), alternatives=(("yes", -0.1),))


@pytest.fixture
def gate(world: World, monkeypatch: pytest.MonkeyPatch) -> Gate:
    return Gate(world, monkeypatch)


def asking(
    world: World | Assembly, question: Question = ASKED, who: Caller = DEFAULT_CALLER
) -> asyncio.Task[QueryResult]:
    assembly = world.assembly if isinstance(world, World) else world
    return asyncio.create_task(assembly.use_cases.questions.ask(who, question))


async def answer_counters(world: World) -> CacheCounters:
    return (await world.assembly.use_cases.caches.stats(DEFAULT_CALLER))["answer"]


async def test_many_cost_what_one_does(world: World, gate: Gate) -> None:
    await world.upload("rules.md", RULES)
    tasks = [asking(world) for _ in range(MANY)]
    await gate.asked.wait()
    await asyncio.sleep(0.2)
    gate.opened.set()
    results = await asyncio.gather(*tasks)
    assert gate.calls == 1
    assert sorted(result.cache_hit for result in results) == [False] + [True] * (MANY - 1)
    assert len({(str(result.outcome), str(result.usage)) for result in results}) == 1
    counters = await answer_counters(world)
    assert (counters.hits, counters.misses) == (MANY - 1, 1)
    assert counters.saved.input_tokens == 100 * (MANY - 1)
    later = await asking(world)
    assert (later.cache_hit, later.outcome, gate.calls) == (True, results[0].outcome, 1)


async def test_who_leaves_takes_nothing_from_the_others(world: World, gate: Gate) -> None:
    await world.upload("rules.md", RULES)
    first, *others = [asking(world) for _ in range(3)]
    await gate.asked.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    gate.opened.set()
    assert all(isinstance(result.outcome, Answer) for result in await asyncio.gather(*others))
    assert (gate.calls, gate.cancelled) == (1, 0)


async def test_the_last_to_leave_stops_the_work_and_nothing_is_kept(world: World, gate: Gate) -> None:
    await world.upload("rules.md", RULES)
    tasks = [asking(world) for _ in range(3)]
    await gate.asked.wait()
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert (gate.calls, gate.cancelled) == (1, 1)
    gate.opened.set()
    assert not (await asking(world)).cache_hit


async def test_an_error_is_told_to_all_and_not_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.upload("rules.md", RULES)
    world.generator.reply = UpstreamUnavailable("The chat model does not answer. Try again.")
    question = Question("How many agents are there?", Route.SQL)
    get, generate, looked, all_looked = AnswerCache.get, world.generator.generate, list[object](), asyncio.Event()

    async def counted(self: AnswerCache, *asked: object) -> object:
        found = await get(self, *asked)  # pyright: ignore[reportArgumentType]
        looked.append(asked)
        if len(looked) == 5:
            all_looked.set()
        return found

    async def together(*asked: object) -> object:
        await asyncio.wait_for(all_looked.wait(), 60)
        return await generate(*asked)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(AnswerCache, "get", counted)
    monkeypatch.setattr(world.generator, "generate", together)
    failed = await asyncio.gather(*(asking(world, question) for _ in range(5)), return_exceptions=True)
    assert [str(error) for error in failed] == ["The chat model does not answer. Try again."] * 5
    assert len(world.generator.requests) == 1
    world.generator.reply = draft("SELECT COUNT(*) AS agents FROM agent")
    assert isinstance((await asking(world, question)).outcome, Answer)


async def test_who_comes_late_gets_every_event_of_the_stream(world: World, gate: Gate) -> None:
    await world.upload("rules.md", RULES)
    world.generator.reply = draft(TOO_MANY)
    question = Question("Which support agent looks after too many customers?", Route.HYBRID)
    first = aiter(world.assembly.use_cases.questions.stream(DEFAULT_CALLER, question))
    seen: list[Event] = [await anext(first), await anext(first)]
    late = [event async for event in world.assembly.use_cases.questions.stream(DEFAULT_CALLER, question)]
    seen += [event async for event in first]
    assert late[:-1] == seen[:-1]
    assert {type(event) for event in late} == {Routing, Citation, SqlStatement, SqlResult, TextDelta, QueryResult}
    assert len(world.generator.requests) == 1


async def test_another_caller_question_or_wish_for_fresh_is_answered_by_itself(world: World, gate: Gate) -> None:
    await world.upload("rules.md", RULES)
    gate.opened.set()
    questions = [ASKED, Question(CASELOAD.upper(), Route.DOCUMENTS), Question(CASELOAD, Route.DOCUMENTS, no_cache=True)]
    tasks = [asking(world, question) for question in [*questions, questions[-1]]]
    tasks.append(asking(world, ASKED, Caller(principal="bob")))
    assert not any(result.cache_hit for result in await asyncio.gather(*tasks))
    assert gate.calls == 5


async def test_processes_that_share_redis_wait_for_each_other(
    world: World, gate: Gate, redis_server: RedisServer, patient_caches: None
) -> None:
    one, other = (again(world, UPSTASH_REDIS_URL=redis_server.url) for _ in range(2))
    await one.use_cases.documents.upload(DEFAULT_CALLER, "rules.md", RULES.encode())
    await connected(one, other)
    first = asking(one)
    await gate.asked.wait()
    second = asking(other)
    await asyncio.sleep(0.3)
    gate.opened.set()
    results = await asyncio.gather(first, second)
    assert [result.cache_hit for result in results] == [False, True]
    assert (gate.calls, results[0].outcome) == (1, results[1].outcome)
    await asyncio.to_thread(one.close)
    await asyncio.to_thread(other.close)


async def test_a_process_that_fails_leaves_the_question_to_the_others(
    world: World, gate: Gate, redis_server: RedisServer, patient_caches: None
) -> None:
    one, other = (again(world, UPSTASH_REDIS_URL=redis_server.url) for _ in range(2))
    await one.use_cases.documents.upload(DEFAULT_CALLER, "rules.md", RULES.encode())
    await connected(one, other)
    first = asking(one)
    await gate.asked.wait()
    second = asking(other)
    await asyncio.sleep(0.3)
    first.cancel()
    gate.opened.set()
    assert isinstance((await second).outcome, Answer)
    assert (gate.calls, gate.cancelled) == (2, 1)
    await asyncio.to_thread(one.close)
    await asyncio.to_thread(other.close)


async def test_questions_go_on_while_redis_is_killed_and_use_it_when_it_is_back(
    world: World, gate: Gate, redis_server: RedisServer, patient_caches: None
) -> None:
    service = again(world, UPSTASH_REDIS_URL=redis_server.url)
    await service.use_cases.documents.upload(DEFAULT_CALLER, "rules.md", RULES.encode())
    await connected(service)
    gate.opened.set()
    assert [(await asking(service)).cache_hit for _ in range(2)] == [False, True]
    gate.opened.clear()
    gate.asked.clear()
    under_way = asking(service, Question(CASELOAD + " Really?", Route.DOCUMENTS))
    await gate.asked.wait()
    redis_server.kill()
    gate.opened.set()
    assert isinstance((await under_way).outcome, Answer)
    answered = await asking(service)
    assert (answered.cache_hit, isinstance(answered.outcome, Answer)) == (False, True)
    redis_server.start()
    await connected(service)
    assert [(await asking(service)).cache_hit for _ in range(2)] == [False, True]
    await asyncio.to_thread(service.close)


async def connected(*services: Assembly) -> None:
    """Wait until their caches keep what they are given."""
    for service in services:
        cache = service.ports.cache
        async with asyncio.timeout(60):
            while await cache.get(DEFAULT_CALLER, "probe", "k") != b"v":
                await cache.set(DEFAULT_CALLER, "probe", "k", b"v", 60)
                await asyncio.sleep(0.02)
