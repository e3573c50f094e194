"""Every bad input, over every way in: the right code and reason, the field by name, and no use case called."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from google.protobuf.json_format import ParseDict

from ragsql.v1.query_service_pb2 import QueryRequest, StreamQueryRequest
from tests.transport.bad import QUERY, STREAM, Bad, check, json_bytes, kind, post_stream
from tests.transport.fakes import Fakes
from tests.transport.wire import error_info, violated_fields

pytestmark = pytest.mark.anyio

QUESTIONS = {
    "empty": Bad({"query": ""}, ["query"]),
    "absent": Bad({}, ["query"]),
    "blank": Bad({"query": " \n\t"}, ["query"]),
    "5000 characters": Bad({"query": "x" * 5000}, ["query"]),
    "4001 characters": Bad({"query": "é" * 4001}, ["query"]),
    "unknown route number": Bad({"query": "q", "route": 99}, ["route"]),
    "unknown route name": Bad({"query": "q", "route": "ROUTE_NOWHERE"}, ["route"], only_json=True),
    "unknown policy": Bad({"query": "q", "sqlPolicy": 3}, ["sql_policy"]),
    "top_k 0": Bad({"query": "q", "topK": 0}, ["top_k"]),
    "top_k 51": Bad({"query": "q", "topK": 51}, ["top_k"]),
    "top_k -1": Bad({"query": "q", "topK": -1}, ["top_k"]),
    "top_k of another type": Bad({"query": "q", "topK": "many"}, ["top_k"], only_json=True),
    "101 documents": Bad({"query": "q", "documents": ["documents/d"] * 101}, ["documents"]),
    "no document name": Bad({"query": "q", "documents": ["documents/d", "d/../x"]}, ["documents[1]"]),
    "several": Bad({"query": "", "topK": 51, "route": 9}, ["query", "route", "top_k"]),
    "unknown field": Bad({"query": "q", "nope": 1}, ["nope"], only_json=True),
    "wrong types": Bad({"query": 1, "documents": "d"}, ["query", "documents"], only_json=True),
}


@pytest.mark.parametrize("bad", QUESTIONS.values(), ids=QUESTIONS.keys())
async def test_bad_questions(http: httpx.AsyncClient, fakes: Fakes, bad: Bad) -> None:
    for path in ("/query", QUERY):
        response = await http.post(path, json=bad.request)
        assert response.status_code == 400
        check(response.json(), bad)
    nested = [f"request.{name}" for name in bad.fields]
    stream = await post_stream(http, "json", json_bytes({"request": bad.request}))
    check(stream, bad, nested)
    if not bad.only_json:
        data = ParseDict(bad.request, QueryRequest()).SerializeToString()
        check((await http.post(QUERY, content=data, headers=kind("application/proto"))).json(), bad)
        wrapped = ParseDict({"request": bad.request}, StreamQueryRequest()).SerializeToString()
        check(await post_stream(http, "proto", wrapped), bad, nested)
    assert fakes.calls == []


@pytest.mark.parametrize(
    "body", [b"{", b"", b"[]", b"null", b'"x"', b"\xff\xfe", b"{} {}", b'{"query":"a","query":"b"}']
)
async def test_malformed_json(http: httpx.AsyncClient, fakes: Fakes, body: bytes) -> None:
    malformed = Bad({}, [], reason="MALFORMED_REQUEST")
    for path in ("/query", QUERY):
        response = await http.post(path, content=body, headers=kind("application/json"))
        assert response.status_code == 400
        expected = QUESTIONS["absent"] if not body and path == "/query" else malformed
        check(response.json(), expected)
    check(await post_stream(http, "json", body), malformed)
    assert fakes.calls == []


@pytest.mark.parametrize(
    ("path", "request_"),
    [("/query", {"query": "q", "topK": 1, "top_k": 2}), ("/knowledgeItems", {"ddl": "a", "documentation": "b"})],
)
async def test_json_that_sets_what_excludes_each_other(
    http: httpx.AsyncClient, fakes: Fakes, path: str, request_: dict[str, Any]
) -> None:
    response = await http.post(path, json=request_)
    assert response.status_code == 400
    check(response.json(), Bad({}, [], reason="MALFORMED_REQUEST"))
    assert fakes.calls == []


async def test_json_that_is_nested_too_deeply(http: httpx.AsyncClient) -> None:
    body = b'{"query":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    for path in ("/query", QUERY):
        response = await http.post(path, content=body, headers=kind("application/json"))
        assert (response.status_code, error_info(response.json()).domain) == (400, "ragsql")


async def test_malformed_protobuf(http: httpx.AsyncClient, fakes: Fakes) -> None:
    malformed = Bad({}, [], reason="MALFORMED_REQUEST")
    for body in (b"\xff\xff\xff", b"\x0a\x05ab", b"\x0a\x02\xff\xfe"):
        check((await http.post(QUERY, content=body, headers=kind("application/proto"))).json(), malformed)
        check(await post_stream(http, "proto", body), malformed)
    assert fakes.calls == []


async def test_a_body_that_cannot_be_decompressed_does_not_quote_the_decoder(http: httpx.AsyncClient) -> None:
    headers = kind("application/json") | {"content-encoding": "gzip"}
    response = await http.post(QUERY, content=b"no gzip", headers=headers)
    assert response.status_code == 400
    assert response.json()["message"] == "The body cannot be decompressed or decoded."
    assert error_info(response.json()).reason == "MALFORMED_REQUEST"


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("GET", "/query", 405, "METHOD_NOT_ALLOWED"),
        ("POST", "/health", 405, "METHOD_NOT_ALLOWED"),
        ("PUT", "/documents/d1", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/upload", 405, "METHOD_NOT_ALLOWED"),
        ("PUT", QUERY, 405, "METHOD_NOT_ALLOWED"),
        ("GET", QUERY, 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/nope", 404, "UNKNOWN_PATH"),
        ("POST", "/documents/a/b", 404, "UNKNOWN_PATH"),
        ("POST", "/ragsql.v1.QueryService/Nope", 404, "UNKNOWN_PATH"),
        ("POST", "/ragsql.v2.QueryService/Query", 404, "UNKNOWN_PATH"),
        ("POST", "/query", 415, "UNSUPPORTED_CONTENT_TYPE"),
        ("POST", "/upload", 415, "UNSUPPORTED_CONTENT_TYPE"),
        ("POST", QUERY, 415, "UNSUPPORTED_CONTENT_TYPE"),
        ("POST", STREAM, 415, "UNSUPPORTED_CONTENT_TYPE"),
        ("POST", "/ragsql.v1.HealthService/Health", 415, "UNSUPPORTED_CONTENT_TYPE"),
    ],
)
async def test_wrong_verbs_paths_and_content_types(
    http: httpx.AsyncClient, method: str, path: str, status: int, reason: str
) -> None:
    response = await http.request(method, path, content=b"query=q", headers=kind("text/plain"))
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    assert error_info(response.json()).reason == reason
    assert response.json()["message"]
    assert ("allow" in response.headers) == (status == 405)


@pytest.mark.parametrize(
    "path", ["/documents?page_size=-1", "/sqlStatements?pageSize=-1", "/knowledgeItems?page_size=-1"]
)
async def test_negative_page_sizes(http: httpx.AsyncClient, fakes: Fakes, path: str) -> None:
    response = await http.get(path)
    assert response.status_code == 400
    assert violated_fields(response.json()) == ["page_size"]
    assert fakes.calls == []


@pytest.mark.parametrize(
    ("method", "path", "body", "fields"),
    [
        ("GET", "/documents/a.b", None, ["name"]),
        ("GET", "/documents?states=0", None, ["states[0]"]),
        ("GET", "/documents?states=DOCUMENT_STATE_ACTIVE&states=77", None, ["states[1]"]),
        ("GET", "/documents?nope=1", None, ["nope"]),
        ("POST", "/query?top_k=3", {"query": "q"}, ["top_k"]),
        ("POST", "/sqlStatements/s1:execute", {"etag": "", "maxRows": 1001}, ["etag", "max_rows"]),
        ("POST", "/sqlStatements:generate", {"question": " "}, ["question"]),
        ("POST", "/knowledgeItems", {}, ["knowledge_item.kind"]),
        ("POST", "/knowledgeItems", {"ddl": ""}, ["knowledge_item.ddl"]),
        ("POST", "/knowledgeItems", {"exampleQuery": {"question": "q"}}, ["knowledge_item.example_query.sql"]),
        ("POST", "/knowledgeItems:import", {"knowledgeItems": []}, ["knowledge_items"]),
        ("POST", "/knowledgeItems:import", {"knowledgeItems": [{"ddl": "x"}] * 2001}, ["knowledge_items"]),
        ("POST", "/knowledgeItems:import", {"knowledgeItems": [{"ddl": "x"}, {}]}, ["knowledge_items[1].kind"]),
        (
            "POST",
            "/knowledgeItems:import",
            {"knowledgeItems": [{"exampleQuery": {"question": "", "sql": "x"}}]},
            ["knowledge_items[0].example_query.question"],
        ),
        ("POST", "/answers/a1/feedback", {"comment": "x" * 4001}, ["rating", "comment"]),
        ("POST", "/feedback:promote", {"name": "feedback/f1"}, ["name"]),
        ("GET", "/feedback?pageSize=-1", None, ["page_size"]),
        ("DELETE", "/cache/CACHE_KIND_UNSPECIFIED", None, ["kind"]),
        ("DELETE", "/cache/answers", None, ["kind"]),
    ],
)
async def test_bounds_of_the_other_methods(
    http: httpx.AsyncClient, fakes: Fakes, method: str, path: str, body: Any, fields: list[str]
) -> None:
    response = await http.request(method, path, json=body)
    assert response.status_code == 400
    assert violated_fields(response.json()) == fields
    assert fakes.calls == []
