"""The whole service with its passages and its cache on servers, chosen by settings; only the embedder is replaced."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from psycopg.conninfo import conninfo_to_dict

from service.adapters.parsers.parser import DocumentParser
from service.app import Assembly, assemble
from service.domain.caller import DEFAULT_CALLER
from service.domain.health import HealthStatus
from service.domain.questions import Answer, QueryResult, Question, Route
from service.errors import SettingsError, UpstreamUnavailable
from service.settings import load
from tests.answers.conftest import WordEmbedder
from tests.pinecone_emulator import PineconeEmulator
from tests.pinecone_index import Index
from tests.redis_server import RedisServer

pytestmark = pytest.mark.anyio
ASKED = Question("What is the code of the red locker?", Route.DOCUMENTS)
OLD = b"# Lockers\n\nThe red locker is opened with the code 4711.\n"
NEW = b"# Lockers\n\nThe red locker is opened with the code 9983.\n"


@pytest.fixture
def emulator(pinecone_emulator: PineconeEmulator) -> PineconeEmulator:
    pinecone_emulator.indexes["rag-documents"] = Index(WordEmbedder.dimension)
    pinecone_emulator.indexes["rag-documents"].delay = 0.05
    return pinecone_emulator


def settings_for(backend: str, request: pytest.FixtureRequest, folder: Path) -> dict[str, str]:
    redis_server: RedisServer = request.getfixturevalue("redis_server")
    request.getfixturevalue("patient_caches")
    given = {
        "RAGSQL_DATA_DIR": str(folder),
        "RAGSQL_SAMPLE_DATA": "false",
        "RAGSQL_LOCAL_MODEL": "none.gguf",
        "UPSTASH_REDIS_URL": redis_server.url,
    }
    if backend == "pinecone":
        request.getfixturevalue("emulator")
        return given | {"PINECONE_API_KEY": "key"}
    url = f"postgresql:///?{urlencode(conninfo_to_dict(request.getfixturevalue('postgres_database')))}"
    return given | {"RAGSQL_VECTORS_URL": url, "RAGSQL_RECORDS_URL": url}


@pytest.fixture(params=["pgvector", "pinecone"])
async def service(request: pytest.FixtureRequest, tmp_path: Path, parser: DocumentParser) -> AsyncIterator[Assembly]:
    settings = load(settings_for(request.param, request, tmp_path))
    assembly = assemble(settings, embedder=WordEmbedder(), parser=parser)
    async with assembly.documents.working(recover=True):
        yield assembly
    await asyncio.to_thread(assembly.close)


async def ask(service: Assembly) -> QueryResult:
    return await service.use_cases.questions.ask(DEFAULT_CALLER, ASKED)


def says(result: QueryResult, words: str) -> bool:
    return isinstance(result.outcome, Answer) and words in str(result.outcome)


async def test_a_document_is_uploaded_asked_cached_replaced_and_deleted(service: Assembly) -> None:
    documents = service.use_cases.documents
    await documents.upload(DEFAULT_CALLER, "lockers.md", OLD)
    assert says(await ask(service), "4711")
    again = await ask(service)
    assert again.cache_hit
    assert says(again, "4711")
    newer = await documents.upload(DEFAULT_CALLER, "lockers.md", NEW)
    assert says(await ask(service), "9983")
    await documents.delete(DEFAULT_CALLER, newer.document.id)
    result = await ask(service)
    assert not says(result, "9983")
    assert not says(result, "4711")
    assert await service.ports.vectors.count(DEFAULT_CALLER) == 0
    settings = service.settings
    for part, adapter in ((service.ports.vectors, settings.vectors), (service.ports.records, settings.records)):
        health = await part.check()
        assert (health.adapter, health.status) == (adapter, HealthStatus.SERVING)


@pytest.mark.parametrize("service", ["pinecone"], indirect=True)
async def test_pinecone_fails_in_the_middle_of_an_upload(
    service: Assembly, emulator: PineconeEmulator, retries: None
) -> None:
    """The old version stays, the failure is told, and the same upload works when Pinecone does."""
    documents = service.use_cases.documents
    await documents.upload(DEFAULT_CALLER, "lockers.md", OLD)
    emulator.faults += [("upsert", "429")] * 50
    with pytest.raises(UpstreamUnavailable, match="Pinecone"):
        await documents.upload(DEFAULT_CALLER, "lockers.md", NEW)
    emulator.faults.clear()
    assert says(await ask(service), "4711")
    await documents.upload(DEFAULT_CALLER, "lockers.md", NEW)
    assert says(await ask(service), "9983")


def test_backends_are_implied_by_what_they_need() -> None:
    assert (load({}).vectors, load({}).cache) == ("sqlite", "memory")
    assert load({"PINECONE_API_KEY": "k"}).vectors == "pinecone"
    assert load({"RAGSQL_VECTORS_URL": "postgresql://h/d"}).vectors == "pgvector"
    assert load({"UPSTASH_REDIS_URL": "rediss://h:1"}).cache == "redis"
    assert (load({}).records, load({"RAGSQL_RECORDS_URL": "postgres://h/d"}).records) == ("sqlite", "postgresql")
    assert load({"RAGSQL_RECORDS_URL": "postgres://h/d", "RAGSQL_RECORDS": "sqlite"}).records == "sqlite"
    assert load({"AWS_LAMBDA_FUNCTION_NAME": "f"}).postgres_connections < load({}).postgres_connections
    assert load({"PINECONE_API_KEY": "k", "RAGSQL_VECTORS": "sqlite"}).vectors == "sqlite"
    assert load({"UPSTASH_REDIS_URL": "rediss://h:1", "RAGSQL_CACHE": "memory"}).cache == "memory"


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"RAGSQL_VECTORS": "pinecone"}, "PINECONE_API_KEY"),
        ({"RAGSQL_VECTORS": "pgvector"}, "RAGSQL_VECTORS_URL"),
        ({"RAGSQL_RECORDS": "postgresql"}, "RAGSQL_RECORDS_URL"),
        ({"RAGSQL_RECORDS_URL": "sqlite:///file"}, "RAGSQL_RECORDS_URL"),
        ({"RAGSQL_CACHE": "redis"}, "UPSTASH_REDIS_URL"),
        ({"PINECONE_API_KEY": "k", "RAGSQL_VECTORS_URL": "postgresql://h/d"}, "RAGSQL_VECTORS"),
        ({"UPSTASH_REDIS_URL": "https://h"}, "UPSTASH_REDIS_URL"),
    ],
)
def test_what_a_chosen_backend_needs_is_asked_for(given: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(given)
    assert list(caught.value.problems) == [named]
