"""Add up what models are used for, by tenant and day."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable
from typing import NamedTuple

from service.domain.caller import Caller
from service.domain.questions import Usage
from service.domain.spending import spend
from service.domain.usage import UsageKind, UsageTotal
from service.errors import RagsqlError
from service.ports import UsageRecords
from service.usecases.shielding import to_the_end

FLUSH_SECONDS = 5.0
_log = logging.getLogger(__name__)


class _Key(NamedTuple):
    tenant: str
    day: dt.date
    kind: UsageKind
    model: str


def today() -> dt.date:
    """The day in UTC."""
    return dt.datetime.now(dt.UTC).date()


class MeasureUsage:
    """The UsageUseCases.

    Inside of buffering, what is added is stored every five seconds and at the end, so that no answer waits for it and
    a process that is killed loses five seconds at most. Outside, as on AWS Lambda, it is stored at once.
    """

    def __init__(self, records: UsageRecords, day: Callable[[], dt.date] = today) -> None:
        self._records = records
        self._day = day
        self._buffers = False
        self._waiting: dict[_Key, UsageTotal] = {}
        self._storing = asyncio.Lock()

    async def add(self, caller: Caller, kind: UsageKind, usage: Usage) -> None:
        """Count each part of usage for its model. What cannot be stored now is kept and tried again."""
        if kind is not UsageKind.CACHED:
            spend(usage)
        for part in usage.by_model:
            day, model = self._day(), part.models[0]
            self._keep(_Key(caller.tenant, day, kind, model), UsageTotal(day, kind, model, 1, part))
        if not self._buffers:
            await self._store()

    async def totals(self, caller: Caller, days: int) -> list[UsageTotal]:
        """The tenant's totals of so many days, today included, newest first."""
        await self._store()
        last = self._day()
        return await self._records.list_usage(caller, last - dt.timedelta(days=days - 1), last)

    @contextlib.asynccontextmanager
    async def buffering(self) -> AsyncGenerator[None]:
        """Store from time to time, and at the end."""
        self._buffers = True
        storing = asyncio.create_task(self._store_forever())
        try:
            yield
        finally:
            self._buffers = False
            storing.cancel()
            await self._store()

    async def _store_forever(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            await self._store()

    async def _store(self) -> None:
        await to_the_end(self._store_waiting())

    async def _store_waiting(self) -> None:
        """Whoever comes while others store waits for them, and so sees all that was added before."""
        async with self._storing:
            taken, self._waiting = self._waiting, {}
            tenants: defaultdict[str, dict[_Key, UsageTotal]] = defaultdict(dict)
            for key, total in taken.items():
                tenants[key.tenant][key] = total
            for tenant, totals in tenants.items():
                try:
                    await self._records.add_usage(Caller(tenant), list(totals.values()))
                except RagsqlError as error:
                    _log.warning("Usage could not be stored and is kept for later. %s", error.message)
                    for key, total in totals.items():
                        self._keep(key, total)

    def _keep(self, key: _Key, total: UsageTotal) -> None:
        known = self._waiting.get(key)
        self._waiting[key] = known + total if known else total
