"""Uploads for code that awaits."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from pyqwest import Client as HttpClient

from ragsql.v1.document_pb2 import Document, DocumentState
from ragsql.v1.document_service_connect import DocumentServiceClient
from ragsql.v1.document_service_pb2 import GetDocumentRequest, IngestRequest, UploadResponse
from ragsql_client.errors import RagsqlError
from ragsql_client.large_upload import HTTP_ERRORS, Put, Watch, ended
from ragsql_client.local_file import LocalFile, UploadPhase
from ragsql_client.retries import Retries


@dataclass(frozen=True, slots=True)
class AsyncUploads:
    """http reaches the server at the URL server; timeout is in seconds, for the PUT with its retries."""

    documents: DocumentServiceClient
    http: HttpClient
    server: str
    timeout: float
    retries: Retries

    async def __call__(self, file: LocalFile) -> UploadResponse:
        """Upload in the way that the size asks for. Raises RagsqlError and OSError."""
        if file.is_small:
            request = await asyncio.to_thread(file.upload_request)
            file.report("sending", 0, len(request.content))
            response = await self.documents.upload(request)
            file.report("sending", len(request.content), len(request.content))
            if response.document.state == DocumentState.DOCUMENT_STATE_PENDING:
                return ended(await self._wait(response.document, file), cache_hit=False)
            return response
        created = await self.documents.create_upload(file.create_request(await _sha256(file)))
        await self._put(Put.of(file, created, self.server))
        ingested = await self.documents.ingest(IngestRequest(upload=created.upload))
        return ended(await self._wait(ingested.document, file), cache_hit=ingested.cache_hit)

    async def _put(self, put: Put) -> None:
        """Send the file, and send it again from its start while that may help."""
        ends = time.monotonic() + self.timeout
        for attempt in itertools.count():
            try:
                await self._put_once(put, ends - time.monotonic())
                return
            except RagsqlError as error:
                pause = self.retries.pause(error, attempt, ends - time.monotonic())
                if pause is None:
                    raise
                await asyncio.sleep(pause)

    async def _put_once(self, put: Put, seconds: float) -> None:
        failures: list[Exception] = []

        async def body() -> AsyncIterator[bytes]:
            try:
                async for piece in _reported(put.file, "sending"):
                    yield piece
            except Exception as error:
                failures.append(error)
                raise

        http = HttpClient() if put.elsewhere else self.http
        try:
            async with asyncio.timeout(seconds):
                response = await http.put(put.url, put.headers, body())
        except HTTP_ERRORS as error:
            raise failures[0] if failures else put.failure(error) from error
        put.check(response)

    async def _wait(self, document: Document, file: LocalFile) -> Document:
        watch = Watch(file, self.timeout)
        while (pause := watch.pause(document)) is not None:
            await asyncio.sleep(pause)
            try:
                document = (await self.documents.get_document(GetDocumentRequest(name=document.name))).document
            except RagsqlError as error:
                raise watch.lost(error) from error
        return document


async def _sha256(file: LocalFile) -> str:
    digest = hashlib.sha256()
    async for piece in _reported(file, "hashing"):
        await asyncio.to_thread(digest.update, piece)
    return digest.hexdigest()


async def _reported(file: LocalFile, phase: UploadPhase) -> AsyncIterator[bytes]:
    done = 0
    file.report(phase, done, file.size)
    pieces = file.pieces()
    while piece := await asyncio.to_thread(next, pieces, b""):
        yield piece
        done += len(piece)
        file.report(phase, done, file.size)
