"""Upload many files side by side, leaving out what the server has already."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from service.cli.remote import error_as_dict
from service.cli.upload_files import Outcome, Upload, unreadable

if TYPE_CHECKING:
    from ragsql.v1.document_pb2 import Document
    from ragsql_client import AsyncClient, RagsqlError, UploadProgress

RETRIES = 5
"""More than a client's own: a batch is what makes a server overloaded."""

_ADVICE = {
    "UNSUPPORTED_MEDIA_TYPE": "Convert it to PDF, DOCX, PPTX, XLSX, HTML, Markdown, text, CSV, JSON or an image.",
    "UNREADABLE_DOCUMENT": "Open it in its own program and save it again, without a password.",
    "PAYLOAD_TOO_LARGE": "Split it, or leave it out.",
    "INVALID_FIELD": "Correct the file or rename it.",
}
_AGAIN = "Run the command again: what is done is left out."
_PROCESSED = "Correct the file and upload it again."


@dataclass(slots=True)
class Batch:
    """known are the ACTIVE documents by filename. tell hears of every upload that ends, follow of its progress."""

    known: Mapping[str, Document]
    tell: Callable[[Upload], None]
    follow: Callable[[Upload, UploadProgress], None]
    ended: list[Upload] = field(default_factory=list[Upload])
    _accepted: set[Path] = field(default_factory=set[Path])

    async def run(self, url: str, uploads: list[Upload], jobs: int) -> None:
        """Upload, jobs at a time. Raises RagsqlError when no server answers; any other failure is one file's."""
        from ragsql_client import AsyncClient

        queue = iter(uploads)
        async with AsyncClient(url, retries=RETRIES) as client:
            workers = [asyncio.create_task(self._work(client, queue)) for _ in range(jobs)]
            try:
                await asyncio.gather(*workers)
            finally:
                for worker in workers:
                    worker.cancel()
                await asyncio.gather(*workers, return_exceptions=True)

    def unfinished(self, uploads: list[Upload]) -> list[Upload]:
        """What became of those that had not ended when the batch was stopped."""
        ended = {upload.path for upload in self.ended}
        return [self._stopped(upload) for upload in uploads if upload.path not in ended]

    def _stopped(self, upload: Upload) -> Upload:
        if upload.path in self._accepted:
            return replace(upload, outcome=Outcome.PROCESSING, problem="The server has it and goes on.")
        return replace(upload, outcome=Outcome.NOT_SENT)

    async def _work(self, client: AsyncClient, queue: Iterator[Upload]) -> None:
        for upload in queue:
            done = upload if upload.outcome else await self._upload(client, upload)
            self.ended.append(done)
            self.tell(done)

    async def _upload(self, client: AsyncClient, upload: Upload) -> Upload:
        from ragsql_client import RagsqlError

        try:
            if same := await self._same(upload):
                return replace(upload, outcome=Outcome.UNCHANGED, document=same, cache_hit=True)
            follow = partial(self._follow, upload)
            response = await client.upload(upload.path, filename=upload.filename, progress=follow)
        except RagsqlError as error:
            if error.is_unreachable:
                raise
            return _refused(upload, error)
        except OSError as error:
            return unreadable(upload, error)
        return replace(upload, outcome=Outcome.UPLOADED, document=response.document, cache_hit=response.cache_hit)

    async def _same(self, upload: Upload) -> Document | None:
        """The document that the server made of the same bytes under the same name."""
        known = self.known.get(upload.filename)
        return known if known and await asyncio.to_thread(_is_of, upload.path, known) else None

    def _follow(self, upload: Upload, progress: UploadProgress) -> None:
        if progress.phase not in ("hashing", "sending"):
            self._accepted.add(upload.path)
        self.follow(upload, progress)


def _is_of(path: Path, document: Document) -> bool:
    if path.stat().st_size != document.size_bytes:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == document.sha256


def _refused(upload: Upload, error: RagsqlError) -> Upload:
    """Skipped if it only was in a folder among others that can be read, else failed."""
    advice = _ADVICE.get(error.reason) or (_PROCESSED if error.metadata.get("document") else _AGAIN)
    skipped = upload.in_folder and error.reason == "UNSUPPORTED_MEDIA_TYPE"
    return replace(
        upload,
        outcome=Outcome.SKIPPED if skipped else Outcome.FAILED,
        problem=error.message,
        advice=advice,
        error=error_as_dict(error),
    )
