"""Every bad upload, over every way in: the right code and reason, the field by name, and nothing stored."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator

import httpx
import pytest
from google.protobuf.json_format import ParseDict

from ragsql.v1.document_service_pb2 import UploadRequest
from tests.transport.bad import MIB, UPLOAD, Bad, check, kind
from tests.transport.fakes import Fakes
from tests.transport.wire import error_info

pytestmark = pytest.mark.anyio

TOO_LARGE = base64.b64encode(b"x" * (4 * MIB + 1)).decode()
FILES = {
    "0 bytes": Bad({"filename": "a.txt", "content": ""}, ["content"]),
    "4 MiB + 1 byte": Bad(
        {"filename": "a.txt", "content": TOO_LARGE}, ["content"], "resource_exhausted", "PAYLOAD_TOO_LARGE", 413, 429
    ),
    "no name": Bad({"filename": "", "content": "eA=="}, ["filename"]),
    "256 characters": Bad({"filename": "x" * 252 + ".txt", "content": "eA=="}, ["filename"]),
    "a path": Bad({"filename": "../a.txt", "content": "eA=="}, ["filename"]),
    "a Windows path": Bad({"filename": "c:\\a.txt", "content": "eA=="}, ["filename"]),
    "a control character": Bad({"filename": "a\u0000.txt", "content": "eA=="}, ["filename"]),
    "a parent": Bad({"filename": "..", "content": "eA=="}, ["filename"]),
    "no base64": Bad({"filename": "a.txt", "content": "%%%"}, ["content"], only_json=True),
}


@pytest.mark.parametrize("bad", FILES.values(), ids=FILES.keys())
async def test_bad_files(http: httpx.AsyncClient, fakes: Fakes, bad: Bad) -> None:
    plain, rpc = [await http.post(path, json=bad.request) for path in ("/upload", UPLOAD)]
    assert (plain.status_code, rpc.status_code) == (bad.status, bad.connect_status)
    check(plain.json(), bad)
    check(rpc.json(), bad)
    if not bad.only_json:
        data = ParseDict(bad.request, UploadRequest()).SerializeToString()
        check((await http.post(UPLOAD, content=data, headers=kind("application/proto"))).json(), bad)
        content = base64.b64decode(bad.request["content"])
        if bad.fields == ["content"]:
            multipart = await http.post("/upload", files={"file": (bad.request["filename"], content)})
            assert multipart.status_code == bad.status
            check(multipart.json(), bad)
    assert fakes.calls == []


async def test_a_file_of_4_mib_is_accepted_in_every_form(http: httpx.AsyncClient, fakes: Fakes) -> None:
    content = b"x" * 4 * MIB
    request = UploadRequest(filename="a.txt", content=content)
    encoded = {"filename": "a.txt", "content": base64.b64encode(content).decode()}
    responses = [
        await http.post("/upload", files={"file": ("a.txt", content)}),
        await http.post("/upload", json=encoded),
        await http.post(UPLOAD, json=encoded),
        await http.post(UPLOAD, content=request.SerializeToString(), headers=kind("application/proto")),
    ]
    assert [response.status_code for response in responses] == [200] * 4
    assert fakes.calls == [("upload", ("a.txt", 4 * MIB))] * 4


@pytest.mark.not_on_lambda("an event holds the whole body, and 6 MB at most")
@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_over_6_mib_is_not_read_to_its_end(http: httpx.AsyncClient, fakes: Fakes, announced: bool) -> None:
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        yield b'--b\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
        for _ in range(20):
            read += MIB
            yield b"x" * MIB

    length = {"content-length": str(20 * MIB)} if announced else {}
    for path, content_type in (("/upload", "multipart/form-data; boundary=b"), ("/query", "application/json")):
        read = 0
        response = await http.post(path, content=body(), headers=kind(content_type) | length)
        assert response.status_code == 413
        assert error_info(response.json()).reason == "PAYLOAD_TOO_LARGE"
        assert read <= (MIB if announced else 8 * MIB)
    response = await http.post(UPLOAD, content=body(), headers=kind("application/proto"))
    assert (response.status_code, response.json()["code"]) == (429, "resource_exhausted")
    assert error_info(response.json()).reason == "PAYLOAD_TOO_LARGE"
    assert fakes.calls == []


async def test_an_unsupported_type_of_file(http: httpx.AsyncClient, fakes: Fakes) -> None:
    bad = Bad({}, [], reason="UNSUPPORTED_MEDIA_TYPE", status=415)
    plain = await http.post("/upload", files={"file": ("a.zip", b"PK")})
    assert plain.status_code == 415
    check(plain.json(), bad)
    rpc = await http.post(UPLOAD, json={"filename": "a.zip", "content": "UEs="})
    assert rpc.status_code == 400
    check(rpc.json(), bad)
    assert fakes.documents == {}
