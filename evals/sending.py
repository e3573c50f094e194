"""Send a file to a running server as a client would: by Upload, a larger one by CreateUpload, PUT and Ingest."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, replace
from typing import Any

import httpx
from connectrpc.code import Code

from ragsql.v1.document_service_pb2 import UploadRequest
from ragsql_client import Client, RagsqlError

DIRECT_BYTES = 4 << 20
POLL_SECONDS = 0.1
NOT_FOUND = 404
REFUSALS = {
    Code.INVALID_ARGUMENT,
    Code.FAILED_PRECONDITION,
    Code.OUT_OF_RANGE,
    Code.ALREADY_EXISTS,
    Code.RESOURCE_EXHAUSTED,
}
"""Codes of a 4xx that lie with the file. Those of a server that is down, slow or broken are faults."""


class Unsupported(Exception):
    """The server has no upload for large files."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The document's name when it was taken, else why it was refused, or the fault: a refusal that is not typed.

    taken_seconds is the time until Ingest took a large file, or until it was refused before.
    """

    document: str = ""
    refusal: str = ""
    fault: str = ""
    taken_seconds: float = 0.0


def send(client: Client, url: str, name: str, content: bytes, seconds: float) -> Outcome:
    """Upload and wait until it is searchable or refused, seconds at most. Raises Unsupported."""
    if len(content) > DIRECT_BYTES:
        return _send_large(url, name, content, seconds)
    try:
        return Outcome(client.documents.upload(UploadRequest(filename=name, content=content)).document.name)
    except RagsqlError as error:
        if error.code in REFUSALS and error.reason:
            return Outcome(refusal=f"{error.reason}: {error.message}")
        return Outcome(fault=f"{error.code.name} {error.reason or 'without a reason'}: {error.message}")


def _send_large(url: str, name: str, content: bytes, seconds: float) -> Outcome:
    start = time.monotonic()
    try:
        with httpx.Client(base_url=url, timeout=seconds) as http:
            ingested = _ingest(http, name, content)
            taken = time.monotonic() - start
            if ingested.is_error:
                return replace(refused(ingested), taken_seconds=taken)
            outcome = _wait(http, ingested.json()["document"], start + seconds)
            return replace(outcome, taken_seconds=taken)
    except httpx.HTTPError as error:
        return Outcome(fault=f"{type(error).__name__}: {error}")


def _ingest(http: httpx.Client, name: str, content: bytes) -> httpx.Response:
    """The response to Ingest, or the first one before it that failed."""
    announced = {"filename": name, "sizeBytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    created = http.post("/uploads", json=announced)
    if created.status_code == NOT_FOUND:
        raise Unsupported("this server takes at most 4 MiB")
    if created.is_error:
        return created
    upload = created.json()
    put = http.put(upload["url"], content=content, headers=upload.get("headers", {}))
    return put if put.is_error else http.post("/documents:ingest", json={"upload": upload["upload"]})


def _wait(http: httpx.Client, document: dict[str, Any], deadline: float) -> Outcome:
    while time.monotonic() < deadline:
        if document["state"] == "DOCUMENT_STATE_ACTIVE":
            return Outcome(document["name"])
        if document["state"] == "DOCUMENT_STATE_FAILED":
            reason = document.get("failureReason", "")
            return Outcome(refusal=reason) if reason else Outcome(fault="FAILED without a reason")
        time.sleep(POLL_SECONDS)
        reply = http.get(f"/{document['name']}")
        if reply.is_error:
            return refused(reply)
        document = reply.json()["document"]
    return Outcome(fault=f"still {document['state']} at the deadline")


def refused(response: httpx.Response) -> Outcome:
    """The refusal that a failed response states, or its fault."""
    is_json = response.headers.get("content-type", "").startswith("application/json")
    error: dict[str, Any] = response.json() if is_json else {}
    details: list[dict[str, Any]] = error.get("details", [])
    reasons: list[str] = [detail.get("debug", {}).get("reason", "") for detail in details]
    reason = next(filter(None, reasons), "")
    if response.is_client_error and reason:
        return Outcome(refusal=f"{reason}: {error.get('message', '')}")
    return Outcome(fault=f"HTTP {response.status_code}: {response.text[:200]}")
