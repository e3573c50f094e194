"""How often and when Pinecone is asked again: by the policy of all vendors, not by the SDK's."""

from __future__ import annotations

import asyncio
import email.utils
import time
from collections.abc import AsyncIterator, Callable

import pytest
import stamina

from service.adapters.retries import ATTEMPTS
from service.adapters.vectors.pinecone import PineconeVectorStore
from service.domain.documents import Document
from service.errors import RagsqlError, UpstreamUnavailable
from tests.contract.chunks import ANN, DIMENSION, direction, several
from tests.pinecone_emulator import PineconeEmulator
from tests.pinecone_index import Index

pytestmark = pytest.mark.anyio
NAME = "rag-documents"


@pytest.fixture
async def store(
    pinecone_emulator: PineconeEmulator, make_document: Callable[..., Document]
) -> AsyncIterator[PineconeVectorStore]:
    pinecone_emulator.indexes[NAME] = Index(DIMENSION)
    store = PineconeVectorStore("key", NAME, "model", DIMENSION, grace_seconds=0.01)
    await store.replace(ANN, make_document("d"), several(["text"], direction(1)))
    pinecone_emulator.requests.clear()
    yield store
    await asyncio.to_thread(store.close)


def queries(emulator: PineconeEmulator) -> int:
    return len([path for path in emulator.requests if path.endswith("query")])


async def search(store: PineconeVectorStore) -> int:
    return len(await store.search(ANN, "text", direction(1), 5))


@pytest.mark.parametrize("fault", ["408", "429", "500", "503", "cut"])
async def test_what_passes_is_asked_three_times(
    pinecone_emulator: PineconeEmulator, store: PineconeVectorStore, retries: None, fault: str
) -> None:
    pinecone_emulator.faults = [("query", fault)] * (ATTEMPTS - 1)
    assert await search(store) == 1
    assert queries(pinecone_emulator) == ATTEMPTS
    pinecone_emulator.faults = [("query", fault)] * ATTEMPTS
    with pytest.raises(UpstreamUnavailable, match="Pinecone"):
        await search(store)
    assert queries(pinecone_emulator) == 2 * ATTEMPTS


@pytest.mark.parametrize("fault", ["400", "402", "403", "404", "409", "413"])
async def test_what_does_not_pass_is_asked_once(
    pinecone_emulator: PineconeEmulator, store: PineconeVectorStore, retries: None, fault: str
) -> None:
    pinecone_emulator.faults = [("query", fault)]
    with pytest.raises(RagsqlError, match="Pinecone"):
        await search(store)
    assert queries(pinecone_emulator) == 1


@pytest.mark.parametrize("dated", [False, True])
async def test_it_waits_as_long_as_pinecone_says(
    pinecone_emulator: PineconeEmulator, store: PineconeVectorStore, dated: bool
) -> None:
    pinecone_emulator.retry_after = email.utils.formatdate(time.time() + 2, usegmt=True) if dated else "1"
    pinecone_emulator.faults = [("query", "429")]
    begun = time.monotonic()
    with stamina.set_testing(False):
        assert await search(store) == 1
    assert 0.9 < time.monotonic() - begun < 30
    assert queries(pinecone_emulator) == 2


async def test_it_does_not_wait_for_minutes(pinecone_emulator: PineconeEmulator, store: PineconeVectorStore) -> None:
    pinecone_emulator.retry_after = "60"
    pinecone_emulator.faults = [("query", "429")]
    begun = time.monotonic()
    with stamina.set_testing(False), pytest.raises(UpstreamUnavailable, match="no more requests"):
        await search(store)
    assert time.monotonic() - begun < 60
