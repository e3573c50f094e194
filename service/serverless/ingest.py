"""Ingest the files that events tell of. What fails is raised or reported, so that AWS tells of it again."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from service.adapters.blobs.names import S3_PREFIX, tenant_folder
from service.domain.caller import Caller
from service.errors import NotConfigured, RagsqlError
from service.serverless.arrivals import Arrival, UnknownEvent, arrivals, is_queue, messages
from service.usecases.process_document import file_key, processed_key
from service.usecases.request_record import RequestRecord, recording

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.settings import Settings
    from service.transport.recording import Invocation
    from service.usecases.manage_documents import ManageDocuments

Event = dict[str, Any]

_FILES, _PROCESSED = file_key(""), processed_key("")
_log = logging.getLogger("ragsql")


class IngestFailed(Exception):
    """Files that could not be ingested now. Lambda invokes the function again, and keeps the event in the end."""


class IngestFiles:
    """Events to documents. write is told of every file."""

    def __init__(self, documents: ManageDocuments, settings: Settings, write: Callable[[RequestRecord], None]) -> None:
        self._documents, self._settings, self._write = documents, settings, write

    async def __call__(self, event: Any, invocation: Invocation) -> Event:
        """What became of each file, or the messages of a queue that are to come again.

        Raises IngestFailed once all files of the event were tried, UnknownEvent and NotConfigured.
        """
        if is_queue(event):
            return await self._queue(event, invocation)
        failed: list[str] = []
        done: list[Event] = []
        for arrival in arrivals(event):
            try:
                done += await self._ingest(arrival, invocation)
            except RagsqlError as error:
                failed.append(f"{arrival.key}: {error.message}")
        if failed:
            raise IngestFailed(" ".join(failed))
        return {"documents": done}

    async def _queue(self, event: Event, invocation: Invocation) -> Event:
        """A message that cannot be read is reported too: the queue puts it where a person finds it."""
        failed: list[str] = []
        for message_id, record in messages(event):
            try:
                for arrival in arrivals({"Records": [record]}):
                    await self._ingest(arrival, invocation)
            except (RagsqlError, UnknownEvent) as error:
                _log.error("The message %s is to come again. %s", message_id, error)
                failed.append(message_id)
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    async def _ingest(self, arrival: Arrival, invocation: Invocation) -> list[Event]:
        if self._settings.blobs != "s3":
            raise NotConfigured("The function was told of a file in S3, but keeps none there. Set STORAGE_BACKEND=s3.")
        folder, _, key = arrival.key.removeprefix(S3_PREFIX).partition("/")
        file_id = key.removeprefix(_FILES)
        ours = arrival.bucket == self._settings.s3_cache_bucket and arrival.key.startswith(S3_PREFIX)
        if not ours or not key.startswith(_FILES) or not file_id or "/" in file_id:
            # The service hears of what it writes itself, where a notification knows prefixes alone.
            level = logging.DEBUG if ours and key.startswith(_PROCESSED) else logging.INFO
            _log.log(level, "s3://%s/%s is no file that was uploaded here, and is left alone.", *arrival)
            return []
        caller = await self._caller(folder)
        if caller is None:
            _log.warning("s3://%s/%s belongs to nobody who is known, and is left alone.", *arrival)
            return []
        record = RequestRecord(invocation.request_id, invocation.cold_start, route="ingest", tenant=caller.tenant)
        try:
            with recording(record):
                document = await self._documents.arrived(caller, file_id)
        except RagsqlError as error:
            record.reason = error.reason
            raise
        finally:
            self._write(record)
        return [{"name": f"documents/{document.id}", "state": document.state}] if document else []

    async def _caller(self, folder: str) -> Caller | None:
        """Whose folder it is. The name of a tenant that cannot be one of a folder is hashed."""
        if not folder.startswith("~"):
            return Caller(folder) if folder else None
        tenants = (Caller(tenant) for tenant in await self._documents.tenants())
        return next((caller for caller in tenants if tenant_folder(caller) == folder), None)
