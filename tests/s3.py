"""An S3 server of the test run's own, and a bucket of a test's own on it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.s3_front import S3Front


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3_front(s3_url: str) -> Iterator[S3Front]:
    """What a client of S3 talks to."""
    front = S3Front(s3_url)
    yield front
    front.close()


@pytest.fixture
def s3_bucket(s3_front: S3Front, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of an empty bucket. The AWS settings of the process lead to it."""
    import boto3

    settings = {
        "ENDPOINT_URL": s3_front.url,
        "ACCESS_KEY_ID": s3_front.key_id,
        "SECRET_ACCESS_KEY": s3_front.secret,
        "DEFAULT_REGION": "us-east-1",
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    bucket = uuid.uuid4().hex
    sdk: Any = boto3
    sdk.session.Session().client("s3").create_bucket(Bucket=bucket)
    s3_front.requests.clear()
    return bucket
