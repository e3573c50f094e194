"""Uploads for code that blocks."""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass

from pyqwest import SyncClient

from ragsql.v1.document_pb2 import Document, DocumentState
from ragsql.v1.document_service_connect import DocumentServiceClientSync
from ragsql.v1.document_service_pb2 import GetDocumentRequest, IngestRequest, UploadResponse
from ragsql_client.errors import RagsqlError
from ragsql_client.large_upload import HTTP_ERRORS, Put, Watch, ended
from ragsql_client.local_file import LocalFile, UploadPhase
from ragsql_client.retries import Retries


@dataclass(frozen=True, slots=True)
class Uploads:
    """http reaches the server at the URL server; timeout is in seconds, for the PUT with its retries."""

    documents: DocumentServiceClientSync
    http: SyncClient
    server: str
    timeout: float
    retries: Retries

    def __call__(self, file: LocalFile) -> UploadResponse:
        """Upload in the way that the size asks for. Raises RagsqlError and OSError."""
        if file.is_small:
            request = file.upload_request()
            file.report("sending", 0, len(request.content))
            response = self.documents.upload(request)
            file.report("sending", len(request.content), len(request.content))
            if response.document.state == DocumentState.DOCUMENT_STATE_PENDING:
                return ended(self._wait(response.document, file), cache_hit=False)
            return response
        created = self.documents.create_upload(file.create_request(_sha256(file)))
        self._put(Put.of(file, created, self.server))
        ingested = self.documents.ingest(IngestRequest(upload=created.upload))
        return ended(self._wait(ingested.document, file), cache_hit=ingested.cache_hit)

    def _put(self, put: Put) -> None:
        """Send the file, and send it again from its start while that may help."""
        ends = time.monotonic() + self.timeout
        for attempt in itertools.count():
            try:
                self._put_once(put, ends - time.monotonic())
                return
            except RagsqlError as error:
                pause = self.retries.pause(error, attempt, ends - time.monotonic())
                if pause is None:
                    raise
                time.sleep(pause)

    def _put_once(self, put: Put, seconds: float) -> None:
        failures: list[Exception] = []

        def body() -> Iterator[bytes]:
            try:
                yield from _reported(put.file, "sending")
            except Exception as error:
                failures.append(error)
                raise

        http = SyncClient() if put.elsewhere else self.http
        try:
            response = http.put(put.url, put.headers, body(), timeout=seconds)
        except HTTP_ERRORS as error:
            raise failures[0] if failures else put.failure(error) from error
        put.check(response)

    def _wait(self, document: Document, file: LocalFile) -> Document:
        watch = Watch(file, self.timeout)
        while (pause := watch.pause(document)) is not None:
            time.sleep(pause)
            try:
                document = self.documents.get_document(GetDocumentRequest(name=document.name)).document
            except RagsqlError as error:
                raise watch.lost(error) from error
        return document


def _sha256(file: LocalFile) -> str:
    digest = hashlib.sha256()
    for piece in _reported(file, "hashing"):
        digest.update(piece)
    return digest.hexdigest()


def _reported(file: LocalFile, phase: UploadPhase) -> Iterator[bytes]:
    done = 0
    file.report(phase, done, file.size)
    for piece in file.pieces():
        yield piece
        done += len(piece)
        file.report(phase, done, file.size)
