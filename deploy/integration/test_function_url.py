"""What every release must do at its address: RAGSQL_URL=https://… pytest deploy/integration."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from connectrpc.code import Code

from ragsql.v1.document_pb2 import Document, DocumentState
from ragsql.v1.document_service_pb2 import DeleteDocumentRequest, GetDocumentRequest
from ragsql.v1.health_service_pb2 import HealthStatus
from ragsql_client import Client, RagsqlError

LARGE = 5 * 1024 * 1024
"""Bytes of a file that no event of a Function URL holds."""


@pytest.fixture(scope="module")
def url() -> str:
    return os.environ["RAGSQL_URL"].rstrip("/")


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    with Client(url, timeout=900) as client:
        yield client


@pytest.fixture
def code_word() -> str:
    return f"lantern-{uuid.uuid4().hex[:8]}"


def http(method: str, url: str, body: Any = None) -> tuple[int, dict[str, Any]]:
    """The status and the JSON of a response."""
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, content, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=300) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def answer_to(client: Client, document: Document, code_word: str) -> str:
    asked = f"What is the code word of integration check {code_word[-8:]}?"
    return client.ask(asked, route="documents", documents=[document.name], no_cache=True).answer.text


def text_about(code_word: str) -> str:
    return f"# Integration check\n\nThe code word of integration check {code_word[-8:]} is {code_word}.\n"


def delete(client: Client, document: Document) -> None:
    client.documents.delete_document(DeleteDocumentRequest(name=document.name))
    with pytest.raises(RagsqlError) as gone:
        client.documents.get_document(GetDocumentRequest(name=document.name))
    assert gone.value.code is Code.NOT_FOUND


def test_health(url: str, client: Client) -> None:
    assert client.health().status != HealthStatus.HEALTH_STATUS_NOT_SERVING
    status, health = http("GET", f"{url}/health")
    assert status == 200
    assert health["version"]


def test_a_small_document(client: Client, code_word: str, tmp_path: Path) -> None:
    file = tmp_path / "ragsql-integration-small.md"
    file.write_text(text_about(code_word))
    document = client.upload(file).document
    try:
        assert code_word in answer_to(client, document, code_word)
    finally:
        delete(client, document)


def test_a_document_that_is_put_past_the_service(client: Client, code_word: str, tmp_path: Path) -> None:
    """CreateUpload, PUT to the store, and ingested in the background."""
    file = tmp_path / "ragsql-integration-large.html"
    comment = "<!-- " + "nothing to see here, " * (LARGE // 21) + "-->"
    sentence = text_about(code_word).splitlines()[-1]
    file.write_text(f"<html><body>{comment}<h1>Integration check</h1><p>{sentence}</p></body></html>")
    document = client.upload(file).document
    try:
        assert document.state == DocumentState.DOCUMENT_STATE_ACTIVE
        assert code_word in answer_to(client, document, code_word)
    finally:
        delete(client, document)


def test_errors_have_a_shape(url: str) -> None:
    status, error = http("POST", f"{url}/query", {"query": ""})
    assert (status, error["code"]) == (400, "invalid_argument")
    status, error = http("GET", f"{url}/no/such/path")
    assert (status, error["code"]) == (404, "not_found")
