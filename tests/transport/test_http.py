from __future__ import annotations

import logging

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from service.domain.prices import PRICES_AS_OF
from service.domain.questions import Question, SqlPolicy
from service.domain.questions import Route as QuestionRoute
from service.errors import UpstreamUnavailable
from service.transport.app import build_transport
from tests.transport.fakes import Fakes
from tests.transport.wire import error_info

pytestmark = pytest.mark.anyio


async def test_health_shows_default_values_and_is_compact(http: httpx.AsyncClient) -> None:
    response = await http.get("/health")
    assert response.headers["content-type"] == "application/json"
    assert response.text == (
        '{"status":"HEALTH_STATUS_DEGRADED","components":['
        '{"component":"vectors","adapter":"sqlite","status":"HEALTH_STATUS_SERVING","detail":"",'
        '"required":false},'
        '{"component":"chat","adapter":"llama","status":"HEALTH_STATUS_DEGRADED","detail":"Run: ragsql models pull",'
        '"required":false}],"version":"1.2.3","capabilities":[]}'
    )
    assert (await http.head("/health")).status_code == 200


async def test_an_upload_as_multipart_is_one_as_json(http: httpx.AsyncClient, fakes: Fakes) -> None:
    first = await http.post("/upload", files={"file": ("Übersicht 1.pdf", b"%PDF")})
    again = await http.post("/upload", json={"filename": "Übersicht 1.pdf", "content": "JVBERg=="})
    assert first.json()["cacheHit"] is False
    assert again.json() == {**first.json(), "cacheHit": True}
    assert fakes.calls == [("upload", ("Übersicht 1.pdf", 4))] * 2


@pytest.mark.parametrize(
    ("files", "field"),
    [
        ({"document": ("a.txt", b"x")}, "document"),
        ({"file": (None, b"x")}, "content"),
    ],
)
async def test_a_multipart_upload_without_its_file(
    http: httpx.AsyncClient, fakes: Fakes, files: dict[str, tuple[str | None, bytes]], field: str
) -> None:
    response = await http.post("/upload", files=files)
    assert response.status_code == 400
    assert response.json()["details"][1]["debug"]["fieldViolations"][0]["field"] == field
    assert fakes.calls == []


@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary=b"])
async def test_a_multipart_body_that_is_none(http: httpx.AsyncClient, fakes: Fakes, content_type: str) -> None:
    response = await http.post("/upload", content=b"x" * 100, headers={"content-type": content_type})
    assert response.status_code == 400
    assert error_info(response.json()).reason == "MALFORMED_REQUEST"
    assert fakes.calls == []


@pytest.mark.parametrize(
    "body",
    [
        {"query": "q", "sqlPolicy": "SQL_POLICY_AUTO_READ_ONLY", "topK": 1, "route": "ROUTE_HYBRID"},
        {"query": "q", "sql_policy": 2, "top_k": 1, "route": 3},
    ],
)
async def test_both_spellings_of_fields_and_enums(
    http: httpx.AsyncClient, fakes: Fakes, body: dict[str, object]
) -> None:
    response = await http.post("/query", json=body)
    assert response.json()["answer"]["citations"][0]["boxes"][0]["left"] == 0.1
    assert response.json()["cacheHit"] is False
    assert fakes.calls == [("ask", Question("q", QuestionRoute.HYBRID, SqlPolicy.AUTO_READ_ONLY, (), 1))]


async def test_paths_with_resource_names(http: httpx.AsyncClient, fakes: Fakes) -> None:
    await http.post("/upload", files={"file": ("a.txt", b"hello")})
    name = "documents/2cf24dba"
    assert (await http.get(f"/{name}")).json()["document"]["name"] == name
    assert (await http.delete(f"/{name}")).json() == {}
    assert (await http.get(f"/{name}")).status_code == 404
    assert (await http.post("/sqlStatements/s1:execute", json={"etag": "e"})).status_code == 200
    assert (await http.post("/sqlStatements/s1:reject")).status_code == 200
    assert (await http.post("/answers/a1/feedback", json={"rating": "RATING_GOOD"})).json() == {
        "name": "answers/a1/feedback/f1"
    }
    assert (await http.delete("/cache/CACHE_KIND_ANSWER")).json() == {"removedCount": "4"}
    assert (await http.delete("/cache/3")).status_code == 200
    assert [call for call in fakes.calls if call[0] in ("execute", "reject", "clear")] == [
        ("execute", ("s1", "e", 100)),
        ("reject", "s1"),
        ("clear", "answer"),
        ("clear", "answer"),
    ]


async def test_usage_is_added_up_and_what_was_cached_is_not_spent(http: httpx.AsyncClient, fakes: Fakes) -> None:
    response = (await http.get("/usage?days=7")).json()
    assert (response["costUsd"], response["savedUsd"], response["priceDate"]) == (0.5, 0.25, PRICES_AS_OF.isoformat())
    assert response["totals"][0] == {
        "date": "2026-01-31",
        "kind": "USAGE_KIND_SQL",
        "model": "gpt-4o",
        "callCount": "2",
        "inputTokens": "5000000000",
        "outputTokens": "7",
        "embeddingTokens": "0",
        "costUsd": 0.5,
        "priced": True,
    }
    assert [total["priced"] for total in response["totals"]] == [True, True, False]
    assert (await http.get("/usage")).status_code == 200
    assert (await http.get("/usage?days=367")).status_code == 400
    assert fakes.calls == [("usage", 7), ("usage", 30)]


async def test_answers_and_statements_say_what_they_cost(http: httpx.AsyncClient) -> None:
    generated = (await http.post("/sqlStatements:generate", json={"question": "q"})).json()
    assert (await http.post("/query", json={"query": "q"})).json()["usage"] == generated["usage"]
    assert generated["usage"] == {
        "inputTokens": "5",
        "outputTokens": "7",
        "embeddingTokens": "11",
        "costUsd": 0.5,
        "models": ["local:m"],
        "unpricedModels": [],
        "priceDate": PRICES_AS_OF.isoformat(),
    }


async def test_a_known_error_has_the_shape_of_the_rpcs(http: httpx.AsyncClient, fakes: Fakes) -> None:
    fakes.failure = UpstreamUnavailable("The model does not answer. Try again.", component="chat")
    plain = await http.post("/query", json={"query": "q"})
    rpc = await http.post("/ragsql.v1.QueryService/Query", json={"query": "q"})
    assert plain.status_code == rpc.status_code == 503
    details = [{key: detail[key] for key in ("type", "value")} for detail in plain.json()["details"]]
    assert {**plain.json(), "details": details} == rpc.json()
    assert plain.json()["details"][0]["debug"] == {
        "reason": "UPSTREAM_UNAVAILABLE",
        "domain": "ragsql",
        "metadata": {"component": "chat"},
    }


async def test_the_text_of_an_unknown_exception_stays_in_the_log(
    http: httpx.AsyncClient, fakes: Fakes, caplog: pytest.LogCaptureFixture
) -> None:
    fakes.failure = RuntimeError("password=hunter2")
    response = await http.post("/query", json={"query": "q"})
    assert response.status_code == 500
    assert "hunter2" not in response.text
    assert error_info(response.json()).metadata["error_id"] in caplog.text


async def test_a_failing_extra_route_tells_nothing_either(fakes: Fakes) -> None:
    def fail(request: object) -> PlainTextResponse:
        raise RuntimeError("password=hunter2")

    app = build_transport(fakes.use_cases(), extra_routes=[Route("/extra", fail)])
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        response = await client.get("/extra")
    assert (response.status_code, response.json()["code"]) == (500, "internal")
    assert "hunter2" not in response.text


async def test_browsers_may_call_from_anywhere_by_default(http: httpx.AsyncClient) -> None:
    asked = "content-type,connect-protocol-version,connect-timeout-ms,x-user-agent,authorization"
    preflight = {
        "origin": "http://web.test",
        "access-control-request-method": "POST",
        "access-control-request-headers": asked,
    }
    response = await http.options("/ragsql.v1.QueryService/StreamQuery", headers=preflight)
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == "*"
    assert "connect-protocol-version" in response.headers["access-control-allow-headers"]
    actual = await http.get("/health", headers={"origin": "http://web.test"})
    assert "grpc-status" in actual.headers["access-control-expose-headers"]


async def test_origins_can_be_limited_or_closed(fakes: Fakes) -> None:
    for origins, allowed in ((("http://web.test",), "http://web.test"), ((), None)):
        app = build_transport(fakes.use_cases(), cors_origins=origins)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            for origin, expected in (("http://web.test", allowed), ("http://evil.test", None)):
                response = await client.get("/health", headers={"origin": origin})
                assert response.headers.get("access-control-allow-origin") == expected


async def test_every_request_leaves_one_line_in_the_log(
    http: httpx.AsyncClient, app: Starlette, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "ragsql.requests")
    await http.get("/health")
    await http.post("/query", json={"query": ""})
    await http.post("/ragsql.v1.QueryService/Query", content=b"{", headers={"content-type": "application/json"})
    lines = [record.getMessage() for record in caplog.records if record.name == "ragsql.requests"]
    assert [line.rsplit(" ", 2)[0] for line in lines] == [
        "ragsql.v1.HealthService/Health ok",
        "ragsql.v1.QueryService/Query invalid_argument",
        "ragsql.v1.QueryService/Query invalid_argument",
    ]


@pytest.mark.not_on_lambda("the handler says it in other words, see test_handler")
async def test_grpc_is_refused_with_a_reason_where_there_are_no_trailers(http: httpx.AsyncClient) -> None:
    response = await http.post(
        "/ragsql.v1.HealthService/Health", content=b"\0" * 5, headers={"content-type": "application/grpc"}
    )
    assert response.status_code == 415
    assert "--http2" in response.json()["message"]
