"""CreateUpload, PUT and Ingest through the whole service, with files here and in S3; only the embedder is replaced."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.adapters.parsers.parser import DocumentParser
from service.app import build_app
from service.settings import load
from service.usecases import create_upload
from tests.answers.conftest import WordEmbedder
from tests.e2e.server import Server
from tests.transport.wire import error_info

pytestmark = pytest.mark.anyio
CONTENT = b"# Lockers\n\nThe red locker is opened with the code 4711.\n"
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def parser() -> Iterator[DocumentParser]:
    shared = DocumentParser()
    yield shared
    shared.close()


@pytest.fixture(params=["local", "s3"])
async def http(
    request: pytest.FixtureRequest, tmp_path: Path, parser: DocumentParser
) -> AsyncIterator[httpx.AsyncClient]:
    """A running service. PUTs to S3 leave the process, everything else stays in it."""
    settings = {"RAGSQL_DATA_DIR": str(tmp_path), "RAGSQL_SAMPLE_DATA": "false", "RAGSQL_LOCAL_MODEL": "none.gguf"}
    if request.param == "s3":
        settings |= {"STORAGE_BACKEND": "s3", "S3_CACHE_BUCKET": request.getfixturevalue("s3_bucket")}
    app = build_app(load(settings), embedder=WordEmbedder(), parser=parser)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    mounts = {"http://127.0.0.1": httpx.AsyncHTTPTransport()}
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test", mounts=mounts, trust_env=False) as client,
    ):
        yield client


async def reserve(http: httpx.AsyncClient, content: bytes, filename: str = "lockers.md") -> dict[str, Any]:
    sha256 = hashlib.sha256(content).hexdigest()
    announced = {"filename": filename, "sizeBytes": len(content), "sha256": sha256}
    return (await http.post("/uploads", json=announced)).raise_for_status().json()


async def put(http: httpx.AsyncClient, upload: dict[str, Any], content: bytes) -> httpx.Response:
    return await http.put(upload["url"], content=content, headers=upload["headers"])


async def ingest(http: httpx.AsyncClient, upload: dict[str, Any]) -> httpx.Response:
    return await http.post("/documents:ingest", json={"upload": upload["upload"]})


async def settled(http: httpx.AsyncClient, name: str) -> dict[str, Any]:
    async with asyncio.timeout(120):
        while True:
            document = (await http.get(f"/{name}")).raise_for_status().json()["document"]
            if document["state"] in ("DOCUMENT_STATE_ACTIVE", "DOCUMENT_STATE_FAILED"):
                return document
            await asyncio.sleep(0.01)


async def test_from_announcement_to_answer_and_deletion(http: httpx.AsyncClient) -> None:
    upload = await reserve(http, CONTENT)
    early = await ingest(http, upload)
    assert (early.status_code, error_info(early.json()).reason) == (400, "UPLOAD_INCOMPLETE")
    for _ in range(2):
        assert (await put(http, upload, CONTENT)).status_code == 200
    started = (await ingest(http, upload)).raise_for_status().json()
    name = started["document"]["name"]
    assert (started["document"]["state"], started["cacheHit"]) == ("DOCUMENT_STATE_PENDING", False)
    active = await settled(http, name)
    assert (active["state"], active["mediaType"], active["chunkCount"]) == ("DOCUMENT_STATE_ACTIVE", "text/markdown", 1)
    again = (await ingest(http, upload)).json()
    assert (again["document"], again["cacheHit"]) == (active, True)
    question = {"query": "With which code is the red locker opened?"}
    answer = (await http.post("/query", json=question)).json()
    assert answer["answer"]["citations"][0]["document"] == name
    copy = await reserve(http, CONTENT, "copy.md")
    await put(http, copy, CONTENT)
    known = (await ingest(http, copy)).json()
    assert (known["document"]["state"], known["cacheHit"]) == ("DOCUMENT_STATE_ACTIVE", True)
    for one in (name, known["document"]["name"]):
        assert (await http.delete(f"/{one}")).status_code == 200
    assert "answer" not in (await http.post("/query", json=question)).json()
    assert (await ingest(http, upload)).status_code == 404


async def test_a_file_that_cannot_be_read_fails_with_a_reason(http: httpx.AsyncClient) -> None:
    broken = b"%PDF-1.7\n" + b"x" * 100
    upload = await reserve(http, broken, "broken.pdf")
    await put(http, upload, broken)
    failed = await settled(http, (await ingest(http, upload)).json()["document"]["name"])
    assert failed["state"] == "DOCUMENT_STATE_FAILED"
    assert "Open and save it again" in failed["failureReason"]
    listed = (await http.get("/documents?states=DOCUMENT_STATE_FAILED")).json()["documents"]
    assert listed == [failed]


async def test_an_unknown_upload(http: httpx.AsyncClient) -> None:
    reply = await http.post("/documents:ingest", json={"upload": "uploads/nothing"})
    assert (reply.status_code, error_info(reply.json()).reason) == (404, "NOT_FOUND")


@pytest.mark.parametrize("http", ["local"], indirect=True)
@pytest.mark.parametrize("content", [CONTENT + b"!", CONTENT[:-1], CONTENT[:-1] + b"!", b""])
async def test_a_put_of_something_else(http: httpx.AsyncClient, content: bytes) -> None:
    upload = await reserve(http, CONTENT)
    reply = await put(http, upload, content)
    assert (reply.status_code, error_info(reply.json()).reason) == (400, "CONTENT_MISMATCH")
    assert error_info((await ingest(http, upload)).json()).reason == "UPLOAD_INCOMPLETE"
    assert (await put(http, upload, CONTENT)).status_code == 200


@pytest.mark.parametrize("http", ["local"], indirect=True)
async def test_urls_that_were_changed_or_have_expired(http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = await reserve(http, CONTENT)
    monkeypatch.setattr(create_upload, "URL_SECONDS", 0.0)
    expired = await reserve(http, CONTENT)
    last = upload["url"][-1]
    for url in (expired["url"], upload["url"][:-1] + ("A" if last != "A" else "B"), upload["url"] + "x", "/uploads/x"):
        reply = await http.put(url, content=CONTENT)
        assert (reply.status_code, reply.json()["code"]) == (403, "permission_denied")
        assert error_info(reply.json()).reason == "UPLOAD_URL_INVALID"
    assert (await put(http, upload, CONTENT)).status_code == 200


def test_100_mib_pass_through_little_memory(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.start()
    try:
        content = os.urandom(MIB) * 100
        upload = server.reserve("large.pdf", content)
        before = peak_bytes(server.pid)
        server.http.put(upload["url"], content=content).raise_for_status()
        assert peak_bytes(server.pid) - before < 24 * MIB
        assert len(server.files()) == 1
    finally:
        server.kill()


def peak_bytes(pid: int) -> int:
    """The most memory that the process ever had."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) * 1024
