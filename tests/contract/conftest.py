"""Servers and files that adapters are tested on."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from service.adapters.chat.llama import LlamaServer
from service.adapters.chat.openai import OpenAIChat
from service.adapters.records.sql import SqlRecordStore
from service.domain.caller import Caller
from service.domain.documents import Document, DocumentState
from service.models.catalog import QWEN_CODER
from service.models.store import ModelStore
from service.ports import ChatModel
from tests.contract.openai_server import OpenAIServer
from tests.contract.records import START
from tests.postgres_process import PostgresProcess

STORE = ModelStore()
needs_chat_model = pytest.mark.skipif(not STORE.is_installed(QWEN_CODER), reason="run `ragsql models pull` first")


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/new folder/records.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def new_url(request: pytest.FixtureRequest) -> str:
    """Where nothing is yet."""
    return request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_database")


@pytest.fixture
def open_engine() -> Iterator[Callable[[str], sa.Engine]]:
    """A function that opens the database at a URL past the adapter."""
    engines: list[sa.Engine] = []

    def connect(url: str) -> sa.Engine:
        if not url.startswith("sqlite"):
            import psycopg

            engines.append(sa.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url)))
            event.listen(engines[-1], "begin", _look_into_schema)
        else:
            engines.append(sa.create_engine(url))
        return engines[-1]

    yield connect
    for engine in engines:
        engine.dispose()


def _look_into_schema(connection: sa.Connection) -> None:
    connection.exec_driver_sql("SET LOCAL search_path = ragsql")


@pytest.fixture(params=["sqlite_url", "postgres_url", "pooled_postgres_url"], ids=["sqlite", "postgresql", "pgbouncer"])
def record_store(request: pytest.FixtureRequest) -> Iterator[SqlRecordStore]:
    """In a file, in a server, and in that server through a session pooler."""
    url: str = request.getfixturevalue(request.param)
    store = SqlRecordStore(url)
    yield store
    store.close()


@pytest.fixture
def caller() -> Caller:
    """A tenant of this test's own: the PostgreSQL server is shared."""
    return Caller(tenant=uuid.uuid4().hex, principal="ann")


@pytest.fixture
def make_document() -> Callable[..., Document]:
    """A function that makes a document: its id, and any other property by name."""

    def make(document_id: str, *, minutes: int = 0, **changed: object) -> Document:
        time = START + dt.timedelta(minutes=minutes)
        values: dict[str, object] = {
            "id": document_id,
            "filename": f"{document_id}.txt",
            "media_type": "text/plain",
            "size_bytes": 12,
            "sha256": "0" * 64,
            "state": DocumentState.ACTIVE,
            "create_time": time,
            "update_time": time,
        }
        return Document(**values | changed)  # pyright: ignore[reportArgumentType]

    return make


@pytest.fixture
def running_postgres(postgres_process: PostgresProcess) -> Iterator[PostgresProcess]:
    """A server that the test may stop: it runs before and afterwards."""
    postgres_process.start()
    yield postgres_process
    postgres_process.start()


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    """A scripted server. What OpenAI would not know fails the test."""
    server = OpenAIServer()
    yield server
    server.close()
    assert server.unexpected == []


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaServer]:
    server = LlamaServer(STORE.weights(QWEN_CODER), tmp_path_factory.mktemp("llama") / "llama.log", context=2048)
    yield server
    server.close()


@pytest.fixture(params=[pytest.param("local", marks=needs_chat_model), "openai"])
def chat(request: pytest.FixtureRequest, llama: LlamaServer, server: OpenAIServer) -> ChatModel:
    if request.param == "local":
        return OpenAIChat(llama.model, server=llama)
    return OpenAIChat("gpt-4o-2024-08-06", api_key="key", base_url=server.base_url)
