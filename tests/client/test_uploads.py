"""Uploads of every size against a real socket: what is sent how, what is told meanwhile, what is raised."""

from __future__ import annotations

import asyncio
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from connectrpc.code import Code

from ragsql.v1.document_service_pb2 import UploadResponse
from ragsql_client import LARGEST_BYTES, SMALL_BYTES, AsyncClient, Client, RagsqlError, Transport, UploadProgress
from tests.client.fake_server import FakeServices
from tests.client.fake_store import Store

TRANSPORTS: tuple[Transport, ...] = ("connect", "json", "grpc", "grpc-web")
LARGE = SMALL_BYTES + 1

Upload = Callable[..., UploadResponse]


@pytest.fixture
def large(tmp_path: Path) -> Path:
    return sparse(tmp_path / "large.pdf", LARGE)


@pytest.fixture(params=["sync", "async"])
def upload(request: pytest.FixtureRequest, url: str) -> Upload:
    """Either client's upload, of a new client with the options that are given."""

    def blocking(path: Path, told: list[UploadProgress] | None = None, **options: object) -> UploadResponse:
        with Client(url, **options) as client:  # pyright: ignore[reportArgumentType]
            return client.upload(path, progress=None if told is None else told.append)

    def awaiting(path: Path, told: list[UploadProgress] | None = None, **options: object) -> UploadResponse:
        async def run() -> UploadResponse:
            async with AsyncClient(url, **options) as client:  # pyright: ignore[reportArgumentType]
                return await client.upload(path, progress=None if told is None else told.append)

        return asyncio.run(run())

    return blocking if request.param == "sync" else awaiting


def sparse(path: Path, size: int) -> Path:
    """A file of zeros that takes no room."""
    with path.open("wb") as file:
        file.truncate(size)
    return path


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_large_files_go_through_every_phase(
    upload: Upload, services: FakeServices, large: Path, transport: Transport
) -> None:
    told: list[UploadProgress] = []
    response = upload(large, told, transport=transport)
    assert (response.document.filename, response.document.chunk_count, response.cache_hit) == ("large.pdf", 3, False)
    assert services.files == {"large.pdf": bytes(LARGE)}
    assert services.calls[:3] == ["create_upload", "put", "ingest"]
    phases = list(dict.fromkeys(step.phase for step in told))
    assert phases == ["hashing", "sending", "reading", "embedding", "indexing"]
    for phase in ("hashing", "sending"):
        steps = [(step.done, step.total) for step in told if step.phase == phase]
        assert steps == sorted(steps)
        assert (steps[0], steps[-1]) == ((0, LARGE), (LARGE, LARGE))
        assert len(steps) > 3
    assert [(step.done, step.total) for step in told if step.phase == "reading"] == [(0, 0), (0, 10), (10, 10)]
    assert [(step.done, step.total) for step in told if step.phase == "embedding"] == [(3, 7)]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_up_to_4_mib_are_one_call(upload: Upload, services: FakeServices, tmp_path: Path, transport: Transport) -> None:
    told: list[UploadProgress] = []
    upload(sparse(tmp_path / "a.txt", SMALL_BYTES), told, transport=transport)
    assert services.calls == ["upload"]
    assert told == [UploadProgress("sending", 0, SMALL_BYTES), UploadProgress("sending", SMALL_BYTES, SMALL_BYTES)]


def test_what_was_processed_before_is_a_cache_hit(upload: Upload, services: FakeServices, large: Path) -> None:
    services.files["large.pdf"] = bytes(LARGE)
    assert upload(large).cache_hit
    assert "get_document" not in services.calls


def test_100_mib_are_sent_in_little_memory(url: str, services: FakeServices, tmp_path: Path) -> None:
    file = sparse(tmp_path / "a.bin", LARGEST_BYTES)
    store = Store()
    with store.serving() as services.store, Client(url) as client:
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        with pytest.raises(RagsqlError):
            client.upload(file)
        used = tracemalloc.get_traced_memory()[1] - before
        tracemalloc.stop()
    assert store.sizes == [LARGEST_BYTES]
    assert used < 16 * 1024 * 1024


def test_more_than_100_mib_are_refused_before_anything_is_sent(
    upload: Upload, services: FakeServices, tmp_path: Path
) -> None:
    with pytest.raises(RagsqlError, match=r'^"a.bin" has 104,857,601 bytes, at most 104,857,600 \(100 MiB\)') as failed:
        upload(sparse(tmp_path / "a.bin", LARGEST_BYTES + 1))
    assert (failed.value.code, failed.value.reason) == (Code.RESOURCE_EXHAUSTED, "PAYLOAD_TOO_LARGE")
    assert services.calls == []


@pytest.mark.parametrize("status", [429, 503])
def test_a_put_is_repeated_as_a_whole(upload: Upload, services: FakeServices, large: Path, status: int) -> None:
    services.put_statuses = [status, status]
    assert upload(large).document.filename == "large.pdf"
    assert services.calls[:5] == ["create_upload", "put", "put", "put", "ingest"]


def test_puts_end(upload: Upload, services: FakeServices, large: Path) -> None:
    services.put_statuses = [503] * 9
    with pytest.raises(RagsqlError, match=r"cannot take the file now \(HTTP 503\)") as failed:
        upload(large, retries=1)
    assert not failed.value.is_unreachable
    assert services.calls == ["create_upload", "put", "put"]


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [(403, Code.PERMISSION_DENIED, "UPLOAD_URL_INVALID"), (400, Code.UNKNOWN, "")],
)
def test_a_refused_put_is_a_sentence(
    upload: Upload, services: FakeServices, large: Path, status: int, code: Code, reason: str
) -> None:
    services.put_statuses = [status]
    with pytest.raises(RagsqlError, match=f"HTTP {status}") as failed:
        upload(large)
    assert (failed.value.code, failed.value.reason) == (code, reason)
    assert "ingest" not in services.calls


def test_a_failed_document_is_an_error(upload: Upload, services: FakeServices, large: Path) -> None:
    services.failure = "The PDF is encrypted. Save it without a password."
    with pytest.raises(RagsqlError, match=r"^The PDF is encrypted\. Save it without a password\.$") as failed:
        upload(large)
    assert failed.value.metadata == {"document": "documents/large.pdf"}
    assert not failed.value.is_unreachable


def test_a_file_that_changes_meanwhile_is_an_error(url: str, services: FakeServices, large: Path) -> None:
    def overwrite(step: UploadProgress) -> None:
        if step == UploadProgress("hashing", LARGE, LARGE):
            with large.open("r+b") as file:
                file.write(b"x")

    with Client(url) as client, pytest.raises(RagsqlError, match=r'^"large\.pdf" changed while') as failed:
        client.upload(large, progress=overwrite)
    assert failed.value.reason == "CONTENT_MISMATCH"
    assert services.calls == ["create_upload", "put"]


def test_a_file_that_shrinks_meanwhile_is_an_error(url: str, services: FakeServices, large: Path) -> None:
    def cut(step: UploadProgress) -> None:
        if step == UploadProgress("hashing", LARGE, LARGE):
            sparse(large, 10)

    with Client(url) as client, pytest.raises(RagsqlError, match=r'^"large\.pdf" changed while'):
        client.upload(large, progress=cut)
    assert "ingest" not in services.calls


@pytest.mark.parametrize("phase", ["hashing", "sending", "reading"])
def test_what_a_callback_raises_is_raised(url: str, large: Path, phase: str) -> None:
    def broken(step: UploadProgress) -> None:
        if step.phase == phase:
            raise KeyError("mine")

    with Client(url) as client, pytest.raises(KeyError, match="mine"):
        client.upload(large, progress=broken)


def test_a_document_that_disappears_is_an_error(url: str, services: FakeServices, large: Path) -> None:
    def delete(step: UploadProgress) -> None:
        if step.phase == "reading":
            services.forget()

    with Client(url) as client, pytest.raises(RagsqlError, match="was deleted or replaced") as failed:
        client.upload(large, progress=delete)
    assert failed.value.reason == "NOT_FOUND"


def test_a_document_that_stands_still_is_an_error(upload: Upload, services: FakeServices, large: Path) -> None:
    services.stands_still = True
    with pytest.raises(RagsqlError, match=r'^"large\.pdf" was sent, but has not advanced for 3 s') as failed:
        upload(large, timeout=3)
    assert (failed.value.code, failed.value.reason) == (Code.DEADLINE_EXCEEDED, "TIMEOUT")


def test_one_that_waits_for_the_end_of_an_outage_says_so(upload: Upload, services: FakeServices, large: Path) -> None:
    services.waits_for = "Pinecone is down. The next attempt follows."
    with pytest.raises(RagsqlError, match=r"has not advanced for 1 s\. Look at it later\. Pinecone is down\. The next"):
        upload(large, timeout=1)


def test_a_store_elsewhere_gets_the_file(upload: Upload, services: FakeServices, large: Path) -> None:
    store = Store()
    with store.serving() as services.store:
        services.accept(bytes(LARGE))
        assert upload(large).document.filename == "large.pdf"
    assert store.sizes == [LARGE]
    assert "put" not in services.calls


def test_a_store_that_cannot_be_reached_is_not_the_server(upload: Upload, services: FakeServices, large: Path) -> None:
    services.store = "http://127.0.0.1:1"
    with pytest.raises(RagsqlError, match=r"The connection to 127\.0\.0\.1:1 failed") as failed:
        upload(large, retries=0)
    assert failed.value.code is Code.UNAVAILABLE
    assert not failed.value.is_unreachable


@pytest.mark.anyio
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_giving_up_is_heard_at_once(
    url: str, services: FakeServices, large: Path, tmp_path: Path, transport: Transport
) -> None:
    services.stands_still = True
    async with AsyncClient(url, transport=transport) as client:
        for file in (sparse(tmp_path / "slow.txt", 1), large):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5):
                    await client.upload(file)


@pytest.mark.anyio
async def test_progress_is_told_in_the_event_loop(url: str, large: Path) -> None:
    threads: set[int] = set()
    async with AsyncClient(url) as client:
        await client.upload(large, progress=lambda step: threads.add(threading.get_ident()))
    assert threads == {threading.get_ident()}


def test_a_small_file_that_is_left_to_another_process_is_waited_for(
    upload: Upload, services: FakeServices, tmp_path: Path
) -> None:
    (path := tmp_path / "left.txt").write_bytes(b"small")
    assert upload(path).document.chunk_count == 3
    assert services.calls == ["upload", *["get_document"] * 5]
    services.failure = "It cannot be read."
    with pytest.raises(RagsqlError, match="cannot be read"):
        upload(path)
