"""A server of the contract whose answers are written down here, on a real socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from typing import Any

import uvicorn
from connectrpc.code import Code

from ragsql.v1.answer_pb2 import Answer, Citation, Route, Routing, SqlResult
from ragsql.v1.cache_service_connect import CacheService, CacheServiceASGIApplication
from ragsql.v1.cache_service_pb2 import CacheKind, CacheStats, GetCacheStatsRequest, GetCacheStatsResponse
from ragsql.v1.document_service_connect import DocumentServiceASGIApplication
from ragsql.v1.feedback_service_connect import FeedbackServiceASGIApplication
from ragsql.v1.health_service_connect import HealthService, HealthServiceASGIApplication
from ragsql.v1.health_service_pb2 import ComponentHealth, HealthRequest, HealthResponse, HealthStatus
from ragsql.v1.knowledge_service_connect import KnowledgeServiceASGIApplication
from ragsql.v1.query_service_connect import QueryService, QueryServiceASGIApplication
from ragsql.v1.query_service_pb2 import (
    NoAnswer,
    PendingSql,
    QueryRequest,
    QueryResponse,
    StreamQueryRequest,
    StreamQueryResponse,
)
from ragsql.v1.sql_service_connect import SqlServiceASGIApplication
from ragsql.v1.usage_service_connect import UsageService, UsageServiceASGIApplication
from ragsql.v1.usage_service_pb2 import GetUsageRequest, GetUsageResponse, UsageKind, UsageTotal
from tests.client.fake_documents import FakeDocuments, refusal
from tests.client.fake_sql import STATEMENT, TABLE, FakeSql

READ_MAX_BYTES = 6 * 1024 * 1024

QUOTE = "A faulty track may be returned within 14 days."
USED = [
    UsageTotal(
        date="2026-01-31",
        kind=UsageKind.USAGE_KIND_SQL,
        model="gpt-4o",
        call_count=3,
        input_tokens=1_234_567,
        output_tokens=89,
        cost_usd=0.75,
        priced=True,
    ),
    UsageTotal(date="2026-01-30", kind=UsageKind.USAGE_KIND_CACHED, model="[b]x", call_count=1, embedding_tokens=5),
]


class FakeServices(FakeDocuments, FakeSql, QueryService, HealthService, UsageService, CacheService):
    """What was asked is kept; unavailable makes that many calls fail first."""

    def __init__(self) -> None:
        FakeDocuments.__init__(self)
        FakeSql.__init__(self)
        self.status = HealthStatus.HEALTH_STATUS_SERVING
        self.questions: list[QueryRequest] = []
        self.used: list[UsageTotal] = []
        self.days = 0

    async def health(self, request: HealthRequest, ctx: Any) -> HealthResponse:
        self.enter("health")
        part = ComponentHealth(component="vectors", adapter="sqlite", status=self.status, detail="It is well.")
        return HealthResponse(status=self.status, components=[part], version="1.2.3")

    async def get_usage(self, request: GetUsageRequest, ctx: Any) -> GetUsageResponse:
        self.enter("get_usage")
        self.days = request.days
        return GetUsageResponse(totals=self.used, cost_usd=0.75, saved_usd=0.25, price_date="2025-06-01")

    async def get_cache_stats(self, request: GetCacheStatsRequest, ctx: Any) -> GetCacheStatsResponse:
        self.enter("get_cache_stats")
        answers = CacheStats(kind=CacheKind.CACHE_KIND_ANSWER, hits=len(self.used), misses=3 * len(self.used))
        return GetCacheStatsResponse(caches=[CacheStats(kind=CacheKind.CACHE_KIND_SQL, misses=9), answers])

    async def query(self, request: QueryRequest, ctx: Any) -> QueryResponse:
        self.enter("query")
        self.questions.append(request)
        if not request.query:
            raise refusal(Code.INVALID_ARGUMENT, "INVALID_FIELD", "It must not be empty.", "query")
        return _reply(request)

    async def stream_query(self, request: StreamQueryRequest, ctx: Any) -> AsyncIterator[StreamQueryResponse]:
        self.enter("stream_query")
        reply = await self.query(request.request, ctx)
        yield StreamQueryResponse(routing=reply.routing)
        if reply.WhichOneof("outcome") == "answer":
            for citation in reply.answer.citations:
                yield StreamQueryResponse(citation=citation)
            for result in reply.answer.sql_results:
                yield StreamQueryResponse(sql_statement=result.statement)
                yield StreamQueryResponse(sql_result=result)
            for word in reply.answer.text.split(" "):
                yield StreamQueryResponse(text_delta=word + " ")
        yield StreamQueryResponse(final=reply)


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
        "/ragsql.v1.DocumentService": DocumentServiceASGIApplication(services, read_max_bytes=READ_MAX_BYTES),
        "/ragsql.v1.QueryService": QueryServiceASGIApplication(services),
        "/ragsql.v1.HealthService": HealthServiceASGIApplication(services),
        "/ragsql.v1.SqlService": SqlServiceASGIApplication(services),
        "/ragsql.v1.KnowledgeService": KnowledgeServiceASGIApplication(services),
        "/ragsql.v1.FeedbackService": FeedbackServiceASGIApplication(services),
        "/ragsql.v1.CacheService": CacheServiceASGIApplication(services),
        "/ragsql.v1.UsageService": UsageServiceASGIApplication(services),
    }

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        folder = scope["path"].rpartition("/")[0]
        await (services.put if folder == "/uploads" else apps[folder])(scope, receive, send)

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
    assert started.wait(120), "the fake server did not start"
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
