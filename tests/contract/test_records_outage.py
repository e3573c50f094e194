"""The records go away in the middle of an ingest: what was accepted is finished once they are back."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest

from service.adapters.caches.memory import MemoryCache
from service.adapters.records.sql import SqlRecordStore
from service.domain.caller import Caller
from service.domain.documents import DocumentState
from service.errors import UpstreamUnavailable
from service.usecases import manage_documents, take_over
from service.usecases.manage_documents import ManageDocuments
from tests.documents.memory_models import LengthEmbedder, LineParser
from tests.documents.memory_ports import MemoryBlobs, MemoryVectors
from tests.documents.uploads import put
from tests.postgres_process import PostgresProcess

pytestmark = pytest.mark.anyio
TEXT = "\n".join(f"Sentence number {number} of the file stands here." for number in range(40)).encode()
OTHER = Caller("me")


@pytest.fixture
def server(running_postgres: PostgresProcess, monkeypatch: pytest.MonkeyPatch) -> PostgresProcess:
    """With processes that do not wait for each other as long as they do."""
    monkeypatch.setattr(manage_documents, "TAKE_OVER_SECONDS", 0.1)
    monkeypatch.setattr(take_over, "LEASE", dt.timedelta(seconds=1))
    return running_postgres


async def test_an_accepted_document_is_finished_once_the_records_are_back(server: PostgresProcess) -> None:
    records, vectors, parser = SqlRecordStore(server.url()), MemoryVectors(), LineParser()
    documents = ManageDocuments(records, vectors, MemoryBlobs(), parser, LengthEmbedder(), MemoryCache(1000), workers=1)
    async with documents.working(recover=True):
        parser.gate.clear()
        accepted = (await documents.ingest(OTHER, await put(documents, "a.txt", TEXT))).document
        await parser.reached.wait()
        server.stop()
        parser.gate.set()
        with pytest.raises(UpstreamUnavailable, match="RAGSQL_RECORDS_URL"):
            await documents.get(OTHER, accepted.id)
        await asyncio.sleep(0.5)
        assert vectors.stored == {}
        server.start()
        async with asyncio.timeout(120):
            while (found := await documents.get(OTHER, accepted.id)).state is not DocumentState.ACTIVE:
                await asyncio.sleep(0.1)
        assert len(vectors.stored[OTHER.tenant, accepted.id]) == found.chunk_count
        assert [one.id for one in (await documents.list(OTHER, 9, "", [])).items] == [accepted.id]
    records.close()
