"""The client for code that awaits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from connectrpc.client import ConnectClient
from pyqwest import Client as HttpClient
from pyqwest import HTTPTransport, HTTPVersion

from ragsql.v1.answer_pb2 import SqlResult
from ragsql.v1.cache_service_connect import CacheServiceClient
from ragsql.v1.document_service_connect import DocumentServiceClient
from ragsql.v1.document_service_pb2 import UploadResponse
from ragsql.v1.feedback_service_connect import FeedbackServiceClient
from ragsql.v1.health_service_connect import HealthServiceClient
from ragsql.v1.health_service_pb2 import HealthRequest, HealthResponse
from ragsql.v1.knowledge_service_connect import KnowledgeServiceClient
from ragsql.v1.knowledge_service_pb2 import (
    ImportKnowledgeRequest,
    ImportKnowledgeResponse,
    KnowledgeItem,
    ListKnowledgeItemsRequest,
)
from ragsql.v1.query_service_connect import QueryServiceClient
from ragsql.v1.query_service_pb2 import QueryResponse, StreamQueryRequest, StreamQueryResponse
from ragsql.v1.sql_service_connect import SqlServiceClient
from ragsql.v1.sql_service_pb2 import ExecuteSqlRequest, GenerateSqlRequest
from ragsql.v1.sql_statement_pb2 import SqlStatement
from ragsql.v1.usage_service_connect import UsageServiceClient
from ragsql_client.local_file import LocalFile, ProgressCallback
from ragsql_client.options import RouteName, SqlPolicyName, Transport, Wire, query_request
from ragsql_client.retries import Retries
from ragsql_client.uploads_aio import AsyncUploads

Generated = TypeVar("Generated", bound=ConnectClient)


class AsyncClient:
    """A ragsql server. Every call raises RagsqlError; the attributes are the generated clients.

    timeout is in seconds, for one call with its retries; a large PDF takes minutes on a small machine. retries
    counts those of idempotent calls while the server is unavailable; a question is never asked twice.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8080",
        *,
        transport: Transport = "connect",
        timeout: float = 600.0,
        retries: int = 2,
    ) -> None:
        """Connect on the first call. Raises ValueError for arguments that cannot work."""
        self._wire = Wire.of(url, transport, timeout)
        self._http: HttpClient | None = None
        if self._wire.needs_http2:
            self._http = HttpClient(HTTPTransport(http_version=HTTPVersion.HTTP2, tls_include_system_certs=True))
        self._built = list[ConnectClient]()
        again = Retries(retries)
        self._interceptors = (again,)
        self.documents = self._build(DocumentServiceClient)
        self.questions = self._build(QueryServiceClient)
        self.sql = self._build(SqlServiceClient)
        self.knowledge = self._build(KnowledgeServiceClient)
        self.feedback = self._build(FeedbackServiceClient)
        self.caches = self._build(CacheServiceClient)
        self.status = self._build(HealthServiceClient)
        self.usage = self._build(UsageServiceClient)
        self._uploads = AsyncUploads(self.documents, self._http or HttpClient(), self._wire.url, timeout, again)

    async def upload(
        self, path: str | Path, *, filename: str | None = None, progress: ProgressCallback | None = None
    ) -> UploadResponse:
        """Upload a file of at most 100 MiB; it can be asked about when this returns. Also raises OSError.

        Up to 4 MiB are sent in one call. A larger file is hashed, PUT in pieces and followed until the server has
        ingested it; whoever gives up waiting loses nothing, the server goes on. progress is called in the event loop.
        """
        with await asyncio.to_thread(LocalFile, path, filename, progress) as file:
            return await self._uploads(file)

    async def ask(
        self,
        text: str,
        *,
        route: RouteName | None = None,
        sql_policy: SqlPolicyName | None = None,
        documents: Sequence[str] = (),
        top_k: int | None = None,
        no_cache: bool = False,
    ) -> QueryResponse:
        """Ask a question. None leaves the choice to the server; documents are names, empty for all.

        no_cache has the server find, generate and read everything anew.
        """
        return await self.questions.query(query_request(text, route, sql_policy, documents, top_k, no_cache))

    def stream(
        self,
        text: str,
        *,
        route: RouteName | None = None,
        sql_policy: SqlPolicyName | None = None,
        documents: Sequence[str] = (),
        top_k: int | None = None,
        no_cache: bool = False,
    ) -> AsyncIterator[StreamQueryResponse]:
        """Ask a question and get the events of answering it; the last one is `final`."""
        request = query_request(text, route, sql_policy, documents, top_k, no_cache)
        return self.questions.stream_query(StreamQueryRequest(request=request))

    async def generate_sql(self, question: str) -> SqlStatement:
        """SQL for a question, to be read before it runs. Nothing has run."""
        return (await self.sql.generate_sql(GenerateSqlRequest(question=question))).sql_statement

    async def execute_sql(self, statement: SqlStatement, *, max_rows: int | None = None) -> SqlResult:
        """Approve and run exactly this statement, once. None leaves the number of rows to the server."""
        request = ExecuteSqlRequest(name=statement.name, etag=statement.etag, max_rows=max_rows or 0)
        return (await self.sql.execute_sql(request)).sql_result

    async def import_knowledge(self, items: Iterable[KnowledgeItem]) -> ImportKnowledgeResponse:
        """Teach the SQL generator all items, or none when any of them is wrong."""
        return await self.knowledge.import_knowledge(ImportKnowledgeRequest(knowledge_items=items))

    async def knowledge_items(self) -> list[KnowledgeItem]:
        """Everything that was taught, newest first."""
        items: list[KnowledgeItem] = []
        request = ListKnowledgeItemsRequest(page_size=250)
        while True:
            page = await self.knowledge.list_knowledge_items(request)
            items += page.knowledge_items
            if not page.next_page_token:
                return items
            request.page_token = page.next_page_token

    async def health(self) -> HealthResponse:
        """How the server and its parts are."""
        return await self.status.health(HealthRequest())

    async def close(self) -> None:
        """Release what is held. Closing twice does no harm."""
        for client in self._built:
            await client.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def _build(self, generated: type[Generated]) -> Generated:
        client = generated(
            self._wire.url,
            codec=self._wire.codec,
            protocol=self._wire.protocol,
            timeout_ms=self._wire.timeout_ms,
            interceptors=self._interceptors,
            http_client=self._http,
        )
        self._built.append(client)
        return client
