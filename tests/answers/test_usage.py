"""What a whole service used is told by tenant, day, kind and model."""

from __future__ import annotations

import pytest

from service.domain.caller import DEFAULT_CALLER, Caller
from service.domain.questions import Answer, Question, Route
from service.domain.usage import UsageKind
from tests.answers.conftest import World

pytestmark = pytest.mark.anyio
QUESTION = Question("How many days may a video be returned?", Route.DOCUMENTS)


async def used(world: World, caller: Caller = DEFAULT_CALLER) -> dict[tuple[str, str], int]:
    """Calls by kind and model."""
    return {(item.kind, item.model): item.calls for item in await world.assembly.use_cases.usage.totals(caller, 1)}


async def test_documents_questions_and_cached_answers_are_counted_apart(world: World) -> None:
    world.chat.says = [("yes", -0.1)]
    await world.upload("terms.md", "# Returns\n\nA video may be returned within five days.")
    assert await used(world) == {(UsageKind.DOCUMENTS, "words"): 1}
    first = await world.assembly.use_cases.questions.ask(DEFAULT_CALLER, QUESTION)
    assert isinstance(first.outcome, Answer)
    spent = await used(world)
    assert spent[UsageKind.QUESTIONS, "words"] >= 1
    assert spent[UsageKind.QUESTIONS, "scripted"] == 1
    assert not any(kind is UsageKind.CACHED for kind, _ in spent)
    second = await world.assembly.use_cases.questions.ask(DEFAULT_CALLER, QUESTION)
    assert (second.cache_hit, second.usage) == (True, first.usage)
    saved = {(UsageKind.CACHED, model): 1 for model in first.usage.models}
    assert await used(world) == spent | saved
    assert await used(world, Caller("another")) == {}
