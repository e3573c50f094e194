"""Every VectorStore finds chunks by words and by meaning, apart by tenant, and changes in one step."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.domain.documents import Chunk, Document, PageBox, Passage, Span, TextLine
from service.ports import EmbeddedChunk, VectorIndex, VectorStore
from tests.contract.chunks import ANN, BOB, DIMENSION, direction, embedded, several, texts_of
from tests.contract.vector_stores import KINDS, open_empty

pytestmark = pytest.mark.anyio
MakeDocument = Callable[..., Document]


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[VectorIndex]:
    store = open_empty(request.param, tmp_path / "new folder" / "vectors.db", request.getfixturevalue)
    yield store
    store.close()


async def test_a_chunk_comes_back_whole(store: VectorStore, make_document: MakeDocument) -> None:
    chunk = Chunk(
        ordinal=3,
        text="Größe: 大小\nsecond “unit” \ud800",
        span=Span(10, 37),
        headings=("Handbook", "Sizes"),
        lines=(
            TextLine(Span(0, 9), PageBox(2, 0.1, 0.2, 0.3, 0.0007)),
            TextLine(Span(10, 25), PageBox(3, 0.0, 0.0, 1.0, 0.9999)),
        ),
        units=(Span(0, 9), Span(10, 25)),
    )
    document = make_document("d", filename="Größe 'x'.pdf")
    await store.replace(ANN, document, [EmbeddedChunk(chunk, direction(1, 1))])
    (passage,) = await store.search(ANN, "second", direction(1), 5)
    assert passage.chunk == chunk
    assert (passage.document_id, passage.filename) == ("d", "Größe 'x'.pdf")
    assert passage.dense_score == pytest.approx(0.5**0.5, abs=1e-6)
    assert passage.lexical_score > 0


async def test_words_and_meaning_each_find_and_together_win(store: VectorStore, make_document: MakeDocument) -> None:
    chunks = [
        embedded("nothing in common", direction(1, 0.1)),
        embedded("the returns policy", direction(0, 0, 1)),
        embedded("returning goods: our policies", direction(1, 0.1)),
        embedded("unrelated", direction(0, 0, 0, 1)),
    ]
    for i, chunk in enumerate(chunks):
        await store.replace(ANN, make_document(str(i)), [chunk])
    found = await store.search(ANN, "return policy", direction(1), 4)
    assert texts_of(found)[0] == "returning goods: our policies"
    assert set(texts_of(found)[1:3]) == {"nothing in common", "the returns policy"}
    assert [passage.lexical_score > 0 for passage in sorted(found, key=lambda p: p.document_id)] == [
        False,
        True,
        True,
        False,
    ]
    scores = [passage.score for passage in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


async def test_headings_are_searched_too(store: VectorStore, make_document: MakeDocument) -> None:
    await store.replace(ANN, make_document("a"), [embedded("Thirty days.", direction(0, 1), headings=("Refunds",))])
    (passage,) = await store.search(ANN, "refund", direction(1), 5)
    assert passage.lexical_score > 0


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("naive cafes", "A naïve CAFÉ"),
        ("ΣΊΣΥΦΟΣ", "ο σίσυφος"),
        ("東京", "私は東京都に行く"),
        ("भाषा", "हिन्दी भाषा"),
        ("ภาษาไทย", "เรียนภาษาไทยที่บ้าน"),
        ("학교", "한국 학교에서"),
        ("fine", "ﬁne print"),
        ("AC-1042", "part ac 1042"),
    ],
)
async def test_words_are_found_in_any_script(
    store: VectorStore, make_document: MakeDocument, query: str, text: str
) -> None:
    await store.replace(ANN, make_document("a"), [embedded(text, direction(0, 1))])
    (passage,) = await store.search(ANN, query, direction(1), 5)
    assert passage.lexical_score > 0


OPERATORS = st.sampled_from(['"', "'", "*", "NEAR(", ")", " OR ", " AND ", " NOT ", "terms:", "^", "-", "{", "}", "\0"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(OPERATORS | st.text(max_size=5), max_size=12))
def test_any_query_is_harmless(store: VectorStore, make_document: MakeDocument, parts: list[str]) -> None:
    async def scenario() -> list[Passage]:
        await store.replace(ANN, make_document("a"), [embedded("NEAR or not terms", direction(1))])
        return await store.search(ANN, "".join(parts), direction(1), 5)

    assert len(asyncio.run(scenario())) == 1


async def test_the_dense_part_is_exact(store: VectorStore, make_document: MakeDocument) -> None:
    rng = np.random.default_rng(7)
    vectors = rng.standard_normal((700, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    for start in range(0, 700, 70):
        chunks = [embedded(f"chunk{i}", vectors[i], i) for i in range(start, start + 70)]
        await store.replace(ANN, make_document(str(start)), chunks)
    for query in vectors[::100]:
        found = await store.search(ANN, "", query, 20)
        best = np.argsort(-(vectors @ query))[:20]
        assert texts_of(found) == [f"chunk{i}" for i in best]
        np.testing.assert_allclose([p.dense_score for p in found], (vectors @ query)[best], atol=1e-6)


async def test_search_keeps_to_the_given_documents(store: VectorStore, make_document: MakeDocument) -> None:
    for name in "abc":
        await store.replace(ANN, make_document(name), several([f"policy {name}{i}" for i in range(60)], direction(1)))
    found = await store.search(ANN, "policy b5", direction(1), 50, ["b"])
    assert len(found) == 50
    assert found[0].chunk.text == "policy b5"
    assert {passage.document_id for passage in found} == {"b"}
    found = await store.search(ANN, "policy", direction(1), 50, ["a", "c", "absent"])
    assert {passage.document_id for passage in found} <= {"a", "c"}
    assert await store.search(ANN, "policy", direction(1), 5, ["absent"]) == []


async def test_replacing_removes_the_old_and_deleting_forgets(store: VectorStore, make_document: MakeDocument) -> None:
    await store.replace(ANN, make_document("v1"), several(["old one", "old two"], direction(1)))
    await store.replace(ANN, make_document("other"), several(["other"], direction(0, 1)))
    await store.replace(ANN, make_document("v2"), several(["new"], direction(1)), replaces=["v1", "absent"])
    assert sorted(texts_of(await store.search(ANN, "old new", direction(1), 10))) == ["new", "other"]
    await store.replace(ANN, make_document("v2"), several(["newer"], direction(1)))
    assert texts_of(await store.search(ANN, "", direction(1), 10)) == ["newer", "other"]
    assert await store.count(ANN) == 2
    await store.delete(ANN, "v2")
    await store.delete(ANN, "absent")
    found = await store.search(ANN, "newer", direction(1), 10)
    assert [(passage.chunk.text, passage.lexical_score) for passage in found] == [("other", 0)]
    await store.delete(ANN, "other")
    assert await store.search(ANN, "other", direction(1), 10) == []
    assert await store.count(ANN) == 0


async def test_tenants_see_only_their_own(store: VectorStore, make_document: MakeDocument) -> None:
    assert await store.search(ANN, "policy", direction(1), 5) == []
    await store.replace(ANN, make_document("d"), several(["policy of ann"], direction(1)))
    await store.replace(BOB, make_document("d"), several(["policy of bob", "more"], direction(1)), replaces=["d"])
    assert texts_of(await store.search(ANN, "policy", direction(1), 5)) == ["policy of ann"]
    assert (await store.count(ANN), await store.count(BOB)) == (1, 2)
    assert (await store.document_ids(ANN), await store.document_ids(BOB)) == (["d"], ["d"])
    assert await store.document_ids(dataclasses.replace(ANN, tenant="nobody")) == []
    before = await store.epoch(ANN)
    await store.delete(BOB, "d")
    assert await store.epoch(ANN) == before
    assert await store.search(BOB, "policy", direction(1), 5, ["d"]) == []
    assert texts_of(await store.search(ANN, "policy", direction(1), 5, ["d"])) == ["policy of ann"]


async def test_the_epoch_changes_with_what_search_may_return(store: VectorStore, make_document: MakeDocument) -> None:
    epochs = [await store.epoch(ANN)]
    for act in (
        lambda: store.replace(ANN, make_document("d"), several(["one"], direction(1))),
        lambda: store.replace(ANN, make_document("d"), several(["one"], direction(1))),
        lambda: store.delete(ANN, "d"),
    ):
        await act()
        epochs.append(await store.epoch(ANN))
    assert len(set(epochs)) == 4
    await store.search(ANN, "one", direction(1), 5)
    await store.delete(ANN, "d")
    assert await store.epoch(ANN) == epochs[-1]


async def test_writers_at_the_same_time_lose_nothing(store: VectorStore, make_document: MakeDocument) -> None:
    names = [str(i) for i in range(6)]
    await asyncio.gather(*(store.replace(ANN, make_document(n), several([f"text {n}"], direction(1))) for n in names))
    assert (await store.count(ANN), sorted(await store.document_ids(ANN))) == (6, names)
    versions = [several([f"version {i}"] * 3, direction(1)) for i in range(4)]
    await asyncio.gather(*(store.replace(ANN, make_document("0"), version) for version in versions))
    found = await store.search(ANN, "version", direction(1), 50, ["0"])
    assert len(found) == await store.count(ANN) - 5 == 3
    assert len(set(texts_of(found))) == 1
    await asyncio.gather(*(store.delete(ANN, n) for n in names))
    assert (await store.count(ANN), await store.search(ANN, "text", direction(1), 50)) == (0, [])


async def test_a_document_without_chunks_takes_the_place_of_others(
    store: VectorStore, make_document: MakeDocument
) -> None:
    await store.replace(ANN, make_document("a"), several(["text"], direction(1)))
    await store.replace(ANN, make_document("b"), [], replaces=["a"])
    assert (await store.count(ANN), await store.search(ANN, "text", direction(1), 5)) == (0, [])


async def test_a_document_that_was_replaced_may_come_back(store: VectorStore, make_document: MakeDocument) -> None:
    """As when a new version cannot be stored after all."""
    await store.replace(ANN, make_document("old"), several(["old"], direction(1)))
    await store.replace(ANN, make_document("new"), several(["new"], direction(1)), replaces=["old"])
    await store.replace(ANN, make_document("old"), several(["old"], direction(1)), replaces=["new"])
    await store.delete(ANN, "new")
    assert texts_of(await store.search(ANN, "", direction(1), 5)) == ["old"]
    assert await store.document_ids(ANN) == ["old"]


async def test_a_forgotten_tenant_leaves_nothing_and_may_come_back(
    store: VectorIndex, make_document: MakeDocument
) -> None:
    await store.forget(ANN)
    await store.replace(BOB, make_document("bob"), several(["word"], direction(1)))
    for content in ("one", "two"):
        chunks = several([f"word {content} {i}" for i in range(3)], direction(1))
        await store.replace(ANN, make_document("a"), chunks)
        await store.replace(ANN, make_document("b"), several([content], direction(0, 1)))
        expected = {content, *(chunk.chunk.text for chunk in chunks)}
        assert set(texts_of(await store.search(ANN, "word", direction(1), 10))) == expected
        await store.forget(ANN)
        assert (await store.count(ANN), await store.document_ids(ANN)) == (0, [])
        assert await store.search(ANN, "word", direction(1), 10) == []
    assert texts_of(await store.search(BOB, "word", direction(1), 10)) == ["word"]


async def test_ten_thousand_chunks_are_one_document(store: VectorStore, make_document: MakeDocument) -> None:
    vectors = np.random.default_rng(11).standard_normal((10_000, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    chunks = [embedded(f"chunk{i} of many", vector, i) for i, vector in enumerate(vectors)]
    await store.replace(ANN, make_document("large"), chunks)
    await store.replace(ANN, make_document("small"), several(["one of few"], direction(1)))
    assert await store.count(ANN) == 10_001
    for wanted in (0, 9_999):
        (first, *_) = await store.search(ANN, f"chunk{wanted}", vectors[wanted], 5)
        assert first.chunk == chunks[wanted].chunk
    assert texts_of(await store.search(ANN, "few", direction(1), 5, ["small"])) == ["one of few"]
    await store.delete(ANN, "large")
    assert texts_of(await store.search(ANN, "chunk1", vectors[1], 5)) == ["one of few"]
