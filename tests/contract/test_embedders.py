"""What every embedder promises."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from service.adapters.embedders.minilm import MiniLmEmbedder
from service.adapters.embedders.openai import OpenAIEmbedder
from service.domain.caller import DEFAULT_CALLER
from service.domain.documents import Chunk, Span
from service.domain.health import HealthStatus
from service.errors import NotConfigured
from service.models.catalog import MINILM
from service.models.store import ModelStore
from service.ports import Embedder
from tests.contract.openai_server import OpenAIServer

STORE = ModelStore()
needs_minilm = pytest.mark.skipif(not STORE.is_installed(MINILM), reason="run `ragsql models pull` first")


def chunk(ordinal: int, *units: str, headings: tuple[str, ...] = ()) -> Chunk:
    text = " ".join(units)
    spans: list[Span] = []
    start = 0
    for unit in units:
        spans.append(Span(start, start + len(unit)))
        start += len(unit) + 1
    return Chunk(ordinal, text, Span(0, len(text)), headings, units=tuple(spans))


CHUNKS = [
    chunk(0, "An album can be returned within 14 days.", "The price is refunded.", headings=("Handbook", "Returns")),
    chunk(1, "Artists are paid royalties every quarter."),
    chunk(2, "Support answers tickets within four hours.", "At night it takes longer.", "Not on holidays."),
]


@pytest.fixture(scope="module")
def minilm() -> MiniLmEmbedder:
    return MiniLmEmbedder(STORE.folder(MINILM), threads=1)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(STORE.folder(MINILM) / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


@pytest.fixture(params=[pytest.param("minilm", marks=needs_minilm), "openai"])
def embedder(request: pytest.FixtureRequest, minilm: MiniLmEmbedder, server: OpenAIServer) -> Embedder:
    return minilm if request.param == "minilm" else OpenAIEmbedder("key", server.base_url, dimension=256)


@pytest.mark.anyio
async def test_vectors_have_unit_length_and_the_order_of_the_chunks(embedder: Embedder) -> None:
    results = await embedder.embed_chunks(DEFAULT_CALLER, CHUNKS)

    assert [result.chunk for result in results] == CHUNKS
    for result in results:
        assert result.vector.shape == (embedder.dimension,)
        assert result.vector.dtype == np.float32
        assert np.linalg.norm(result.vector) == pytest.approx(1, abs=1e-4)


@pytest.mark.anyio
async def test_a_query_finds_its_chunk(embedder: Embedder) -> None:
    results = await embedder.embed_chunks(DEFAULT_CALLER, CHUNKS)
    query = await embedder.embed_query(DEFAULT_CALLER, "Within how many days can an album be returned?")

    assert query.shape == (embedder.dimension,)
    assert np.argmax([result.vector @ query for result in results]) == 0


@pytest.mark.anyio
async def test_headings_count(embedder: Embedder) -> None:
    plain, headed = await embedder.embed_chunks(
        DEFAULT_CALLER, [chunk(0, "Within 14 days."), chunk(1, "Within 14 days.", headings=("Shop", "Album returns"))]
    )
    query = await embedder.embed_query(DEFAULT_CALLER, "album returns")

    assert headed.vector @ query > plain.vector @ query


@pytest.mark.anyio
async def test_the_neighbours_in_a_batch_do_not_matter(embedder: Embedder) -> None:
    crowd = [chunk(n, f"Sentence {n} " + "and more " * (n * 7 % 40)) for n in range(70)]
    (alone,) = await embedder.embed_chunks(DEFAULT_CALLER, CHUNKS[:1])
    together = await embedder.embed_chunks(DEFAULT_CALLER, [*crowd, CHUNKS[0]])

    assert len(together) == 71
    np.testing.assert_array_equal(together[-1].vector, alone.vector)


@pytest.mark.anyio
async def test_no_chunks(embedder: Embedder) -> None:
    assert await embedder.embed_chunks(DEFAULT_CALLER, []) == []


@pytest.mark.anyio
async def test_texts_beyond_the_limit_are_embedded(embedder: Embedder) -> None:
    query = await embedder.embed_query(DEFAULT_CALLER, "royalties " * 3000)
    assert np.linalg.norm(query) == pytest.approx(1, abs=1e-4)


@pytest.mark.anyio
async def test_it_serves(embedder: Embedder) -> None:
    health = await embedder.check()
    assert (health.component, health.status, health.detail) == ("embedder", HealthStatus.SERVING, "")


def test_tokens_grow_with_the_text(embedder: Embedder) -> None:
    assert embedder.count_tokens("") == 0
    assert embedder.count_tokens("one two three") >= 3
    assert embedder.count_tokens("word " * 2000) > embedder.max_tokens


@needs_minilm
@given(text=st.text(st.sampled_from("aBé ǅΣ\n\t\x0b\x1c\x85\u00a0\u2028\u3000\u0301大.,'-9")) | st.text(max_size=200))
@settings(deadline=None)
def test_minilm_counts_what_its_tokenizer_gives(minilm: MiniLmEmbedder, tokenizer: Tokenizer, text: str) -> None:
    assert minilm.count_tokens(text) == len(tokenizer.encode(text, add_special_tokens=False))


@needs_minilm
@given(text=st.text(max_size=200))
@settings(max_examples=30, deadline=None)
def test_minilm_takes_any_text(text: str) -> None:
    embedder = MiniLmEmbedder(STORE.folder(MINILM), threads=1) if not _SHARED else _SHARED[0]
    _SHARED[:] = [embedder]
    query = asyncio.run(embedder.embed_query(DEFAULT_CALLER, text))
    assert np.linalg.norm(query) == pytest.approx(1, abs=1e-4)
    assert embedder.count_tokens(text) >= 0


_SHARED: list[MiniLmEmbedder] = []


@needs_minilm
@pytest.mark.anyio
async def test_minilm_is_the_model_that_its_makers_published(minilm: MiniLmEmbedder) -> None:
    texts = (
        "That is a happy person",
        "That is a happy dog",
        "That is a very happy person",
        "Today is a sunny day",
    )
    first, *others = [await minilm.embed_query(DEFAULT_CALLER, text) for text in texts]
    assert [float(first @ other) for other in others] == pytest.approx([0.695, 0.943, 0.257], abs=0.03)


@needs_minilm
@pytest.mark.anyio
async def test_minilm_answers_queries_while_chunks_are_embedded(minilm: MiniLmEmbedder) -> None:
    ingest = asyncio.ensure_future(minilm.embed_chunks(DEFAULT_CALLER, [chunk(n, "word " * 200) for n in range(60)]))
    await asyncio.sleep(0)
    await minilm.embed_query(DEFAULT_CALLER, "a question that nobody asked before")
    assert not ingest.done()
    assert len(await ingest) == 60


@pytest.mark.anyio
async def test_minilm_says_how_to_install_it(tmp_path: Path) -> None:
    embedder = MiniLmEmbedder(tmp_path)
    health = await embedder.check()
    assert health.status is HealthStatus.NOT_SERVING
    assert "Run `ragsql models pull`" in health.detail
    with pytest.raises(NotConfigured, match="ragsql models pull"):
        await embedder.embed_query(DEFAULT_CALLER, "anything")


@needs_minilm
@pytest.mark.anyio
async def test_minilm_refuses_a_damaged_file(tmp_path: Path) -> None:
    shutil.copy(STORE.folder(MINILM) / "tokenizer.json", tmp_path)
    (tmp_path / MINILM.build).write_bytes(b"not a model")
    with pytest.raises(NotConfigured, match="cannot be loaded"):
        await MiniLmEmbedder(tmp_path).embed_query(DEFAULT_CALLER, "anything")


@pytest.mark.anyio
async def test_openai_sends_many_texts_in_few_requests(server: OpenAIServer) -> None:
    embedder = OpenAIEmbedder("key", server.base_url, dimension=64)
    await embedder.embed_chunks(DEFAULT_CALLER, [chunk(n, f"Sentence {n}.") for n in range(200)])
    assert sum(len(request["input"]) for request in server.requests) == 200
    assert len(server.requests) <= 3
    assert {request["encoding_format"] for request in server.requests} == {"base64"}
