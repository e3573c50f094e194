"""The client for code that blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from connectrpc.client import ConnectClientSync
from pyqwest import HTTPVersion, SyncClient, SyncHTTPTransport

from ragsql.v1.answer_pb2 import SqlResult
from ragsql.v1.cache_service_connect import CacheServiceClientSync
from ragsql.v1.document_service_connect import DocumentServiceClientSync
from ragsql.v1.document_service_pb2 import UploadResponse
from ragsql.v1.feedback_service_connect import FeedbackServiceClientSync
from ragsql.v1.health_service_connect import HealthServiceClientSync
from ragsql.v1.health_service_pb2 import HealthRequest, HealthResponse
from ragsql.v1.knowledge_service_connect import KnowledgeServiceClientSync
from ragsql.v1.knowledge_service_pb2 import (
    ImportKnowledgeRequest,
    ImportKnowledgeResponse,
    KnowledgeItem,
    ListKnowledgeItemsRequest,
)
from ragsql.v1.query_service_connect import QueryServiceClientSync
from ragsql.v1.query_service_pb2 import QueryResponse, StreamQueryRequest, StreamQueryResponse
from ragsql.v1.sql_service_connect import SqlServiceClientSync
from ragsql.v1.sql_service_pb2 import ExecuteSqlRequest, GenerateSqlRequest
from ragsql.v1.sql_statement_pb2 import SqlStatement
from ragsql.v1.usage_service_connect import UsageServiceClientSync
from ragsql_client.local_file import LocalFile, ProgressCallback
from ragsql_client.options import RouteName, SqlPolicyName, Transport, Wire, query_request
from ragsql_client.retries import Retries
from ragsql_client.uploads import Uploads

Generated = TypeVar("Generated", bound=ConnectClientSync)


class Client:
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
        self._http: SyncClient | None = None
        if self._wire.needs_http2:
            self._http = SyncClient(SyncHTTPTransport(http_version=HTTPVersion.HTTP2, tls_include_system_certs=True))
        self._built = list[ConnectClientSync]()
        again = Retries(retries)
        self._interceptors = (again,)
        self.documents = self._build(DocumentServiceClientSync)
        self.questions = self._build(QueryServiceClientSync)
        self.sql = self._build(SqlServiceClientSync)
        self.knowledge = self._build(KnowledgeServiceClientSync)
        self.feedback = self._build(FeedbackServiceClientSync)
        self.caches = self._build(CacheServiceClientSync)
        self.status = self._build(HealthServiceClientSync)
        self.usage = self._build(UsageServiceClientSync)
        self._uploads = Uploads(self.documents, self._http or SyncClient(), self._wire.url, timeout, again)

    def upload(
        self, path: str | Path, *, filename: str | None = None, progress: ProgressCallback | None = None
    ) -> UploadResponse:
        """Upload a file of at most 100 MiB; it can be asked about when this returns. Also raises OSError.

        Up to 4 MiB are sent in one call. A larger file is hashed, PUT in pieces and followed until the server has
        ingested it; whoever gives up waiting loses nothing, the server goes on. progress is called in this thread,
        while sending in another.
        """
        with LocalFile(path, filename, progress) as file:
            return self._uploads(file)

    def ask(
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
        return self.questions.query(query_request(text, route, sql_policy, documents, top_k, no_cache))

    def stream(
        self,
        text: str,
        *,
        route: RouteName | None = None,
        sql_policy: SqlPolicyName | None = None,
        documents: Sequence[str] = (),
        top_k: int | None = None,
        no_cache: bool = False,
    ) -> Iterator[StreamQueryResponse]:
        """Ask a question and get the events of answering it; the last one is `final`."""
        request = query_request(text, route, sql_policy, documents, top_k, no_cache)
        return self.questions.stream_query(StreamQueryRequest(request=request))

    def generate_sql(self, question: str) -> SqlStatement:
        """SQL for a question, to be read before it runs. Nothing has run."""
        return (self.sql.generate_sql(GenerateSqlRequest(question=question))).sql_statement

    def execute_sql(self, statement: SqlStatement, *, max_rows: int | None = None) -> SqlResult:
        """Approve and run exactly this statement, once. None leaves the number of rows to the server."""
        request = ExecuteSqlRequest(name=statement.name, etag=statement.etag, max_rows=max_rows or 0)
        return (self.sql.execute_sql(request)).sql_result

    def import_knowledge(self, items: Iterable[KnowledgeItem]) -> ImportKnowledgeResponse:
        """Teach the SQL generator all items, or none when any of them is wrong."""
        return self.knowledge.import_knowledge(ImportKnowledgeRequest(knowledge_items=items))

    def knowledge_items(self) -> list[KnowledgeItem]:
        """Everything that was taught, newest first."""
        items: list[KnowledgeItem] = []
        request = ListKnowledgeItemsRequest(page_size=250)
        while True:
            page = self.knowledge.list_knowledge_items(request)
            items += page.knowledge_items
            if not page.next_page_token:
                return items
            request.page_token = page.next_page_token

    def health(self) -> HealthResponse:
        """How the server and its parts are."""
        return self.status.health(HealthRequest())

    def close(self) -> None:
        """Release what is held. Closing twice does no harm."""
        for client in self._built:
            client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

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
