"""The index goes away in the middle of an ingest: what was accepted is searchable once it is back, with no restart."""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from service.adapters.caches.memory import MemoryCache
from service.adapters.records.sql import SqlRecordStore
from service.adapters.vectors.pgvector import PgVectorStore
from service.adapters.vectors.pinecone import PineconeVectorStore
from service.domain.caller import Caller
from service.domain.documents import Document, DocumentState
from service.errors import UnreadableDocument
from service.ports import VectorStore
from service.usecases import manage_documents, retry_later
from service.usecases.manage_documents import ManageDocuments
from tests.documents.memory_models import LengthEmbedder, LineParser
from tests.documents.memory_ports import MemoryBlobs
from tests.documents.uploads import put
from tests.pinecone_emulator import PineconeEmulator
from tests.pinecone_index import Index
from tests.postgres_process import PostgresProcess

pytestmark = pytest.mark.anyio
TEXT = "\n".join(f"Sentence number {number} of the file stands here." for number in range(40)).encode()
ME = Caller("me")
SECONDS = 60


@dataclass
class Vectors:
    store: VectorStore
    setting: str
    stop: Callable[[], None]
    start: Callable[[], None]


def pgvector(server: PostgresProcess) -> Iterator[Vectors]:
    server.start()
    database = f"d{uuid.uuid4().hex}"
    server.run(f"CREATE DATABASE {database}")
    store = PgVectorStore(server.own_url.replace("/app?", f"/{database}?"), "lengths", 2)
    yield Vectors(store, "RAGSQL_VECTORS_URL", server.stop, server.start)
    server.start()
    store.close()


def pinecone(emulator: PineconeEmulator) -> Iterator[Vectors]:
    emulator.indexes["rag-documents"] = Index(2)
    emulator.indexes["rag-documents"].delay = 0.02

    def down(is_down: bool) -> None:
        emulator.down = is_down

    store = PineconeVectorStore("key", "rag-documents", "lengths", 2, grace_seconds=0.02)
    yield Vectors(store, "Pinecone", lambda: down(True), lambda: down(False))
    store.close()


@pytest.fixture(params=["pgvector", "pinecone"])
def vectors(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vectors]:
    monkeypatch.setattr(manage_documents, "TAKE_OVER_SECONDS", 0.1)
    monkeypatch.setattr(retry_later, "PAUSES", (dt.timedelta(seconds=0.5),) * 3)
    if request.param == "pgvector":
        yield from pgvector(request.getfixturevalue("postgres_process"))
    else:
        yield from pinecone(request.getfixturevalue("pinecone_emulator"))


async def reached(documents: ManageDocuments, document: Document, *states: DocumentState) -> Document:
    """The document once it is in one of the states."""
    async with asyncio.timeout(SECONDS):
        while (now := await documents.get(ME, document.id)).state not in states or (
            now.state is DocumentState.PENDING and not now.attempts
        ):
            await asyncio.sleep(0.05)
    return now


@pytest.mark.parametrize("records_url", ["sqlite_url", "postgres_database"])
async def test_an_accepted_document_is_searchable_once_the_index_is_back(
    request: pytest.FixtureRequest, vectors: Vectors, records_url: str
) -> None:
    records, parser, embedder = SqlRecordStore(request.getfixturevalue(records_url)), LineParser(), LengthEmbedder()
    documents = ManageDocuments(records, vectors.store, MemoryBlobs(), parser, embedder, MemoryCache(1000), workers=1)
    async with documents.working(recover=True):
        parser.gate.clear()
        accepted = (await documents.ingest(ME, await put(documents, "a.txt", TEXT))).document
        bad = (await documents.ingest(ME, await put(documents, "b.txt", b"   "))).document
        await parser.reached.wait()
        vectors.stop()
        parser.gate.set()
        waiting = await reached(documents, accepted, DocumentState.PENDING)
        assert vectors.setting in waiting.failure_reason
        assert "the next one follows at" in waiting.failure_reason
        assert waiting.error_reason == "UPSTREAM_UNAVAILABLE"
        vectors.start()
        active = await reached(documents, accepted, DocumentState.ACTIVE, DocumentState.FAILED)
        assert (active.state, active.failure_reason, active.retry_time) == (DocumentState.ACTIVE, "", None)
        failed = await reached(documents, bad, DocumentState.FAILED)
        assert (failed.attempts, failed.error_reason) == (0, UnreadableDocument.reason)
        found = await vectors.store.search(ME, "sentence", await embedder.embed_query(ME, "sentence"), 5)
        assert {passage.document_id for passage in found} == {accepted.id}
        for document in (active, failed):
            await documents.delete(ME, document.id)
    assert parser.calls == {"parse": 2}
    records.close()
