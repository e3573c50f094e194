"""The servers that people run, on real sockets, with the clients that people use."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from connectrpc.compat import google_protobuf_binary_codec, google_protobuf_json_codec
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo

from ragsql.v1.health_service_connect import HealthServiceClientSync
from ragsql.v1.health_service_pb2 import HEALTH_STATUS_DEGRADED, HealthRequest, HealthResponse
from ragsql.v1.query_service_connect import QueryServiceClientSync
from ragsql.v1.query_service_pb2 import QueryRequest, QueryResponse, StreamQueryRequest, StreamQueryResponse
from service.transport.app import build_transport
from tests.serving import serving
from tests.transport.fakes import Fakes

BUF = Path(sys.executable).parent / "buf"
CONTRACT = Path(__file__).parents[2] / "gen" / "ragsql" / "contract.binpb"


@pytest.fixture(scope="module")
def http1() -> Iterator[str]:
    with serving(build_transport(Fakes().use_cases(), reflection=True), http="httptools") as address:
        yield address


@pytest.fixture(scope="module")
def http2() -> Iterator[str]:
    with serving(build_transport(Fakes().use_cases(), reflection=True), http="zttp", http2=True) as address:
        yield address


def test_plain_http_over_http1(http1: str) -> None:
    with httpx.Client(base_url=f"http://{http1}") as client:
        assert client.get("/health").json()["version"] == "1.2.3"
        uploaded = client.post("/upload", files={"file": ("document.pdf", b"%PDF-1.7")})
        assert uploaded.json()["document"]["state"] == "DOCUMENT_STATE_ACTIVE"
        assert client.post("/query", json={"query": "What is the return policy?"}).json()["answer"]["text"]
        assert client.get("/openapi.json").json()["openapi"] == "3.1.0"
        too_large = client.post("/upload", files={"file": ("a.txt", b"x" * (4 * 1024 * 1024 + 1))})
        assert too_large.status_code == 413


@pytest.mark.parametrize("server", ["http1", "http2"])
def test_the_generated_sync_clients(server: str, request: pytest.FixtureRequest) -> None:
    address = f"http://{request.getfixturevalue(server)}"
    for codec in (google_protobuf_binary_codec(), google_protobuf_json_codec()):
        health = HealthServiceClientSync(address, codec=codec)
        assert health.health(HealthRequest()).status == HEALTH_STATUS_DEGRADED
        assert health.health(HealthRequest(), use_get=True).version == "1.2.3"
        queries = QueryServiceClientSync(address, codec=codec)
        assert queries.query(QueryRequest(query="q")).answer.text == "Thirty days: ✓"
        events = queries.stream_query(StreamQueryRequest(request=QueryRequest(query="q")))
        assert [event.WhichOneof("event") for event in events][-2:] == ["text_delta", "final"]


def test_grpc_with_grpcio(http2: str) -> None:
    with grpc.insecure_channel(http2) as channel:
        health = unary(channel, "/ragsql.v1.HealthService/Health", HealthRequest, HealthResponse)
        assert health(HealthRequest(), timeout=60).version == "1.2.3"
        query = unary(channel, "/ragsql.v1.QueryService/Query", QueryRequest, QueryResponse)
        with pytest.raises(grpc.RpcError) as raised:
            query(QueryRequest(query=""), timeout=60)
        error: Any = raised.value
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        status = dict(error.trailing_metadata())["grpc-status-details-bin"]
        assert ErrorInfo(reason="INVALID_FIELD", domain="ragsql").SerializeToString() in status


def test_grpc_streams_with_grpcio(http2: str) -> None:
    with grpc.insecure_channel(http2) as channel:
        stream: Any = channel.unary_stream(
            "/ragsql.v1.QueryService/StreamQuery",
            request_serializer=StreamQueryRequest.SerializeToString,
            response_deserializer=StreamQueryResponse.FromString,
        )
        events = list(stream(StreamQueryRequest(request=QueryRequest(query="q")), timeout=60))
    assert events[-1].final.answer.name == "answers/a1"


def test_buf_curl_with_reflection(http2: str) -> None:
    listed = subprocess.run(
        [BUF, "curl", "--list-methods", f"http://{http2}"], capture_output=True, text=True, check=True
    )
    assert "ragsql.v1.QueryService/StreamQuery" in listed.stdout
    answer = buf_curl(f"http://{http2}/ragsql.v1.QueryService/Query", {"query": "q"}, "--protocol", "grpc")
    assert answer[0]["answer"]["name"] == "answers/a1"


@pytest.mark.parametrize(("server", "protocol"), [("http1", "connect"), ("http1", "grpcweb"), ("http2", "grpc")])
def test_buf_curl_with_a_schema(server: str, protocol: str, request: pytest.FixtureRequest) -> None:
    url = f"http://{request.getfixturevalue(server)}/ragsql.v1.QueryService"
    how = ("--schema", str(CONTRACT), "--protocol", protocol)
    assert buf_curl(f"{url}/Query", {"query": "q"}, *how)[0]["answer"]["text"] == "Thirty days: ✓"
    events = buf_curl(f"{url}/StreamQuery", {"request": {"query": "q"}}, *how)
    assert [next(iter(event)) for event in events][-2:] == ["textDelta", "final"]


def test_buf_curl_shows_the_reason_of_an_error(http1: str) -> None:
    url = f"http://{http1}/ragsql.v1.QueryService/Query"
    ran = subprocess.run(
        [BUF, "curl", "--schema", CONTRACT, "--data", '{"query": ""}', url], capture_output=True, text=True, check=False
    )
    assert ran.returncode != 0
    error = json.loads(ran.stderr)
    assert error["code"] == "invalid_argument"
    assert {detail["type"] for detail in error["details"]} == {"google.rpc.ErrorInfo", "google.rpc.BadRequest"}


def unary(channel: grpc.Channel, path: str, request: type[Message], response: type[Message]) -> Any:
    return channel.unary_unary(
        path, request_serializer=request.SerializeToString, response_deserializer=response.FromString
    )


def buf_curl(url: str, request: dict[str, Any], *options: str) -> list[dict[str, Any]]:
    ran = subprocess.run(
        [BUF, "curl", *options, "--data", json.dumps(request), url], capture_output=True, text=True, check=True
    )
    decoder, text, messages = json.JSONDecoder(), ran.stdout.strip(), list[dict[str, Any]]()
    while text:
        message, end = decoder.raw_decode(text)
        messages.append(message)
        text = text[end:].strip()
    return messages
