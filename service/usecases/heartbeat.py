"""Which documents this process works on and how far it is, told to others: they take over what nobody works on."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
import time
from collections import Counter
from collections.abc import AsyncGenerator

from service.domain.caller import Caller
from service.domain.documents import Document, IngestProgress
from service.errors import RagsqlError
from service.ports import UploadRecords
from service.usecases.progress import ProgressBoard

LEASE = dt.timedelta(seconds=60)
"""A document of which nothing was heard for so long belongs to nobody. Clocks may differ by less."""
BEAT_SECONDS = 15.0
PROGRESS_SECONDS = 2.0
_log = logging.getLogger(__name__)


class Heartbeat:
    """Touches the records of held documents, while there are any.

    Every so many seconds, and sooner to show progress where other processes share the store.
    """

    def __init__(self, records: UploadRecords, board: ProgressBoard, seconds: float = BEAT_SECONDS) -> None:
        self._records = records
        self._board = board
        self._seconds = seconds
        self._held: Counter[tuple[str, str, str]] = Counter()
        self._told: dict[str, IngestProgress | None] = {}
        self._beating: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def hold(self, caller: Caller, document: Document) -> AsyncGenerator[None]:
        """While this lasts nobody else takes the document over."""
        key = (caller.tenant, document.id, document.sha256)
        self._held[key] += 1
        if self._beating is None:
            self._beating = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            self._held[key] -= 1
            self._held += Counter()  # drops what is held no more
            self._told.pop(document.id, None)
            if not self._held and self._beating:
                self._beating.cancel()
                self._beating = None

    async def _beat(self) -> None:
        pause = min(self._seconds, PROGRESS_SECONDS) if self._records.shared else self._seconds
        due = time.monotonic() + self._seconds
        while True:
            await asyncio.sleep(pause)
            all_of_them = time.monotonic() >= due
            if all_of_them:
                due = time.monotonic() + self._seconds
            for tenant in {tenant for tenant, _, _ in self._held}:
                await self._tell(Caller(tenant), all_of_them)

    async def _tell(self, caller: Caller, all_of_them: bool) -> None:
        """Touch the tenant's documents: all, or those that have advanced."""
        now = {
            document_id: self._board.known(caller, sha256)
            for tenant, document_id, sha256 in self._held
            if tenant == caller.tenant
        }
        news = {one: progress for one, progress in now.items() if all_of_them or progress != self._told.get(one)}
        if not news:
            return
        try:
            await self._records.touch_documents(caller, news, dt.datetime.now(dt.UTC))
        except RagsqlError as error:
            _log.warning("Others may take over documents that are in work here. %s", error.message)
        else:
            self._told |= now
