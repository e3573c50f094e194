"""A server of the contract whose answers are written down here, on a real socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from typing import Any

import uvicorn
from connectrpc.code import Code
from connectrpc.errors import ConnectError
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from protobuf.wkt import Any as WireAny

from ragsql.v1.answer_pb2 import Answer, Citation, Route, Routing, SqlResult
from ragsql.v1.document_pb2 import Document, DocumentState
from ragsql.v1.document_service_connect import DocumentService, DocumentServiceASGIApplication
from ragsql.v1.document_service_pb2 import (
    DeleteDocumentRequest,
    DeleteDocumentResponse,
    ListDocumentsRequest,
    ListDocumentsResponse,
    UploadRequest,
    UploadResponse,
)
from ragsql.v1.health_service_connect import HealthService, HealthServiceASGIApplication
from ragsql.v1.health_service_pb2 import ComponentHealth, HealthRequest, HealthResponse, HealthStatus
from ragsql.v1.query_service_connect import QueryService, QueryServiceASGIApplication
from ragsql.v1.query_service_pb2 import (
    NoAnswer,
    PendingSql,
    QueryRequest,
    QueryResponse,
    StreamQueryRequest,
    StreamQueryResponse,
)
from ragsql.v1.sql_statement_pb2 import SqlStatement
from ragsql.v1.table_pb2 import Column, Row, Table, Value

QUOTE = "A faulty track may be returned within 14 days."
STATEMENT = SqlStatement(name="sqlStatements/s1", sql="SELECT name, total FROM sums", etag="e1")
TABLE = Table(
    columns=[Column(name="name"), Column(name="total")],
    rows=[
        Row(values=[Value(string_value="[bold]Ann[/bold]"), Value(decimal_value="12.50")]),
        Row(values=[Value(string_value="Bob"), Value()]),
    ],
    truncated=True,
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


class FakeServices(DocumentService, QueryService, HealthService):
    """What was asked is kept; unavailable makes that many calls fail first."""

    def __init__(self) -> None:
        self.unavailable = 0
        self.status = HealthStatus.HEALTH_STATUS_SERVING
        self.calls: list[str] = []
        self.questions: list[QueryRequest] = []
        self.files: dict[str, bytes] = {}

    def _enter(self, call: str) -> None:
        self.calls.append(call)
        if self.unavailable:
            self.unavailable -= 1
            raise refusal(Code.UNAVAILABLE, "OVERLOADED", "There is more work than the service takes.")

    async def health(self, request: HealthRequest, ctx: Any) -> HealthResponse:
        self._enter("health")
        part = ComponentHealth(component="vectors", adapter="sqlite", status=self.status, detail="It is well.")
        return HealthResponse(status=self.status, components=[part], version="1.2.3")

    async def upload(self, request: UploadRequest, ctx: Any) -> UploadResponse:
        self._enter("upload")
        if request.filename.endswith(".exe"):
            raise refusal(Code.INVALID_ARGUMENT, "UNSUPPORTED_MEDIA_TYPE", "No parser reads this file.", "content")
        known = self.files.get(request.filename) == request.content
        self.files[request.filename] = request.content
        return UploadResponse(document=_document(request.filename, request.content), cache_hit=known)

    async def list_documents(self, request: ListDocumentsRequest, ctx: Any) -> ListDocumentsResponse:
        names = sorted(self.files)
        start = int(request.page_token or 0)
        page = [_document(name, self.files[name]) for name in names[start : start + 1]]
        more = start + 1 < len(names)
        return ListDocumentsResponse(documents=page, next_page_token=str(start + 1) if more else "")

    async def delete_document(self, request: DeleteDocumentRequest, ctx: Any) -> DeleteDocumentResponse:
        filename = request.name.removeprefix("documents/")
        if filename not in self.files:
            raise refusal(Code.NOT_FOUND, "NOT_FOUND", f"There is no {request.name}.")
        del self.files[filename]
        return DeleteDocumentResponse()

    async def query(self, request: QueryRequest, ctx: Any) -> QueryResponse:
        self._enter("query")
        self.questions.append(request)
        if not request.query:
            raise refusal(Code.INVALID_ARGUMENT, "INVALID_FIELD", "It must not be empty.", "query")
        return _reply(request)

    async def stream_query(self, request: StreamQueryRequest, ctx: Any) -> AsyncIterator[StreamQueryResponse]:
        self._enter("stream_query")
        reply = await self.query(request.request, ctx)
        yield StreamQueryResponse(routing=reply.routing)
        if reply.WhichOneof("outcome") == "answer":
            for result in reply.answer.sql_results:
                yield StreamQueryResponse(sql_statement=result.statement)
                yield StreamQueryResponse(sql_result=result)
            for word in reply.answer.text.split(" "):
                yield StreamQueryResponse(text_delta=word + " ")
        yield StreamQueryResponse(final=reply)


def _document(filename: str, content: bytes) -> Document:
    return Document(
        name=f"documents/{filename}",
        filename=filename,
        size_bytes=len(content),
        chunk_count=3,
        state=DocumentState.DOCUMENT_STATE_ACTIVE,
    )


def _reply(request: QueryRequest) -> QueryResponse:
    routing = Routing(route=Route.ROUTE_HYBRID, confidence=0.9, reason="Both fit.")
    match request.query:
        case "unknown":
            return QueryResponse(routing=routing, no_answer=NoAnswer(hint="Upload a document about it."))
        case "pending":
            return QueryResponse(routing=routing, pending_sql=PendingSql(sql_statement=STATEMENT))
        case _:
            citation = Citation(
                document="documents/a", filename="a.pdf", headings=["Returns"], first_page=2, last_page=3, quote=QUOTE
            )
            result = SqlResult(statement=STATEMENT, table=TABLE)
            answer = Answer(name="answers/1", text="Fourteen [days].", citations=[citation], sql_results=[result])
            return QueryResponse(routing=routing, answer=answer)


@contextmanager
def serving(services: FakeServices) -> Generator[str]:
    """Serve over HTTP/1 and HTTP/2 until the block ends; yields the URL."""
    apps: dict[str, Any] = {
        "/ragsql.v1.DocumentService": DocumentServiceASGIApplication(services),
        "/ragsql.v1.QueryService": QueryServiceASGIApplication(services),
        "/ragsql.v1.HealthService": HealthServiceASGIApplication(services),
    }

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await apps[scope["path"].rpartition("/")[0]](scope, receive, send)

    started = threading.Event()

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            started.set()

    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, http="zttp", http2=True, lifespan="off", log_level="error")
    server = Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    assert started.wait(20), "the fake server did not start"
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
