"""What both clients know about uploading a large file: where it is PUT, what comes back, and when it is done."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from connectrpc.code import Code
from pyqwest import FullResponse, Headers, ReadError, RemoteProtocolError, WriteError

from ragsql.v1.document_pb2 import Document, DocumentState, IngestPhase
from ragsql.v1.document_service_pb2 import CreateUploadResponse, UploadResponse
from ragsql.v1.error_reason_pb2 import ErrorReason
from ragsql_client.errors import RagsqlError, decode_http
from ragsql_client.local_file import LocalFile, UploadPhase

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 2.0

HTTP_ERRORS = (OSError, ReadError, RemoteProtocolError, WriteError)
"""What the HTTP client raises."""

_PHASES: dict[IngestPhase, UploadPhase] = {
    IngestPhase.INGEST_PHASE_PARSING: "reading",
    IngestPhase.INGEST_PHASE_EMBEDDING: "embedding",
    IngestPhase.INGEST_PHASE_INDEXING: "indexing",
}


@dataclass(frozen=True, slots=True)
class Put:
    """Where a file is to be PUT. elsewhere says that this is not the ragsql server, but its store."""

    file: LocalFile
    url: str
    headers: Headers
    elsewhere: bool

    @classmethod
    def of(cls, file: LocalFile, created: CreateUploadResponse, server: str) -> Put:
        """A URL that is a path continues server, the URL of the ragsql server without a slash at its end."""
        elsewhere = not created.url.startswith("/")
        headers = Headers(created.headers.items())
        headers["content-length"] = str(file.size)
        return cls(file, created.url if elsewhere else server + created.url, headers, elsewhere)

    def check(self, response: FullResponse) -> None:
        """Raises RagsqlError unless the file was taken."""
        if 200 <= response.status < 300:
            return
        error = decode_http(response.status, response.content)
        raise self.file.changed() if error.reason == "CONTENT_MISMATCH" else error

    def failure(self, error: Exception) -> RagsqlError:
        """The typed form of one of HTTP_ERRORS."""
        host = urlsplit(self.url).netloc
        if isinstance(error, TimeoutError):
            said = f'"{self.file.name}" was not sent to {host} in time. Allow more with `timeout`.'
            return RagsqlError(Code.DEADLINE_EXCEEDED, said, reason="TIMEOUT")
        said = f'The connection to {host} failed while "{self.file.name}" was being sent. Upload it again.'
        return RagsqlError(Code.UNAVAILABLE, said, reason="UPSTREAM_UNAVAILABLE" if self.elsewhere else "")


class Watch:
    """Follows a document until its ingestion ends.

    It may wait for its turn, but not stand still for stall seconds, nor wait so long for the end of an outage.
    """

    def __init__(self, file: LocalFile, stall: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = file
        self._stall = stall
        self._clock = clock
        self._pause = FIRST_PAUSE_SECONDS
        self._moved = clock()
        self._last = Document()

    def pause(self, document: Document) -> float | None:
        """Seconds until the document should be read again, None when it is ACTIVE. Raises RagsqlError."""
        if document.state == DocumentState.DOCUMENT_STATE_ACTIVE:
            return None
        if document.state == DocumentState.DOCUMENT_STATE_FAILED:
            reason = ErrorReason.Name(document.error_reason).removeprefix("ERROR_REASON_")
            raise _error(document, Code.FAILED_PRECONDITION, document.failure_reason, reason)
        phase = _PHASES.get(document.progress.phase, "reading")
        self._file.report(phase, document.progress.done, document.progress.total)
        in_turn = document.state == DocumentState.DOCUMENT_STATE_PENDING and not document.failure_reason
        if document != self._last or in_turn:
            self._last, self._moved = document, self._clock()
        elif self._clock() - self._moved > self._stall:
            said = f'"{document.filename}" was sent, but has not advanced for {self._stall:.0f} s. Look at it later.'
            said = f"{said} {document.failure_reason}".rstrip()
            raise _error(document, Code.DEADLINE_EXCEEDED, said, "TIMEOUT")
        pause, self._pause = self._pause, min(LONGEST_PAUSE_SECONDS, self._pause * 1.5)
        return pause

    def lost(self, error: RagsqlError) -> RagsqlError:
        """The error of reading the document, said better when it is no longer there."""
        if error.reason != "NOT_FOUND":
            return error
        said = f'"{self._file.name}" was deleted or replaced by a later upload while it was being processed.'
        return RagsqlError(error.code, said, reason=error.reason, metadata=error.metadata)


def ended(document: Document, *, cache_hit: bool) -> UploadResponse:
    """What Upload would have answered for the document, which is ACTIVE."""
    return UploadResponse(document=document, cache_hit=cache_hit, usage=document.usage)


def _error(document: Document, code: Code, said: str, reason: str) -> RagsqlError:
    return RagsqlError(code, said, reason=reason, metadata={"document": document.name})
