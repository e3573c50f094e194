"""CreateUpload, PUT and Ingest over every way in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from google.protobuf.json_format import ParseDict

from ragsql.v1 import document_service_pb2 as pb
from service.errors import ContentMismatch, UploadIncomplete, UploadUrlInvalid, UpstreamUnavailable
from tests.transport.bad import MIB, Bad, check, kind
from tests.transport.fakes import Fakes
from tests.transport.wire import error_info

pytestmark = pytest.mark.anyio
SHA = "ab" * 32
CREATE = "/ragsql.v1.DocumentService/CreateUpload"
INGEST = "/ragsql.v1.DocumentService/Ingest"
ANNOUNCED: dict[str, Any] = {"filename": "a.pdf", "sizeBytes": 100 * MIB, "sha256": SHA}


async def test_an_upload_is_reserved_over_every_way_in(http: httpx.AsyncClient, fakes: Fakes) -> None:
    replies = [await http.post(path, json=ANNOUNCED) for path in ("/uploads", CREATE)]
    for reply in replies:
        assert reply.json() == {
            "upload": "uploads/u1",
            "url": "/uploads/token",
            "headers": {"x-first": "1", "x-second": "2"},
            "expireTime": "2026-01-31T12:00:00.250Z",
        }
    data = ParseDict(ANNOUNCED, pb.CreateUploadRequest()).SerializeToString()
    reply = await http.post(CREATE, content=data, headers=kind("application/proto"))
    assert dict(pb.CreateUploadResponse.FromString(reply.content).headers) == {"x-first": "1", "x-second": "2"}
    assert fakes.calls == [("create_upload", ("a.pdf", 100 * MIB, SHA))] * 3


async def test_ingest_shows_progress_over_every_way_in(http: httpx.AsyncClient, fakes: Fakes) -> None:
    replies = [await http.post(path, json={"upload": "uploads/u1"}) for path in ("/documents:ingest", INGEST)]
    for reply in replies:
        document = reply.json()["document"]
        assert document["state"] == "DOCUMENT_STATE_PROCESSING"
        assert document["progress"] == {"phase": "INGEST_PHASE_EMBEDDING", "done": 64, "total": 200}
        assert document["chunkCount"] == 0
        assert reply.json()["cacheHit"] is False
    data = pb.IngestRequest(upload="uploads/u1").SerializeToString()
    reply = await http.post(INGEST, content=data, headers=kind("application/proto"))
    assert pb.IngestResponse.FromString(reply.content).document.progress.total == 200
    assert fakes.calls == [("ingest", "u1")] * 3
    get = await http.post("/upload", files={"file": ("a.txt", b"x")})
    assert "progress" not in get.json()["document"]


BAD: dict[str, tuple[dict[str, Any], Bad]] = {
    "nothing": ({}, Bad({}, ["filename", "size_bytes", "sha256"])),
    "a path": ({**ANNOUNCED, "filename": "../a"}, Bad({}, ["filename"])),
    "0 bytes": ({**ANNOUNCED, "sizeBytes": 0}, Bad({}, ["size_bytes"])),
    "-1 bytes": ({**ANNOUNCED, "sizeBytes": -1}, Bad({}, ["size_bytes"])),
    "100 MiB + 1": (
        {**ANNOUNCED, "sizeBytes": 100 * MIB + 1},
        Bad({}, ["size_bytes"], "resource_exhausted", "PAYLOAD_TOO_LARGE", 413, 429),
    ),
    "upper case": ({**ANNOUNCED, "sha256": SHA.upper()}, Bad({}, ["sha256"])),
    "63 digits": ({**ANNOUNCED, "sha256": SHA[1:]}, Bad({}, ["sha256"])),
    "65 digits": ({**ANNOUNCED, "sha256": SHA + "a"}, Bad({}, ["sha256"])),
}


@pytest.mark.parametrize(("request_", "bad"), BAD.values(), ids=BAD.keys())
async def test_bad_announcements(http: httpx.AsyncClient, fakes: Fakes, request_: dict[str, Any], bad: Bad) -> None:
    plain, rpc = [await http.post(path, json=request_) for path in ("/uploads", CREATE)]
    assert (plain.status_code, rpc.status_code) == (bad.status, bad.connect_status)
    check(plain.json(), bad)
    check(rpc.json(), bad)
    data = ParseDict(request_, pb.CreateUploadRequest()).SerializeToString()
    check((await http.post(CREATE, content=data, headers=kind("application/proto"))).json(), bad)
    assert fakes.calls == []


@pytest.mark.parametrize(
    ("request_", "field"),
    [({}, "source"), ({"upload": ""}, "upload"), ({"upload": "documents/u"}, "upload"), ({"upload": "u"}, "upload")],
)
async def test_bad_ingests(http: httpx.AsyncClient, fakes: Fakes, request_: dict[str, Any], field: str) -> None:
    for path in ("/documents:ingest", INGEST):
        reply = await http.post(path, json=request_)
        assert reply.status_code == 400
        check(reply.json(), Bad({}, [field]))
    assert fakes.calls == []


@pytest.mark.parametrize(
    ("failure", "status", "code", "reason"),
    [
        (ContentMismatch("It is another file."), 400, "failed_precondition", "CONTENT_MISMATCH"),
        (UploadIncomplete("Nothing was PUT."), 400, "failed_precondition", "UPLOAD_INCOMPLETE"),
        (UploadUrlInvalid("The URL has expired."), 403, "permission_denied", "UPLOAD_URL_INVALID"),
        (UpstreamUnavailable("The disk is full."), 503, "unavailable", "UPSTREAM_UNAVAILABLE"),
        (RuntimeError("secret"), 500, "internal", "INTERNAL"),
    ],
)
async def test_errors_have_one_shape_for_put_and_ingest(
    http: httpx.AsyncClient, fakes: Fakes, failure: Exception, status: int, code: str, reason: str
) -> None:
    fakes.failure = failure
    put = await http.put("/uploads/token", content=b"x")
    for reply in (put, await http.post("/documents:ingest", json={"upload": "uploads/u1"})):
        assert (reply.status_code, reply.json()["code"]) == (status, code)
        assert error_info(reply.json()).reason == reason
        assert "secret" not in reply.text
    rpc = await http.post(INGEST, json={"upload": "uploads/u1"})
    assert (rpc.status_code, rpc.json()["code"]) == (status, code)


@pytest.mark.not_on_lambda("an event holds the whole body")
async def test_a_put_is_handed_on_as_it_arrives(http: httpx.AsyncClient, fakes: Fakes) -> None:
    async def body() -> AsyncIterator[bytes]:
        for piece in (b"one ", b"two ", b"three"):
            yield piece
            await asyncio.sleep(0)

    for content, length in ((b"one two three", 13), (body(), None)):
        reply = await http.put("/uploads/token", content=content)
        assert (reply.status_code, reply.content) == (200, b"{}")
        assert fakes.calls.pop() == ("receive", ("token", length, b"one two three"))


async def test_the_url_of_an_upload_takes_only_put(http: httpx.AsyncClient) -> None:
    for verb in ("GET", "POST", "DELETE"):
        reply = await http.request(verb, "/uploads/token")
        assert (reply.status_code, error_info(reply.json()).reason) == (405, "METHOD_NOT_ALLOWED")
    assert (await http.put("/uploads")).status_code == 405
    assert (await http.put("/uploads/a/b")).status_code == 404


async def test_browsers_may_put(http: httpx.AsyncClient) -> None:
    asked = {"origin": "http://web.test", "access-control-request-method": "PUT"}
    reply = await http.options("/uploads/token", headers=asked)
    assert reply.status_code == 200
    assert "PUT" in reply.headers["access-control-allow-methods"]


async def test_openapi_describes_the_headers_as_a_map(http: httpx.AsyncClient) -> None:
    document = (await http.get("/openapi.json")).json()
    headers = document["components"]["schemas"]["CreateUploadResponse"]["properties"]["headers"]
    assert (headers["type"], headers["additionalProperties"]) == ("object", {"type": "string"})
    assert {"/uploads", "/documents:ingest"} <= set(document["paths"])
    assert "progress" in document["components"]["schemas"]["Document"]["properties"]
