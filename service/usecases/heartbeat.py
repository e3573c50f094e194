"""Which documents this process works on, told to others where they would take over what nobody works on."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
from collections import Counter
from collections.abc import AsyncGenerator

from service.domain.caller import Caller
from service.errors import RagsqlError
from service.ports import UploadRecords

LEASE = dt.timedelta(seconds=60)
"""A document of which nothing was heard for so long belongs to nobody. Clocks may differ by less."""
BEAT_SECONDS = 15.0
_log = logging.getLogger(__name__)


class Heartbeat:
    """Touches the records of held documents, while there are any and other processes share the store."""

    def __init__(self, records: UploadRecords, seconds: float = BEAT_SECONDS) -> None:
        self._records = records
        self._seconds = seconds
        self._held: Counter[tuple[str, str]] = Counter()
        self._beating: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def hold(self, tenant: str, document_id: str) -> AsyncGenerator[None]:
        """While this lasts nobody else takes the document over."""
        if not self._records.shared:
            yield
            return
        self._held[tenant, document_id] += 1
        if self._beating is None:
            self._beating = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            self._held[tenant, document_id] -= 1
            self._held += Counter()  # drops what is held no more
            if not self._held and self._beating:
                self._beating.cancel()
                self._beating = None

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._seconds)
            for tenant in {tenant for tenant, _ in self._held}:
                held = [document_id for of, document_id in self._held if of == tenant]
                try:
                    await self._records.touch_documents(Caller(tenant), held, dt.datetime.now(dt.UTC))
                except RagsqlError as error:
                    _log.warning("Others may take over documents that are in work here. %s", error.message)
