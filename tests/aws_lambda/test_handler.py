"""lambda_handler.handler inside the runtime that AWS Lambda uses."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from ragsql.v1.health_service_pb2 import HealthResponse
from tests.aws_lambda.runtime_api import EVENT_LIMIT, ROOT, Function, running, url_event

HEAVY = (
    "onnxruntime",
    "openai",
    "sqlalchemy",
    "sqlglot",
    "docling",
    "boto3",
    "pinecone",
    "redis",
    "pandas",
    "torch",
    "numpy",
)


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Function]:
    environ = {"RAGSQL_DATA_DIR": str(tmp_path_factory.mktemp("data"))}
    with running("lambda_handler.handler", environ) as function:
        yield function


def error_of(response: dict[str, Any]) -> tuple[int, str, str]:
    error = json.loads(response["body"])
    return response["statusCode"], error["code"], error["details"][0]["debug"]["reason"]


def test_plain_http(function: Function) -> None:
    response = function.invoke(url_event("GET", "/health"))
    assert response["statusCode"] == 200
    assert json.loads(response["body"])["components"]


def test_connect_with_binary_messages(function: Function) -> None:
    event = url_event("POST", "/ragsql.v1.HealthService/Health", "", {"content-type": "application/proto"}, base64=True)
    response = function.invoke(event)
    assert response["statusCode"] == 200
    assert HealthResponse.FromString(base64.b64decode(response["body"])).version


@pytest.mark.parametrize("content_type", ["application/grpc", "application/grpc+proto", "application/grpc;x=y"])
def test_grpc_is_refused(function: Function, content_type: str) -> None:
    event = url_event(
        "POST", "/ragsql.v1.HealthService/Health", "AAAAAAA=", {"Content-Type": content_type}, base64=True
    )
    assert error_of(function.invoke(event)) == (415, "invalid_argument", "UNSUPPORTED_CONTENT_TYPE")


def test_a_question_is_bounded(function: Function) -> None:
    event = url_event("POST", "/query", json.dumps({"query": ""}), {"content-type": "application/json"})
    status, code, reason = error_of(function.invoke(event))
    assert (status, code, reason) == (400, "invalid_argument", "INVALID_FIELD")


def test_what_lambda_would_not_deliver_is_refused(function: Function) -> None:
    event = url_event("POST", "/upload", "A" * EVENT_LIMIT, {"content-type": "application/octet-stream"}, base64=True)
    assert error_of(function.invoke(event)) == (413, "resource_exhausted", "PAYLOAD_TOO_LARGE")


def test_unknown_paths_are_errors_of_ours(function: Function) -> None:
    assert error_of(function.invoke(url_event("GET", "/nothing"))) == (404, "not_found", "UNKNOWN_PATH")


def test_import_loads_nothing_heavy() -> None:
    script = f"import sys, lambda_handler; print([name for name in {HEAVY} if name in sys.modules])"
    ran = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = ['gen', 'clients/python']\n{script}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert (ran.stdout, ran.returncode) == ("[]\n", 0), ran.stderr
