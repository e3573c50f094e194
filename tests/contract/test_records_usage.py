"""Totals of usage, on every record store."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest

from service.adapters.records import postgres_server
from service.domain.caller import Caller
from service.domain.questions import Usage
from service.domain.usage import UsageKind, UsageTotal
from service.ports import RecordStore

pytestmark = pytest.mark.anyio


def total(day: int, calls: int, kind: UsageKind = UsageKind.SQL, model: str = "gpt-4o") -> UsageTotal:
    spent = Usage(5_000_000_000 * calls, 2 * calls, 3 * calls, 0.125 * calls, (model,))
    return UsageTotal(dt.date(2026, 1, day), kind, model, calls, spent)


async def test_usage_is_added_up_by_day_kind_and_model(record_store: RecordStore, caller: Caller) -> None:
    await record_store.add_usage(caller, [total(1, 1), total(2, 1), total(1, 4, UsageKind.CACHED)])
    await record_store.add_usage(caller, [total(1, 2), total(1, 1, model="größer")])
    assert await record_store.list_usage(caller, dt.date(2026, 1, 1), dt.date(2026, 1, 2)) == [
        total(2, 1),
        total(1, 4, UsageKind.CACHED),
        total(1, 3),
        total(1, 1, model="größer"),
    ]
    assert await record_store.list_usage(caller, dt.date(2026, 1, 2), dt.date(2026, 1, 9)) == [total(2, 1)]
    assert await record_store.list_usage(Caller("other"), dt.date(2026, 1, 1), dt.date(2026, 1, 2)) == []


async def test_usage_added_at_the_same_time_is_all_kept(
    record_store: RecordStore, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_server, "TURN_SECONDS", 60.0)  # a busy disk may hold every connection for a while
    totals = [total(1, 1, model=model) for model in ("a", "b")]
    await asyncio.gather(*(record_store.add_usage(caller, totals[:: (-1) ** i]) for i in range(20)))
    found = await record_store.list_usage(caller, dt.date(2026, 1, 1), dt.date(2026, 1, 1))
    assert [item.calls for item in found] == [20, 20]
