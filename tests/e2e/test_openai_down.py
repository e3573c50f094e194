"""A service whose OpenAI is down when it starts: it starts, says so, keeps no halves, and works when OpenAI does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from service import samples
from service.adapters.parsers.parser import DocumentParser
from service.app import build_app
from service.domain.health import ComponentHealth, HealthStatus
from service.settings import load
from tests.answers.conftest import WordReader
from tests.contract.openai_server import OpenAIServer
from tests.patience import HANG_SECONDS
from tests.ports import free_port

pytestmark = pytest.mark.anyio
TEXT = b"# Lockers\n\nThe red locker is opened with the code 4711.\n"
ASKED = {"query": "What is the code of the red locker?", "route": "ROUTE_DOCUMENTS"}


class Reader(WordReader):
    """A reader that can be asked how it is."""

    async def check(self) -> ComponentHealth:
        return ComponentHealth("reader", "words", HealthStatus.SERVING)


@pytest.fixture
def parser() -> Iterator[DocumentParser]:
    parser = DocumentParser()
    yield parser
    parser.close()


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    server = OpenAIServer()
    yield server
    server.close()


@pytest.fixture
def port() -> int:
    return free_port()


async def statuses(http: httpx.AsyncClient) -> dict[str, dict[str, Any]]:
    health = (await http.get("/health")).json()
    return {one["component"]: one for one in health["components"]}


async def serves(http: httpx.AsyncClient, part: str) -> bool:
    return (await statuses(http))[part]["status"] == "HEALTH_STATUS_SERVING"


async def until(reached: Callable[[], bool | Awaitable[bool]]) -> None:
    end = time.monotonic() + 120
    while True:
        found = reached()
        if found if isinstance(found, bool) else await found:
            return
        assert time.monotonic() < end
        await asyncio.sleep(0.1)


async def test_a_hanging_one_does_not_keep_it_from_starting(
    tmp_path: Path, parser: DocumentParser, server: OpenAIServer
) -> None:
    server.behaviour = "hang"
    settings = {"RAGSQL_DATA_DIR": str(tmp_path), "OPENAI_API_KEY": "sk-key", "OPENAI_BASE_URL": server.base_url}
    app = build_app(load(settings), parser=parser, reader=Reader())
    begun = time.monotonic()
    transport = httpx.ASGITransport(app=app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://here") as http:
        assert (await http.get("/documents")).status_code == 200
        assert time.monotonic() - begun < HANG_SECONDS / 2


async def test_it_starts_and_recovers(
    tmp_path: Path, parser: DocumentParser, port: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(samples, "DOCUMENTS", [path for path in samples.DOCUMENTS if path.suffix == ".md"])
    base_url = f"http://127.0.0.1:{port}/v1"
    settings = {"RAGSQL_DATA_DIR": str(tmp_path), "OPENAI_API_KEY": "sk-key", "OPENAI_BASE_URL": base_url}
    app = build_app(load(settings), parser=parser, reader=Reader())
    transport = httpx.ASGITransport(app=app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://here") as http:
        await until(lambda: "The sample handbook is not loaded" in caplog.text)
        found = await statuses(http)
        for part in ("embedder", "chat"):
            assert found[part]["status"] == "HEALTH_STATUS_NOT_SERVING"
            assert "OPENAI_BASE_URL" in found[part]["detail"]
        for _ in range(5):
            refused = [
                await http.post("/query", json=ASKED),
                await http.post("/upload", files={"file": ("lockers.md", TEXT)}),
            ]
            for reply in refused:
                assert (reply.status_code, "OPENAI_BASE_URL" in reply.text) == (503, True)
                assert "sk-key" not in reply.text
        assert (await http.get("/documents")).json()["documents"] == []
        server = OpenAIServer(port)
        try:
            await until(lambda: serves(http, "embedder"))
            assert (await http.post("/upload", files={"file": ("lockers.md", TEXT)})).status_code == 200
            assert "4711" in (await http.post("/query", json=ASKED)).text
        finally:
            server.close()
        assert server.unexpected == []
