"""One line a request, in JSON, with metrics that CloudWatch reads; and never what people ask."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.app import build_app
from service.errors import UpstreamUnavailable
from service.request_log import line_of
from service.settings import load
from service.transport.app import build_transport
from service.transport.recording import RecordRequests
from service.usecases.request_record import RequestRecord
from tests.aws_lambda.runtime_api import Function, running, url_event
from tests.transport.fakes import Fakes

pytestmark = pytest.mark.anyio
JSON = {"content-type": "application/json"}
FILE = {"filename": "refunds.md", "content": "UmVmdW5kcyBhcmUgcGFpZCB3aXRoaW4gZm91cnRlZW4gZGF5cy4K"}
SECRET = "Within how many days are refunds paid?"


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The lines of an upload, a question, the same question, and a bad one."""
    folder = tmp_path_factory.mktemp("log")
    environ = {"RAGSQL_DATA_DIR": str(folder), "RAGSQL_LOCAL_MODEL": str(folder / "none.gguf")}
    with running("lambda_handler.handler", environ) as function:
        return _lines(function)


def _lines(function: Function) -> list[dict[str, Any]]:
    for path, message in (("/upload", FILE), *[("/query", {"query": SECRET})] * 2, ("/query", {"query": ""})):
        function.invoke(url_event("POST", path, json.dumps(message), JSON))
    assert function.log
    assert SECRET not in function.log.read_text()
    return [line for line in function.lines() if line["message"] == "request"]


def metrics_of(line: dict[str, Any]) -> dict[tuple[str, ...], set[str]]:
    """The names of the metrics by their dimensions, each of which must be in the line, as CloudWatch demands."""
    found: dict[tuple[str, ...], set[str]] = {}
    for directive in line["_aws"]["CloudWatchMetrics"]:
        assert directive["Namespace"] == "ragsql"
        names = {metric["Name"] for metric in directive["Metrics"]}
        assert all(isinstance(line[name], int | float) for name in names)
        assert len(directive["Metrics"]) <= 100
        for dimensions in directive["Dimensions"]:
            assert all(isinstance(line[dimension], str) and line[dimension] for dimension in dimensions)
            found.setdefault(tuple(dimensions), set()).update(names)
    return found


def test_a_line_says_where_the_time_went_and_what_it_cost(lines: list[dict[str, Any]]) -> None:
    upload, asked, again, _ = lines
    assert [line["cold_start"] for line in lines] == [True, False, False, False]
    assert len({line["request_id"] for line in lines}) == 4
    assert {line["tenant"] for line in lines} == {"default"}
    assert (asked["route"], asked["status"], asked["cache_hit"], again["cache_hit"]) == (
        "QueryService/Query",
        200,
        False,
        True,
    )
    assert asked["embedding_tokens"] > 0
    assert asked["models"] == ["all-minilm-l6-v2"]
    assert {"retrieve", "search", "read"} <= set(asked["steps_ms"])
    assert 0 < asked["steps_ms"]["search"] <= asked["steps_ms"]["retrieve"] <= asked["latency_ms"]
    assert "parse" in upload["steps_ms"]


def test_cloudwatch_finds_metrics_by_route_and_errors_by_reason(lines: list[dict[str, Any]]) -> None:
    _, asked, again, bad = lines
    assert metrics_of(asked) == {
        ("route",): {"latency_ms"},
        (): {"cache_hits", "input_tokens", "output_tokens", "cost_usd", "cold_starts"},
    }
    assert (asked["cache_hits"], again["cache_hits"]) == (0, 1)
    assert metrics_of(bad)["reason",] == {"errors"}
    assert (bad["status"], bad["reason"], bad["errors"]) == (400, "INVALID_FIELD", 1)
    assert "errors" not in metrics_of(asked).get(("reason",), set())


def test_pages_are_counted_with_their_pace() -> None:
    record = RequestRecord("r", route="ingest", pages=50, seconds=10.0)
    line = line_of(record, metrics=True, now=0)
    assert (line["pages"], line["pages_per_second"], line["time"]) == (50, 5.0, "1970-01-01T00:00:00.000Z")
    assert metrics_of(line)[()] == {"pages_per_second"}


@pytest.mark.parametrize("keeps", [False, True])
async def test_a_question_is_kept_only_where_it_is_asked_for(keeps: bool) -> None:
    records: list[RequestRecord] = []
    fakes = Fakes()
    app = build_transport(fakes.use_cases())
    app.add_middleware(RecordRequests, write=records.append, keeps_questions=keeps)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        await client.post("/query", json={"query": SECRET})
        await client.post("/ragsql.v1.SqlService/GenerateSql", json={"question": SECRET})
        fakes.failure = UpstreamUnavailable("down")
        await client.post("/query", json={"query": SECRET})
        await client.get("/nothing")
    assert [record.question for record in records] == ([SECRET] * 3 if keeps else [""] * 3) + [""]
    assert [record.reason for record in records] == ["", "", "UPSTREAM_UNAVAILABLE", "HTTP_404"]
    assert [record.status for record in records] == [200, 200, 503, 404]
    assert (SECRET in json.dumps(line_of(records[0], metrics=True, now=0))) is keeps


@pytest.fixture
def restored_logs() -> Iterator[None]:
    import logging

    loggers = [logging.getLogger(name) for name in ("ragsql", "service", "ragsql.requests")]
    before = [(logger.handlers, logger.propagate, logger.level) for logger in loggers]
    yield
    for logger, (handlers, propagates, level) in zip(loggers, before, strict=True):
        logger.handlers, logger.propagate = handlers, propagates
        logger.setLevel(level)


@pytest.mark.usefixtures("restored_logs")
async def test_a_server_writes_the_lines_where_it_is_told_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for given, written in (({}, False), ({"RAGSQL_LOG_FORMAT": "json"}, True)):
        app = build_app(load({"RAGSQL_DATA_DIR": str(tmp_path), "RAGSQL_SAMPLE_DATA": "false", **given}))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            await client.get("/health")
        out = capsys.readouterr().out
        assert ('"route":"HealthService/Health"' in out) is written
        assert "_aws" not in out
