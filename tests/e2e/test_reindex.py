"""`ragsql reindex` while a server answers, takes uploads and deletes, and after it was killed in the middle."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from psycopg.conninfo import conninfo_to_dict

from service.adapters.parsers.parser import DocumentParser
from service.app import Assembly, assemble
from service.domain.caller import DEFAULT_CALLER, Caller
from service.domain.chunk_text import embedding_text
from service.domain.documents import Chunk, Document, DocumentState
from service.domain.sql import ExampleQuery, KnowledgeItem
from service.errors import NotConfigured, RagsqlError
from service.ports import EmbeddedChunk
from service.settings import load
from tests.answers.conftest import WordEmbedder
from tests.answers.words import word_vector
from tests.contract.openai_server import OpenAIServer
from tests.documents.uploads import stream
from tests.e2e.server import PATHS
from tests.pinecone_emulator import PineconeEmulator
from tests.pinecone_index import Index

if TYPE_CHECKING:
    from service.ports import Vectors

pytestmark = pytest.mark.anyio
ME = DEFAULT_CALLER


class OtherEmbedder(WordEmbedder):
    """Another model of another length, which reads less of a text and takes its time."""

    model = "other words"
    dimension = 128
    max_tokens = 60

    async def embed_chunks(self, caller: Caller, chunks: Sequence[Chunk]) -> list[EmbeddedChunk]:
        await asyncio.sleep(0.02)
        assert all(self.count_tokens(embedding_text(chunk)) <= self.max_tokens for chunk in chunks)
        return [EmbeddedChunk(chunk, word_vector(chunk.text, self.dimension)) for chunk in chunks]


@pytest.fixture(params=["sqlite", "pgvector", "pinecone"])
def environ(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    given = {"RAGSQL_DATA_DIR": str(tmp_path), "RAGSQL_SAMPLE_DATA": "false", "RAGSQL_LOCAL_MODEL": "none.gguf"}
    if request.param == "pinecone":
        emulator: PineconeEmulator = request.getfixturevalue("pinecone_emulator")
        emulator.indexes["rag-documents"] = Index(WordEmbedder.dimension)
        emulator.indexes["rag-documents-128"] = Index(OtherEmbedder.dimension)
        return given | {"PINECONE_API_KEY": "key"}
    if request.param == "pgvector":
        parts = conninfo_to_dict(request.getfixturevalue("postgres_database"))
        return given | {"RAGSQL_VECTORS_URL": f"postgresql:///?{urlencode(parts)}"}
    return given


@pytest.fixture
async def old(environ: dict[str, str], parser: DocumentParser) -> AsyncIterator[Assembly]:
    assembly = assemble(load(environ), embedder=WordEmbedder(), parser=parser)
    async with assembly.documents.working(recover=True):
        yield assembly
    await asyncio.to_thread(assembly.close)


@pytest.fixture
async def new(environ: dict[str, str], parser: DocumentParser) -> AsyncIterator[Assembly]:
    assembly = assemble(load(environ), embedder=OtherEmbedder(), parser=parser)
    yield assembly
    await asyncio.to_thread(assembly.close)


async def search(service: Assembly, text: str) -> list[str]:
    vector: Vectors = word_vector(text, service.ports.embedder.dimension)
    return [found.filename for found in await service.ports.vectors.search(ME, text, vector, 500)]


def content(name: str) -> bytes:
    return f"# About {name}\n\nThe locker {name} is red. {'It holds many things. ' * 25}\n".encode()


async def test_nothing_is_lost_and_nothing_comes_back(old: Assembly, new: Assembly) -> None:
    documents = old.use_cases.documents
    kept = {f"first{number}.md" for number in range(6)}
    ids = {name: (await documents.upload(ME, name, content(name))).document.id for name in sorted(kept)}
    item = KnowledgeItem("", dt.datetime.now(dt.UTC), example=ExampleQuery("How many?", "SELECT 1"))
    await old.use_cases.knowledge.create(ME, item)
    removed: set[str] = set()
    reported: list[int] = []

    async def load_it() -> None:
        for number in range(100):
            name = f"later{number}.md"
            try:
                ids[name] = (await documents.upload(ME, name, content(name))).document.id
                kept.add(name)
                if number % 2:
                    gone = sorted(kept)[0]
                    await documents.delete(ME, ids[gone])
                    removed.add(gone)
                    kept.discard(gone)
                assert await search(old, "locker")
            except RagsqlError:
                return  # the other model serves now
            await asyncio.sleep(0.05)

    loading = asyncio.create_task(load_it())
    done = await new.reindex(lambda progress: reported.append(progress.documents))
    await loading
    assert removed
    assert (done.needed, done.model, done.dimension) == (True, "words", 256)
    assert done.rechunked == done.documents > 0
    assert done.knowledge == 1
    assert reported == sorted(reported)
    found = set(await search(new, "locker"))
    assert found == kept
    assert set(await new.ports.vectors.document_ids(ME)) == {ids[name] for name in kept}
    page = await new.use_cases.documents.list(ME, 200, "", ())
    counted = {document.filename: document.chunk_count for document in page.items if document.filename in kept}
    assert sum(counted.values()) == await new.ports.vectors.count(ME)
    assert min(counted.values()) > 1
    with pytest.raises((NotConfigured, RagsqlError)):
        await documents.upload(ME, "late.md", content("late"))
    waiting = await ingest_into(old, "accepted.md")
    assert waiting.state is DocumentState.PENDING
    await new.use_cases.documents.upload(ME, "after.md", content("after"))
    assert "after.md" in await search(new, "locker after")
    async with new.documents.working(recover=True):
        async with asyncio.timeout(120):
            while (await new.documents.get(ME, waiting.id)).state is not DocumentState.ACTIVE:
                await asyncio.sleep(0.01)
    assert "accepted.md" in await search(new, "locker")
    again = await new.reindex(lambda _: None)
    assert (again.needed, again.documents, again.knowledge) == (False, 0, 0)


async def test_a_document_that_is_just_being_uploaded_is_counted_anew(
    old: Assembly, new: Assembly, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It can be found, but its record does not say so yet."""
    found = asyncio.Event()
    update = old.ports.records.update_document

    async def late(caller: Caller, document: Document, replaces: Sequence[str] = ()) -> bool:
        if document.state is DocumentState.ACTIVE:
            found.set()
            await asyncio.sleep(1)
        return await update(caller, document, replaces)

    monkeypatch.setattr(old.ports.records, "update_document", late)
    uploading = asyncio.create_task(old.use_cases.documents.upload(ME, "late.md", content("late")))
    await found.wait()
    await new.reindex(lambda _: None)
    uploaded = (await uploading).document
    counted = await new.use_cases.documents.get(ME, uploaded.id)
    assert counted.state is DocumentState.ACTIVE
    assert counted.chunk_count == await new.ports.vectors.count(ME) > uploaded.chunk_count


async def ingest_into(service: Assembly, name: str) -> Document:
    """What a service that is too late makes of a file that it has accepted."""
    sha256 = hashlib.sha256(content(name)).hexdigest()
    reserved = await service.documents.create_upload(ME, name, len(content(name)), sha256)
    token = reserved.target.url.removeprefix("/uploads/")
    await service.documents.receive(token, len(content(name)), stream(content(name)))
    document = (await service.documents.ingest(ME, reserved.upload.id)).document
    async with asyncio.timeout(120):
        while (now := await service.documents.get(ME, document.id)).update_time <= document.update_time or (
            now.state is DocumentState.PROCESSING
        ):
            await asyncio.sleep(0.001)
    return now


def reindex(environ: dict[str, str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "service.cli.main", "reindex", "--json"]
    env = {**os.environ, **environ, "PYTHONPATH": PATHS}
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


async def test_a_killed_run_goes_on_where_it_was(
    tmp_path: Path, openai: OpenAIServer, parser: DocumentParser, postgres_database: str
) -> None:
    environ = {
        "RAGSQL_DATA_DIR": str(tmp_path),
        "RAGSQL_SAMPLE_DATA": "false",
        "OPENAI_API_KEY": "key",
        "OPENAI_BASE_URL": openai.base_url,
        "RAGSQL_VECTORS_URL": f"postgresql:///?{urlencode(conninfo_to_dict(postgres_database))}",
    }
    service = assemble(load(environ), parser=parser)
    names = [f"file{number}.txt" for number in range(12)]
    async with service.documents.working(recover=True):
        for name in names:
            await service.use_cases.documents.upload(ME, name, f"The {name} tells of its own things.".encode())
        openai.requests.clear()
        larger = environ | {"RAGSQL_EMBEDDING_MODEL": "text-embedding-3-large"}
        killed = await asyncio.to_thread(kill_after, larger, openai, 4)
        assert killed.returncode == -signal.SIGKILL
        openai.behaviour = "ok"
        vector = await service.ports.embedder.embed_query(ME, "things")
        assert {one.filename for one in await service.ports.vectors.search(ME, "things", vector, 50)} == set(names)

        openai.requests.clear()
        finished = reindex(larger)
        output, complaints = await asyncio.to_thread(finished.communicate)
        assert finished.returncode == 0, complaints
        told = json.loads(output)
        assert (told["needed"], told["new_model"]) == (True, "text-embedding-3-large")
        assert 0 < told["documents"] <= len(names) - 3
        assert len(openai.requests) == told["documents"]
        with pytest.raises(NotConfigured, match="ragsql reindex"):
            await service.ports.vectors.count(ME)
    await asyncio.to_thread(service.close)
    after = assemble(load(larger), parser=parser)
    assert len(await after.ports.vectors.document_ids(ME)) == len(names)
    await asyncio.to_thread(after.close)


def kill_after(environ: dict[str, str], server: OpenAIServer, requests: int) -> subprocess.Popen[str]:
    """A run that is killed while the server keeps it waiting."""
    process = reindex(environ)
    until = time.monotonic() + 240
    while len(server.requests) < requests:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.005)
    server.behaviour = "hang"
    process.kill()
    process.communicate()
    return process
