"""The documents of the fake server: files in memory, and large ones that go through every phase."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator
from typing import Any

from connectrpc.code import Code
from connectrpc.errors import ConnectError
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from protobuf.wkt import Any as WireAny

from ragsql.v1.document_pb2 import Document, DocumentState, IngestPhase, IngestProgress
from ragsql.v1.document_service_connect import DocumentService
from ragsql.v1.document_service_pb2 import (
    CreateUploadRequest,
    CreateUploadResponse,
    DeleteDocumentRequest,
    DeleteDocumentResponse,
    GetDocumentRequest,
    GetDocumentResponse,
    IngestRequest,
    IngestResponse,
    ListDocumentsRequest,
    ListDocumentsResponse,
    UploadRequest,
    UploadResponse,
)
from service.transport.errors import WireError

PENDING = DocumentState.DOCUMENT_STATE_PENDING
PROCESSING = DocumentState.DOCUMENT_STATE_PROCESSING
ACTIVE = DocumentState.DOCUMENT_STATE_ACTIVE
FAILED = DocumentState.DOCUMENT_STATE_FAILED

PHASES = (
    IngestProgress(phase=IngestPhase.INGEST_PHASE_PARSING, total=10),
    IngestProgress(phase=IngestPhase.INGEST_PHASE_PARSING, done=10, total=10),
    IngestProgress(phase=IngestPhase.INGEST_PHASE_EMBEDDING, done=3, total=7),
    IngestProgress(phase=IngestPhase.INGEST_PHASE_INDEXING),
)


def refusal(code: Code, reason: str, message: str, *fields: str) -> ConnectError:
    """An error as a ragsql server sends it."""
    details: list[Message] = [ErrorInfo(reason=reason, domain="ragsql", metadata={"hint": "h"})]
    if fields:
        violations = [BadRequest.FieldViolation(field=field, description=message) for field in fields]
        details.append(BadRequest(field_violations=violations))
    packed = [
        WireAny(type_url=f"type.googleapis.com/{detail.DESCRIPTOR.full_name}", value=detail.SerializeToString())
        for detail in details
    ]
    return ConnectError(code, message, packed)


class FakeDocuments(DocumentService):
    """files are the ACTIVE documents, records those in another state.

    A name that ends with .exe is refused, one that contains "slow" takes a minute, one with "left" is left to another
    process, and a large file fails with failure if that is set, or stands_still, or waits_for something. put_statuses
    are answered to the first PUTs, as a store does. store is a URL, without a slash at its end, that files are PUT to
    instead of this server.
    """

    def __init__(self) -> None:
        self.unavailable = 0
        self.failure = ""
        self.store = ""
        self.stands_still = False
        self.waits_for = ""
        self.put_statuses: list[int] = []
        self.calls: list[str] = []
        self.files: dict[str, bytes] = {}
        self.records: dict[str, Document] = {}
        self._uploads: dict[str, CreateUploadRequest] = {}
        self._arrived: dict[str, bytes] = {}
        self._running: dict[str, Iterator[Document]] = {}

    def enter(self, call: str) -> None:
        """Keep that it was called."""
        self.calls.append(call)
        if self.unavailable:
            self.unavailable -= 1
            raise refusal(Code.UNAVAILABLE, "OVERLOADED", "There is more work than the service takes.")

    async def upload(self, request: UploadRequest, ctx: Any) -> UploadResponse:
        self.enter("upload")
        if request.filename.endswith(".exe"):
            raise refusal(Code.INVALID_ARGUMENT, "UNSUPPORTED_MEDIA_TYPE", "No parser reads this file.", "content")
        if "slow" in request.filename:
            await asyncio.sleep(60)
        if "left" in request.filename:
            self._running[request.filename] = self._run(request.filename, request.content)
            return UploadResponse(document=next(self._running[request.filename]))
        known = self.files.get(request.filename) == request.content
        self.files[request.filename] = request.content
        return UploadResponse(document=active(request.filename, request.content), cache_hit=known)

    async def create_upload(self, request: CreateUploadRequest, ctx: Any) -> CreateUploadResponse:
        self.enter("create_upload")
        name = str(len(self._uploads))
        self._uploads[name] = request
        return CreateUploadResponse(upload=f"uploads/{name}", url=f"{self.store}/uploads/{name}", headers={"x-a": "b"})

    async def put(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """The ASGI application under /uploads/."""
        self.calls.append("put")
        status, body = await self._put(scope, receive)
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": body})

    async def _put(self, scope: dict[str, Any], receive: Any) -> tuple[int, bytes]:
        name = scope["path"].rpartition("/")[2]
        announced, headers = self._uploads[name], dict(scope["headers"])
        assert (headers[b"x-a"], headers[b"content-length"]) == (b"b", str(announced.size_bytes).encode())
        content = await _body(receive)
        if self.put_statuses:
            return self.put_statuses.pop(0), b"<html>"
        if hashlib.sha256(content).hexdigest() != announced.sha256:
            info = ErrorInfo(reason="CONTENT_MISMATCH", domain="ragsql")
            error = WireError(Code.FAILED_PRECONDITION, "Other bytes were announced.", info, ())
            return error.http_status, json.dumps(error.to_json()).encode()
        self._arrived[name] = content
        return 200, b""

    async def ingest(self, request: IngestRequest, ctx: Any) -> IngestResponse:
        self.enter("ingest")
        name = request.upload.removeprefix("uploads/")
        filename, content = self._uploads[name].filename, self._arrived.get(name)
        if content is None:
            raise refusal(Code.FAILED_PRECONDITION, "UPLOAD_INCOMPLETE", "Nothing was PUT for this upload yet.")
        if self.files.get(filename) == content:
            return IngestResponse(document=active(filename, content), cache_hit=True)
        self._running[filename] = self._run(filename, content)
        return IngestResponse(document=next(self._running[filename]))

    def _run(self, filename: str, content: bytes) -> Iterator[Document]:
        yield document(filename, content, PENDING)
        while self.waits_for:
            yield document(filename, content, PENDING, failure_reason=self.waits_for)
        while self.stands_still:
            yield document(filename, content, PROCESSING, progress=PHASES[0])
        for progress in PHASES:
            yield document(filename, content, PROCESSING, progress=progress)
        if self.failure:
            self.records[filename] = document(filename, content, FAILED, failure_reason=self.failure)
            yield self.records[filename]
        else:
            self.files[filename] = content
            yield active(filename, content)

    async def get_document(self, request: GetDocumentRequest, ctx: Any) -> GetDocumentResponse:
        self.enter("get_document")
        filename = request.name.removeprefix("documents/")
        if filename not in self._running:
            raise refusal(Code.NOT_FOUND, "NOT_FOUND", f"There is no {request.name}.")
        return GetDocumentResponse(document=next(self._running[filename]))

    def forget(self) -> None:
        """Lose what is being ingested."""
        self._running.clear()

    def accept(self, content: bytes) -> None:
        """Let the next upload have arrived in the store."""
        self._arrived[str(len(self._uploads))] = content

    async def list_documents(self, request: ListDocumentsRequest, ctx: Any) -> ListDocumentsResponse:
        """Pages of one."""
        every = self.records | {name: active(name, content) for name, content in self.files.items()}
        wanted = [every[name] for name in sorted(every) if not request.states or every[name].state in request.states]
        start = int(request.page_token or 0)
        more = start + 1 < len(wanted)
        return ListDocumentsResponse(
            documents=wanted[start : start + 1],
            next_page_token=str(start + 1) if more else "",
        )

    async def delete_document(self, request: DeleteDocumentRequest, ctx: Any) -> DeleteDocumentResponse:
        filename = request.name.removeprefix("documents/")
        if filename not in self.files:
            raise refusal(Code.NOT_FOUND, "NOT_FOUND", f"There is no {request.name}.")
        del self.files[filename]
        return DeleteDocumentResponse()


def active(filename: str, content: bytes) -> Document:
    """The document of a file that was ingested."""
    return document(filename, content, ACTIVE, page_count=2, chunk_count=3)


def document(filename: str, content: bytes, state: DocumentState, **more: Any) -> Document:
    """The document of a file."""
    return Document(
        name=f"documents/{filename}",
        filename=filename,
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        state=state,
        **more,
    )


async def _body(receive: Any) -> bytes:
    content = bytearray()
    while True:
        event = await receive()
        if event["type"] != "http.request":
            return bytes(content)
        content += event.get("body", b"")
        if not event.get("more_body"):
            return bytes(content)
