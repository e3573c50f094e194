"""Files in S3 become documents: told once or twice, to one function or two at once, straight or through a queue."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.aws_lambda.runtime_api import Function, running, url_event
from tests.aws_lambda.s3_events import bridged, notified

JSON = {"content-type": "application/json"}
TEXT = "\n\n".join(f"Rule {number}: a refund takes {number} days." for number in range(1, 40)).encode()


class Cloud:
    """A bucket, and functions over it that share their records."""

    def __init__(self, bucket: str, folder: Path) -> None:
        self.bucket = bucket
        self.environ = {
            "RAGSQL_DATA_DIR": str(folder),
            "RAGSQL_LOCAL_MODEL": str(folder / "none.gguf"),
            "STORAGE_BACKEND": "s3",
            "S3_CACHE_BUCKET": bucket,
            "RAGSQL_INGEST_EVENTS_FROM_BYTES": "1000",
            **{name: value for name, value in os.environ.items() if name.startswith("AWS_")},
        }

    def event(self, key: str, **changes: Any) -> dict[str, Any]:
        """What S3 sends for a file that was PUT."""
        (record,) = notified(self.bucket, key)["Records"]
        return {"Records": [{**record, **changes}]}

    def queued(self, *bodies: Any) -> dict[str, Any]:
        return {
            "Records": [
                {"messageId": f"m{number}", "eventSource": "aws:sqs", "body": json.dumps(body)}
                for number, body in enumerate(bodies)
            ]
        }


@pytest.fixture(scope="module")
def cloud(s3_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    import boto3

    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"ENDPOINT_URL": s3_url, "ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b"}.items():
            patch.setenv(f"AWS_{name}", value)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        sdk: Any = boto3
        sdk.session.Session().client("s3").create_bucket(Bucket="arrivals")
        yield Cloud("arrivals", tmp_path_factory.mktemp("cloud"))


@pytest.fixture(scope="module")
def functions(cloud: Cloud) -> Iterator[tuple[Function, Function]]:
    """The one of the Function URL, and the one of the events. Either could be the other: they run the same code."""
    with (
        running("lambda_handler.handler", cloud.environ) as url,
        running("lambda_handler.handler", cloud.environ) as ingest,
    ):
        yield url, ingest


def ask(function: Function, method: str, path: str, message: dict[str, Any] | None = None) -> dict[str, Any]:
    body = None if message is None else json.dumps(message)
    response = function.invoke(url_event(method, path, body, JSON if body else {}))
    assert response["statusCode"] == 200, response
    return json.loads(response["body"])


def put(function: Function, filename: str, content: bytes) -> str:
    """CreateUpload and PUT. The upload's id."""
    announced = {"filename": filename, "sizeBytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    upload = ask(function, "POST", "/uploads", announced)
    assert httpx.put(upload["url"], content=content, headers=upload["headers"]).status_code == 200
    return upload["upload"].partition("/")[2]


def named(function: Function, filename: str) -> list[dict[str, Any]]:
    documents = ask(function, "GET", "/documents")["documents"]
    return [document for document in documents if document["filename"] == filename]


def test_a_file_that_was_put_is_ingested_once(cloud: Cloud, functions: tuple[Function, Function]) -> None:
    url, ingest = functions
    file_id = put(url, "a b+ü.txt", TEXT)
    pending = ask(url, "POST", "/documents:ingest", {"upload": f"uploads/{file_id}"})["document"]
    assert pending["state"] == "DOCUMENT_STATE_PENDING"
    event = cloud.event(f"ragsql/default/files/{file_id}")
    done = {"documents": [{"name": pending["name"], "state": "ACTIVE"}]}
    assert ingest.invoke(event) == done
    (document,) = named(url, "a b+ü.txt")
    assert (document["state"], document["name"]) == ("DOCUMENT_STATE_ACTIVE", pending["name"])
    assert ingest.invoke(event) == done
    assert named(url, "a b+ü.txt") == [document]


def test_two_deliveries_at_once_make_one_document(cloud: Cloud, functions: tuple[Function, Function]) -> None:
    url, _ = functions
    file_id = put(url, "twice.txt", TEXT + b"twice")
    event = cloud.event(f"ragsql/default/files/{file_id}")
    with ThreadPoolExecutor(2) as threads:
        invoked = [threads.submit(function.invoke, event) for function in functions]
    results = [one.result() for one in invoked]
    found: list[dict[str, str]] = [document for result in results for document in result["documents"]]
    assert {document["name"] for document in found} == {f"documents/{file_id}"}
    assert "ACTIVE" in {document["state"] for document in found}
    (document,) = named(url, "twice.txt")
    assert document["state"] == "DOCUMENT_STATE_ACTIVE"
    answer = ask(url, "POST", "/query", {"query": "How many days does a refund under rule 7 take?"})
    assert "7" in answer["answer"]["text"]


def test_upload_keeps_small_files_and_leaves_large_ones(cloud: Cloud, functions: tuple[Function, Function]) -> None:
    url, ingest = functions
    small = ask(url, "POST", "/upload", {"filename": "small.txt", "content": base64.b64encode(TEXT[:900]).decode()})
    assert small["document"]["state"] == "DOCUMENT_STATE_ACTIVE"
    content = TEXT + b"large"
    large = ask(url, "POST", "/upload", {"filename": "large.txt", "content": base64.b64encode(content).decode()})
    assert large["document"]["state"] == "DOCUMENT_STATE_PENDING"
    for document in (small["document"], large["document"]):
        file_id = document["name"].partition("/")[2]
        found = ingest.invoke(cloud.event(f"ragsql/default/files/{file_id}"))
        assert found == {"documents": [{"name": document["name"], "state": "ACTIVE"}]}
    (document,) = named(url, "large.txt")
    assert document["state"] == "DOCUMENT_STATE_ACTIVE"


def test_what_is_not_ours_is_left_alone(cloud: Cloud, functions: tuple[Function, Function]) -> None:
    _, ingest = functions
    for key in (
        "else/a",
        "ragsql/",
        "ragsql/default",
        "ragsql/default/processed/a",
        "ragsql/default/files/",
        "ragsql//files/a",
    ):
        assert ingest.invoke(cloud.event(key)) == {"documents": []}
    assert ingest.invoke(cloud.event("ragsql/default/files/unknown")) == {"documents": []}
    assert ingest.invoke(cloud.event("ragsql/~cafe/files/a")) == {"documents": []}
    other = {"bucket": {"name": "other"}, "object": {"key": "ragsql/default/files/a"}}
    assert ingest.invoke(cloud.event("", s3=other)) == {"documents": []}
    assert ingest.invoke(cloud.event("ragsql/default/files/a", eventName="ObjectRemoved:Delete")) == {"documents": []}


@pytest.mark.parametrize("told", [notified, bridged])
def test_what_the_service_writes_itself_costs_one_look_at_its_key(
    cloud: Cloud, functions: tuple[Function, Function], told: Callable[[str, str], dict[str, Any]]
) -> None:
    """No request, no line: such an event comes with every file."""
    _, ingest = functions
    before = len(ingest.lines())
    assert ingest.invoke(told(cloud.bucket, f"ragsql/default/processed/{'0' * 64}")) == {"documents": []}
    assert ingest.lines()[before:] == []
    assert ingest.invoke(told(cloud.bucket, "ragsql/default/else/a")) == {"documents": []}
    assert "left alone" in ingest.lines()[-1]["message"]


def test_a_queue_gets_back_what_failed(cloud: Cloud, functions: tuple[Function, Function]) -> None:
    url, ingest = functions
    file_id = put(url, "queued.txt", TEXT + b"queued")
    event = cloud.event(f"ragsql/default/files/{file_id}")
    wrapped = {"Type": "Notification", "Message": json.dumps(event)}
    test = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": cloud.bucket}
    batch = cloud.queued(event, {"nothing": 1}, wrapped, test, "text")
    assert ingest.invoke(batch) == {"batchItemFailures": [{"itemIdentifier": "m1"}, {"itemIdentifier": "m4"}]}
    (document,) = named(url, "queued.txt")
    assert document["state"] == "DOCUMENT_STATE_ACTIVE"


def test_event_bridge_tells_of_files_too(cloud: Cloud, functions: tuple[Function, Function]) -> None:
    url, ingest = functions
    file_id = put(url, "bridge.txt", TEXT + b"bridge")
    assert ingest.invoke(bridged(cloud.bucket, f"ragsql/default/files/{file_id}"))["documents"][0]["state"] == "ACTIVE"


def test_what_can_be_mended_is_an_error_until_it_is(cloud: Cloud, tmp_path: Path) -> None:
    """The index cannot be written at first: Lambda sees an error, and delivers the event again."""
    environ = {**cloud.environ, "RAGSQL_DATA_DIR": str(tmp_path)}
    (tmp_path / "vectors.db").mkdir()
    with running("lambda_handler.handler", environ) as function:
        file_id = put(function, "later.txt", TEXT + b"later")
        event = cloud.event(f"ragsql/default/files/{file_id}")
        kind, message = function.error_of(event)
        assert (kind, f"files/{file_id}" in message) == ("IngestFailed", True)
        (failed,) = named(function, "later.txt")
        assert (failed["state"], failed["errorReason"]) == (
            "DOCUMENT_STATE_FAILED",
            "ERROR_REASON_UPSTREAM_UNAVAILABLE",
        )
        letter = {"version": "1.0", "requestContext": {"condition": "RetriesExhausted"}, "requestPayload": event}
        queued = cloud.queued(letter)
        assert function.invoke(queued) == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
        (tmp_path / "vectors.db").rmdir()
        assert function.invoke(letter)["documents"][0]["state"] == "ACTIVE"
        assert function.invoke(queued) == {"batchItemFailures": []}
        (line,) = [line for line in function.lines() if line.get("route") == "ingest" and line["reason"]][:1]
        assert (line["level"], line["reason"], line["errors"]) == ("ERROR", "UPSTREAM_UNAVAILABLE", 1)
