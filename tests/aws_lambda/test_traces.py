"""Traces of the function: by settings that only the secret has, and sent before the environment may freeze."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.aws_lambda.runtime_api import running, url_event
from tests.otlp_collector import OtlpCollector


@pytest.fixture
def collector() -> Iterator[OtlpCollector]:
    collector = OtlpCollector()
    yield collector
    collector.close()
    assert collector.unexpected == []


@pytest.fixture
def environ(s3_url: str, tmp_path: Path, collector: OtlpCollector, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A function whose environment says nothing of traces but when the SDK sends by itself: never."""
    import boto3

    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    aws = {"ENDPOINT_URL": s3_url, "ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b", "DEFAULT_REGION": "us-east-1"}
    for name, value in aws.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    secret = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_EXPORTER_OTLP_HEADERS": "x-api-key=of%20the%20secret,x-team=search",
        "OTEL_SERVICE_NAME": "answers",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=production",
    }
    sdk: Any = boto3
    client = sdk.session.Session().client("secretsmanager")
    arn = client.create_secret(Name=uuid.uuid4().hex, SecretString=json.dumps(secret))["ARN"]
    return {"RAGSQL_DATA_DIR": str(tmp_path), "RAGSQL_SECRETS": arn, "OTEL_BSP_SCHEDULE_DELAY": "86400000"}


def test_a_span_arrives_before_the_response_does(environ: dict[str, str], collector: OtlpCollector) -> None:
    with running("lambda_handler.handler", environ) as function:
        for number in (1, 2):
            assert function.invoke(url_event("GET", "/documents"))["statusCode"] == 200
            # Not waited for: after a response the environment may freeze for hours.
            assert [span.name for span in list(collector.spans)] == ["ragsql.v1.DocumentService/ListDocuments"] * number
        function.freeze()
    (sent, again) = collector.headers
    assert (sent["x-api-key"], sent["x-team"]) == ("of the secret", "search") == (again["x-api-key"], again["x-team"])
    said = collector.resources[0]
    assert (said["service.name"], said["deployment.environment.name"]) == ("answers", "production")


def test_the_environment_holds_against_the_secret(environ: dict[str, str], collector: OtlpCollector) -> None:
    with running("lambda_handler.handler", {**environ, "OTEL_TRACES_SAMPLER": "always_off"}) as function:
        assert function.invoke(url_event("GET", "/documents"))["statusCode"] == 200
    assert collector.spans == []
    with running("lambda_handler.handler", {**environ, "OTEL_SERVICE_NAME": "other"}) as function:
        assert function.invoke(url_event("GET", "/documents"))["statusCode"] == 200
    assert [said["service.name"] for said in collector.resources] == ["other"]


def test_a_collector_that_hangs_takes_no_answer(environ: dict[str, str], collector: OtlpCollector) -> None:
    collector.hangs = True
    with running("lambda_handler.handler", environ) as function:
        assert function.invoke(url_event("GET", "/documents"))["statusCode"] == 200
        assert any("Spans could not be sent" in line["message"] for line in function.lines())
