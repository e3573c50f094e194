"""The OpenAI embedder over llama.cpp's own server, through the same SDK."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from service.adapters.embedders.openai import OpenAIEmbedder
from service.domain.caller import DEFAULT_CALLER
from service.domain.health import HealthStatus
from service.errors import NotConfigured, UpstreamUnavailable
from service.models.catalog import QWEN_CODER
from tests.contract.conftest import STORE, needs_chat_model
from tests.contract.llama_embeddings import serving
from tests.contract.test_embedders import CHUNKS

pytestmark = [pytest.mark.anyio, needs_chat_model]
DIMENSION = 1536


@pytest.fixture(scope="module")
def llama_url() -> Iterator[str]:
    with serving(STORE.weights(QWEN_CODER)) as url:
        yield url


async def test_vectors_have_unit_length_and_the_order_of_the_chunks(llama_url: str) -> None:
    embedder = OpenAIEmbedder("", llama_url, "qwen", DIMENSION)
    together = await embedder.embed_chunks(DEFAULT_CALLER, CHUNKS)
    alone = [(await embedder.embed_chunks(DEFAULT_CALLER, [chunk]))[0] for chunk in CHUNKS]
    assert [result.chunk for result in together] == CHUNKS
    for one, other in zip(together, alone, strict=True):
        assert (one.vector.shape, one.vector.dtype) == ((DIMENSION,), np.float32)
        assert np.linalg.norm(one.vector) == pytest.approx(1, abs=1e-4)
        assert one.vector @ other.vector == pytest.approx(1, abs=1e-3)
    query = await embedder.embed_query(DEFAULT_CALLER, "Artists are paid royalties every quarter.")
    assert np.argmax([result.vector @ query for result in together]) == 1
    assert await embedder.embed_chunks(DEFAULT_CALLER, []) == []
    assert (await embedder.check()).status is HealthStatus.SERVING


async def test_another_dimension_and_a_text_that_is_too_long_are_said_so(llama_url: str) -> None:
    with pytest.raises(NotConfigured, match="RAGSQL_EMBEDDING_DIMENSION"):
        await OpenAIEmbedder("", llama_url, "qwen", 384).embed_query(DEFAULT_CALLER, "anything")
    with pytest.raises(UpstreamUnavailable, match="longer than qwen reads"):
        await OpenAIEmbedder("", llama_url, "qwen", DIMENSION).embed_query(DEFAULT_CALLER, "royalties " * 3000)
