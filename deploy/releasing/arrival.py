"""Does a version ingest what arrives in S3? Asked with a small PDF, from its announcement to its end."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import secrets
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from ragsql.v1.document_pb2 import DocumentState
from ragsql.v1.document_service_connect import DocumentServiceClientSync
from ragsql.v1.document_service_pb2 import (
    CreateUploadRequest,
    CreateUploadResponse,
    DeleteDocumentRequest,
    GetDocumentRequest,
    IngestRequest,
)
from releasing.functions import ReleaseFailed
from releasing.invoking import invoke
from releasing.smoke import Smoke

FILENAME = "ragsql-release-check.pdf"
_PREFIX = "ragsql/"
_HOST = re.compile(r"(.+)\.s3[.-]")
_PUT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class ArrivalCheck:
    """serving is a version behind the Function URL, ingest one that is told of files. It waits so many seconds.

    S3 tells the version that is live of the file, too: whichever claims it first works on it. The one under test is
    told at once, S3's event takes its way.
    """

    serving: Smoke
    ingest: Smoke
    seconds: float
    pause: float = 1.0

    def __call__(self) -> None:
        """Raises ReleaseFailed. The file is gone afterwards, however it ends."""
        token = secrets.token_hex(4)
        content = pdf(f"The code word of ingest check {token} is copper lantern.")
        documents = self.serving.client(DocumentServiceClientSync)
        with self.serving.asking("the announcement of a file"):
            digest = hashlib.sha256(content).hexdigest()
            upload = documents.create_upload(
                CreateUploadRequest(filename=FILENAME, size_bytes=len(content), sha256=digest)
            )
            bucket, key = _place(upload.url)
        try:
            with self.serving.asking("the PUT of a file"):
                _put(upload, content)
            with self.serving.asking("to accept a file"):
                name = documents.ingest(IngestRequest(upload=upload.upload)).document.name
            with self.ingest.asking("a file"):
                self._tell(bucket, key, name)
                self._wait(documents, name)
            with self.serving.asking("a question about that file"):
                self.serving.ask_about(name, f"What is the code word of ingest check {token}?", "copper lantern")
            self.serving.delete(name)
        except BaseException:
            self._tidy(documents, upload.upload)
            raise

    def _tidy(self, documents: DocumentServiceClientSync, upload: str) -> None:
        """Delete what may be there. A file that is no document yet becomes one first, since only those are deleted."""
        name = f"documents/{upload.partition('/')[2]}"
        with contextlib.suppress(Exception):
            documents.ingest(IngestRequest(upload=upload))
        with contextlib.suppress(Exception):
            documents.delete_document(DeleteDocumentRequest(name=name))

    def _tell(self, bucket: str, key: str, name: str) -> None:
        """As the rule of the template does. Raises ReleaseFailed when the version does not take it as the document."""
        detail = {"bucket": {"name": bucket}, "object": {"key": key}, "reason": "PutObject"}
        event = {"source": "aws.s3", "detail-type": "Object Created", "detail": detail}
        told = invoke(self.ingest.aws, self.ingest.function, self.ingest.qualifier, event)
        if name not in json.dumps(told):
            raise ReleaseFailed(f"It leaves s3://{bucket}/{key} alone. Check S3_CACHE_BUCKET of both functions.")

    def _wait(self, documents: DocumentServiceClientSync, name: str) -> None:
        ends = time.monotonic() + self.seconds
        while True:
            document = documents.get_document(GetDocumentRequest(name=name)).document
            if document.state == DocumentState.DOCUMENT_STATE_ACTIVE:
                return
            if document.state == DocumentState.DOCUMENT_STATE_FAILED:
                raise ReleaseFailed(f"The file was not ingested. {document.failure_reason}")
            if time.monotonic() >= ends:
                raise ReleaseFailed(f"The file is not ingested after {self.seconds:.0f} seconds.")
            time.sleep(self.pause)


def _place(url: str) -> tuple[str, str]:
    """The bucket and the key of a presigned URL of either style. Raises ReleaseFailed."""
    parts = urlsplit(url)
    first, prefix, rest = unquote(parts.path).lstrip("/").partition(_PREFIX)
    host = _HOST.match(parts.hostname or "")
    bucket = first.rstrip("/") or (host[1] if host else "")
    if not prefix or not bucket:
        raise ReleaseFailed("It keeps no files in S3. Set STORAGE_BACKEND=s3 and S3_CACHE_BUCKET.")
    return bucket, prefix + rest


def _put(upload: CreateUploadResponse, content: bytes) -> None:
    headers = {"Content-Type": "application/pdf", **upload.headers}
    request = urllib.request.Request(upload.url, content, headers, method="PUT")
    try:
        urllib.request.urlopen(request, timeout=_PUT_SECONDS).close()
    except urllib.error.HTTPError as error:
        raise ReleaseFailed(f"S3 answers {error.code} to it.") from None
    except OSError as error:
        # The URL is a key to the file: what failed is told without it.
        raise ReleaseFailed(f"S3 cannot be reached: {type(error).__name__}.") from None


def pdf(text: str) -> bytes:
    """One page with one line of ASCII."""
    drawn = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode("ascii")
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    content, places = b"%PDF-1.4\n", list[int]()
    for number, each in enumerate(objects, start=1):
        places.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, len(content))
    return content + b"xref\n0 %d\n0000000000 65535 f \n" % size + table + trailer
