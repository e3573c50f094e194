"""Does a version serve? Asked with the generated clients, through invocations."""

from __future__ import annotations

import contextlib
import logging
import secrets
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeVar

from connectrpc.client import ConnectClientSync
from connectrpc.code import Code
from connectrpc.compat import google_protobuf_binary_codec
from connectrpc.errors import ConnectError
from pyqwest import SyncClient

from ragsql.v1.document_service_connect import DocumentServiceClientSync
from ragsql.v1.document_service_pb2 import DeleteDocumentRequest, GetDocumentRequest, UploadRequest
from ragsql.v1.health_service_connect import HealthServiceClientSync
from ragsql.v1.health_service_pb2 import HealthRequest, HealthStatus
from ragsql.v1.query_service_connect import QueryServiceClientSync
from ragsql.v1.query_service_pb2 import QueryRequest, QueryResponse
from releasing.functions import ReleaseFailed
from releasing.invoking import HOST, InvokingTransport, invoke

log = logging.getLogger("release")

FILENAME = "ragsql-release-check.md"
_TIMEOUT_MS = 300_000
Generated = TypeVar("Generated", bound=ConnectClientSync)


@dataclass(frozen=True, slots=True)
class Smoke:
    """The checks of one version, or of the alias, of a function. sql_question is one that its database answers."""

    aws: Any
    function: str
    qualifier: str
    sql_question: str = ""

    def serves(self) -> None:
        """Health. Raises ReleaseFailed when a part does not serve."""
        with self.asking("health"):
            response = self.client(HealthServiceClientSync).health(HealthRequest())
            ill = [part for part in response.components if part.status == HealthStatus.HEALTH_STATUS_NOT_SERVING]
            if response.status == HealthStatus.HEALTH_STATUS_NOT_SERVING:
                said = "; ".join(f"{part.component}: {part.detail}" for part in ill)
                raise ReleaseFailed(f"It says that it does not serve. {said}")
            for part in ill:
                log.warning(
                    "%s:%s serves, but without %s: %s", self.function, self.qualifier, part.component, part.detail
                )

    def answers(self) -> None:
        """A document from its upload to its end, and questions. Raises ReleaseFailed."""
        self.serves()
        token = secrets.token_hex(4)
        documents = self.client(DocumentServiceClientSync)
        text = f"# Release check\n\nThe code word of release check {token} is harbour lantern.\n"
        with self.asking("upload"):
            document = documents.upload(UploadRequest(filename=FILENAME, content=text.encode())).document
        try:
            self._questions(document.name, token)
        finally:
            self.delete(document.name)

    def takes_events(self) -> None:
        """S3's test event, which changes nothing. Raises ReleaseFailed."""
        with self.asking("an S3 event"):
            event = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "release-check", "RequestId": "0"}
            invoke(self.aws, self.function, self.qualifier, event)

    def ask_about(self, document: str, question: str, answer: str) -> None:
        """A question whose answer is in the document. Raises ReleaseFailed."""
        response = self._ask(question, "ROUTE_DOCUMENTS", document)
        if answer not in response.answer.text:
            raise ReleaseFailed(f"It answers {response.answer.text or response.no_answer!r}, not {answer}.")

    def delete(self, document: str) -> None:
        """Raises ReleaseFailed when it fails, although a second try may have deleted it, or the document stays."""
        documents = self.client(DocumentServiceClientSync)
        with self.asking("delete"):
            try:
                documents.delete_document(DeleteDocumentRequest(name=document))
            except Exception:
                with contextlib.suppress(Exception):
                    documents.delete_document(DeleteDocumentRequest(name=document))
                raise
        with self.asking("what was deleted"):
            _expect_gone(documents, document)

    def _questions(self, document: str, token: str) -> None:
        about_document = f"What is the code word of release check {token}?"
        with self.asking("a question about a document"):
            self.ask_about(document, about_document, "harbour lantern")
        if not self.sql_question:
            log.warning("The database is not asked: no --sql-question was given.")
            return
        with self.asking("a question about the database"):
            response = self._ask(self.sql_question, "ROUTE_SQL")
            if not (response.answer.sql_results or response.HasField("pending_sql")):
                raise ReleaseFailed(f"It has no SQL for {self.sql_question!r}: {response.no_answer}")
        with self.asking("a question about both"):
            response = self._ask(f"{self.sql_question} And {about_document}", "ROUTE_HYBRID", document)
            if not (response.answer.sql_results or response.HasField("pending_sql")):
                raise ReleaseFailed(f"It has no SQL for both together: {response.no_answer}")

    def _ask(self, question: str, route: str, *documents: str) -> QueryResponse:
        request = QueryRequest(query=question, route=route, documents=documents, no_cache=True)
        return self.client(QueryServiceClientSync).query(request)

    @contextlib.contextmanager
    def asking(self, what: str) -> Generator[None]:
        """Say that the version passes what is done meanwhile, or raise ReleaseFailed that says why not."""
        where = f"{self.function}:{self.qualifier}"
        try:
            yield
        except ConnectError as error:
            raise ReleaseFailed(f"{where} fails {what}: {error.code.value}: {error.message}") from error
        except ReleaseFailed as error:
            raise ReleaseFailed(f"{where} fails {what}: {error}") from error
        log.info("%s passes %s", where, what)

    def client(self, generated: type[Generated]) -> Generated:
        """A generated client that reaches the version."""
        http = SyncClient(InvokingTransport(self.aws, self.function, self.qualifier))
        codec = google_protobuf_binary_codec()
        return generated(f"https://{HOST}", codec=codec, timeout_ms=_TIMEOUT_MS, http_client=http)


def _expect_gone(documents: DocumentServiceClientSync, name: str) -> None:
    try:
        documents.get_document(GetDocumentRequest(name=name))
    except ConnectError as error:
        if error.code is Code.NOT_FOUND:
            return
        raise
    raise ReleaseFailed("The document is still there.")
