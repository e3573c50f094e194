from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from service.domain.caller import DEFAULT_CALLER, Caller
from service.domain.documents import Chunk
from service.domain.questions import Answer, Question, Route
from service.errors import UpstreamUnavailable
from service.ports import EmbeddedChunk
from tests.answers.conftest import WordEmbedder, World, draft

if TYPE_CHECKING:
    from service.ports import Vectors

pytestmark = pytest.mark.anyio
LONG = "\n\n".join(f"The {name} is described here at length. " + f"The {name} word. " * 40 for name in "abcdef")


async def test_neighbours_come_as_one_passage_and_top_k_counts_passages(world: World) -> None:
    await world.upload("long.md", f"# Long\n\n{LONG}")
    await world.upload("other.md", "# Other\n\nNothing is described here.\n")
    found = await world.assembly.retrieve(DEFAULT_CALLER, Question("Where is the word described at length?", top_k=2))
    passages = {id(item.passage): item.passage for item in found.evidence}.values()
    assert len(passages) <= 2
    assert max(len(passage.chunk.text.split()) for passage in passages) > WordEmbedder.max_tokens


async def test_a_copy_of_a_document_takes_no_place(world: World) -> None:
    text = "Salaries are paid on the last Friday."
    for name in ("first.md", "copy.md"):
        await world.upload(name, f"# {name}\n\n{text}\n")
    await world.upload("rival.md", "# Rival\n\nSalaries are paid on the first Monday.\n")
    found = await world.assembly.retrieve(DEFAULT_CALLER, Question("When are salaries paid?", top_k=2))
    assert len(found.evidence) == 2
    assert {item.passage.chunk.text for item in found.evidence} == {text, "Salaries are paid on the first Monday."}


async def test_one_embedding_call_a_question(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    embed_query, embed_chunks = WordEmbedder.embed_query, WordEmbedder.embed_chunks

    async def query(self: WordEmbedder, caller: Caller, text: str) -> Vectors:
        calls.append("query")
        return await embed_query(self, caller, text)

    async def chunks(self: WordEmbedder, caller: Caller, chunks: Sequence[Chunk]) -> list[EmbeddedChunk]:
        calls.append("chunks")
        return await embed_chunks(self, caller, chunks)

    monkeypatch.setattr(WordEmbedder, "embed_query", query)
    monkeypatch.setattr(WordEmbedder, "embed_chunks", chunks)
    await world.upload("pay.md", "# Pay\n\nSalaries are paid on the last Friday.\n")
    await world.assembly.route.warm(DEFAULT_CALLER)
    world.generator.reply = draft("SELECT COUNT(*) AS agents FROM agent")
    for route in Route:
        calls.clear()
        await world.assembly.use_cases.questions.ask(DEFAULT_CALLER, Question(f"When is pay day? {route}", route))
        assert calls == ([] if route is Route.SQL else ["query"]), route


async def test_the_database_answers_while_the_question_cannot_be_embedded(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> Vectors:
        raise UpstreamUnavailable("The embedding model does not answer.")

    await world.upload("pay.md", "# Pay\n\nSalaries are paid on the last Friday.\n")
    await world.assembly.route.warm(DEFAULT_CALLER)
    monkeypatch.setattr(WordEmbedder, "embed_query", fail)
    world.generator.reply = draft("SELECT COUNT(*) AS agents FROM agent")
    ask = world.assembly.use_cases.questions.ask
    rows = (await ask(DEFAULT_CALLER, Question("How many agents are there?", Route.SQL))).outcome
    both = (await ask(DEFAULT_CALLER, Question("How many agents are paid on Friday?", Route.HYBRID))).outcome
    assert isinstance(rows, Answer)
    assert isinstance(both, Answer)
    assert rows.sql_results[0].table.rows == both.sql_results[0].table.rows == ((2,),)
    assert "The part of the answer that documents hold is missing. The embedding model does not answer." in both.text
    for route in (Route.DOCUMENTS, Route.UNSPECIFIED):
        with pytest.raises(UpstreamUnavailable, match="does not answer"):
            await ask(DEFAULT_CALLER, Question("When is pay day?", route))
