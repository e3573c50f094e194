"""Put statements in order that a stopped process left, and delete old ones."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import dataclass

from service.errors import RagsqlError
from service.ports import StatementRecords
from service.usecases.sql_statements import now

KEPT = dt.timedelta(days=30)
"""After their expiry. The audit log keeps what happened for good."""
LONGEST_RUN = dt.timedelta(minutes=15)
"""Longer than any timeout: after it nothing runs an expired statement any more."""
EVERY_SECONDS = 3600.0
_STOPPED = "The service stopped while it ran. Whether rows were read is not known; nothing was changed. Ask again."
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TidySql:
    """A statement that was running when its process ended is FAILED, never run again by itself."""

    records: StatementRecords
    clock: Callable[[], dt.datetime] = now

    async def __call__(self, alone: bool) -> None:
        """Once. alone says that no other process runs statements now. A store that is down is tried again next time."""
        time = self.clock()
        left = dt.datetime.max.replace(tzinfo=dt.UTC) if alone else time - LONGEST_RUN
        try:
            await self.records.interrupt_statements(left, _STOPPED)
            await self.records.purge_statements(time - KEPT)
        except RagsqlError as error:
            _log.warning("Old SQL statements could not be put in order. %s", error.message)

    async def repeat(self) -> None:
        """Every hour, until cancelled."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            await self(alone=False)
