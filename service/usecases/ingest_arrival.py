"""Ingest a file that a store says has arrived, however often and however many processes it tells."""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import dataclass, replace

from service.domain.caller import Caller
from service.domain.documents import Document, DocumentState
from service.errors import ContentMismatch, NotFound, UploadIncomplete
from service.ports import UploadRecords
from service.usecases.heartbeat import LEASE, Heartbeat
from service.usecases.ingest_document import IngestDocument
from service.usecases.ingest_upload import IngestUpload
from service.usecases.retry_later import MENDABLE

_MENDABLE = {kind.reason for kind in MENDABLE}
_log = logging.getLogger("ragsql")


@dataclass(frozen=True, slots=True)
class IngestArrival:
    """The file was announced by CreateUpload, or left by Upload for whoever is told of it."""

    records: UploadRecords
    ingest: IngestDocument
    ingest_upload: IngestUpload
    heartbeat: Heartbeat

    async def __call__(self, caller: Caller, file_id: str) -> Document | None:
        """The document as it is now, None when nothing is to become of the file.

        One that is ACTIVE, failed for good, or is being worked on is left alone: whoever works on it is told again if
        it ends. Raises UpstreamUnavailable and Overloaded, after which it is to be told again.
        """
        document = await self._document(caller, file_id)
        if document is None or not _is_open(document):
            return document
        claimed = replace(document, state=DocumentState.PROCESSING, update_time=dt.datetime.now(dt.UTC))
        if await self.records.swap_document(caller, document, claimed):
            async with self.heartbeat.hold(caller, document):
                await self.ingest.attempt(caller, claimed)
        try:
            return await self.records.get_document(caller, document.id)
        except NotFound:
            return None

    async def _document(self, caller: Caller, file_id: str) -> Document | None:
        try:
            return await self.records.get_document(caller, file_id)
        except NotFound:
            pass
        try:
            return await self.ingest_upload.accept(caller, file_id)
        except (NotFound, UploadIncomplete, ContentMismatch) as error:
            _log.warning("The file %s is not ingested. %s", file_id, error.message)
            return None


def _is_open(document: Document) -> bool:
    """Whether somebody has to work on it."""
    match document.state:
        case DocumentState.PENDING:
            return True
        case DocumentState.PROCESSING:
            return dt.datetime.now(dt.UTC) - document.update_time > LEASE
        case DocumentState.FAILED:
            return document.error_reason in _MENDABLE
        case DocumentState.ACTIVE:
            return False
