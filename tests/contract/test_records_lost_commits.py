"""The connection to the records breaks at any COMMIT of a change, whether it was applied or not."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import Awaitable, Callable, Iterator

import psycopg
import pytest

from service.adapters.caches.memory import MemoryCache
from service.adapters.records.sql import SqlRecordStore
from service.domain.caller import Caller
from service.domain.documents import Document, DocumentState
from service.errors import RagsqlError
from service.usecases import manage_documents
from service.usecases.manage_documents import ManageDocuments
from tests.documents.killing import NEW
from tests.documents.memory_models import LengthEmbedder, LineParser
from tests.documents.memory_ports import MemoryBlobs, MemoryVectors
from tests.documents.world import TEXT
from tests.postgres_process import PostgresProcess
from tests.relay import Relay

pytestmark = pytest.mark.anyio
SECONDS = 30
AGE = """
UPDATE ragsql.documents SET create_time = create_time - interval '1 hour',
    update_time = update_time - interval '1 hour',
    retry_time = retry_time - interval '1 hour', delete_time = delete_time - interval '1 hour' WHERE tenant = %s
"""
Act = Callable[[ManageDocuments, Caller, Document], Awaitable[object]]


@pytest.fixture
def server(postgres_process: PostgresProcess, monkeypatch: pytest.MonkeyPatch) -> PostgresProcess:
    monkeypatch.setattr(manage_documents, "TAKE_OVER_SECONDS", 0.05)
    postgres_process.start()
    return postgres_process


@pytest.fixture
def relay(server: PostgresProcess) -> Iterator[Relay]:
    relay = Relay(server.port)
    yield relay
    relay.close()


async def upload(documents: ManageDocuments, caller: Caller, old: Document) -> None:
    await documents.upload(caller, "a.txt", NEW)


async def delete(documents: ManageDocuments, caller: Caller, old: Document) -> None:
    await documents.delete(caller, old.id)


async def states(documents: ManageDocuments, caller: Caller) -> dict[str, DocumentState]:
    return {one.sha256: one.state for one in (await documents.list(caller, 9, "", [])).items}


async def change(
    relay: Relay, server: PostgresProcess, records: tuple[SqlRecordStore, SqlRecordStore], act: Act
) -> None:
    """One that meets the break."""
    caller, vectors, blobs = Caller(uuid.uuid4().hex), MemoryVectors(), MemoryBlobs(shared=True)
    ports = vectors, blobs, LineParser(), LengthEmbedder(), MemoryCache(1000)
    first, second = (ManageDocuments(one, *ports, max_bytes=4096, workers=1) for one in records)
    old = (await second.upload(caller, "a.txt", TEXT)).document
    acknowledged = True
    try:
        await act(first, caller, old)
    except RagsqlError:
        acknowledged = False
    new, active = hashlib.sha256(NEW).hexdigest(), DocumentState.ACTIVE
    found = {document_id for _, document_id in vectors.stored}
    assert len(found) == 1 or act is delete
    seen = await states(second, caller)
    if act is delete:
        assert not acknowledged or (found, seen) == (set(), {})
    elif acknowledged:
        assert (old.id not in found, seen) == (True, {new: active})
    else:
        assert (found, seen.get(new) is active) == ({old.id}, False)
    with psycopg.connect(server.own_url, autocommit=True) as connection:
        connection.execute(AGE, (caller.tenant,))
    async with second.working(recover=True), asyncio.timeout(SECONDS):
        while set((await states(second, caller)).values()) - {active} or await deleting(server, caller):
            await asyncio.sleep(0.02)
    known = (await second.list(caller, 9, "", [])).items
    assert {one.id for one in known} == {document_id for _, document_id in vectors.stored}
    if acknowledged:
        assert [one.sha256 for one in known] == ([] if act is delete else [new])
    else:
        assert [one.sha256 for one in known] in ([], [old.sha256]) if act is delete else ([old.sha256], [new])


async def deleting(server: PostgresProcess, caller: Caller) -> bool:
    with psycopg.connect(server.own_url) as connection:
        marked = "SELECT count(*) FROM ragsql.documents WHERE tenant = %s AND delete_time IS NOT NULL"
        row = connection.execute(marked, (caller.tenant,)).fetchone()
    return row != (0,)


@pytest.mark.parametrize("act", [upload, delete])
@pytest.mark.parametrize("applied", [True, False])
async def test_nothing_is_lost_or_half_done(server: PostgresProcess, relay: Relay, act: Act, applied: bool) -> None:
    broken = SqlRecordStore(server.url().replace(f":{server.port}/", f":{relay.port}/"))
    direct = SqlRecordStore(server.url())
    await broken.count_documents(Caller())
    number, has_lost = 0, True
    while has_lost:
        number += 1
        relay.lose(number, applied=applied)
        await change(relay, server, (broken, direct), act)
        has_lost = relay.has_lost
    assert number > (3 if act is delete else 6)
    for store in (broken, direct):
        store.close()
