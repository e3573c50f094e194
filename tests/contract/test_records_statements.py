"""Every RecordStore keeps statements with what became of them, each for its owner."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt

import pytest

from service.adapters.records.sql import SqlRecordStore
from service.domain.audit import Approver, AuditAction
from service.domain.caller import Caller
from service.domain.questions import Answer
from service.domain.sql import StatementState
from service.errors import NotFound, UpstreamUnavailable
from service.ports import RecordStore
from tests.contract.records import FAR, START, event, statement

pytestmark = pytest.mark.anyio
EXECUTED = (StatementState.PROPOSED, StatementState.EXECUTED)


async def test_a_statement_belongs_to_its_principal(record_store: RecordStore, caller: Caller) -> None:
    await record_store.save_statement(caller, statement("s"), event("s"))
    assert await record_store.get_statement(caller, "s") == statement("s")
    bob = dataclasses.replace(caller, principal="bob")
    with pytest.raises(NotFound):
        await record_store.get_statement(bob, "s")
    assert (await record_store.list_statements(bob, 5, "")).items == ()
    assert not await record_store.move_statement(bob, "s", StatementState.PROPOSED, StatementState.REJECTED, event("s"))


async def test_statements_listed_are_proposed_and_alive(record_store: RecordStore, caller: Caller) -> None:
    past = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
    await record_store.save_statement(caller, statement("first"), event("first"))
    await record_store.save_statement(caller, statement("second", minutes=1), event("second"))
    await record_store.save_statement(caller, statement("expired", expire_time=past), event("expired"))
    await record_store.save_statement(caller, statement("rejected", state=StatementState.REJECTED), event("rejected"))
    page = await record_store.list_statements(caller, 1, "")
    assert [s.id for s in page.items] == ["second"]
    page = await record_store.list_statements(caller, 1, page.next_token)
    assert [s.id for s in page.items] == ["first"]
    assert page.next_token == ""


async def test_what_happened_to_statements_is_kept_and_cannot_be_changed(
    record_store: RecordStore, caller: Caller
) -> None:
    from sqlalchemy import delete, update

    from service.adapters.records.schema import sql_events

    run = event(
        "s", minutes=1, action=AuditAction.EXECUTED, approver=Approver.PERSON, row_count=5_000_000_000,
        cache_hit=True, duration_seconds=0.125,
    )  # fmt: skip
    made = event("s")
    await record_store.save_statement(caller, statement("s"), made)
    assert await record_store.move_statement(caller, "s", *EXECUTED, run)
    assert (await record_store.list_events(caller, 5, "")).items == (run, made)
    first = await record_store.list_events(caller, 1, "")
    assert (first.items, (await record_store.list_events(caller, 1, first.next_token)).items) == ((run,), (made,))
    for stranger in (Caller(caller.tenant, "bob"), Caller("x" + caller.tenant, "ann")):
        assert (await record_store.list_events(stranger, 5, "")).items == ()
    assert isinstance(record_store, SqlRecordStore)
    engine = record_store._engine  # pyright: ignore[reportPrivateUsage]
    for act in (update(sql_events).values(row_count=0), delete(sql_events)):
        with pytest.raises(UpstreamUnavailable), engine.begin(write=True) as connection:
            connection.execute(act)
    assert (await record_store.list_events(caller, 5, "")).items == (run, made)


async def test_a_half_of_an_answer_waits_with_its_statement(record_store: RecordStore, caller: Caller) -> None:
    half = Answer("a", "Größe", START)
    await record_store.save_statement(caller, statement("s"), event("s"), half)
    await record_store.save_statement(caller, statement("alone"), event("alone"))
    assert await record_store.get_half(caller, "s") == half
    assert await record_store.get_half(caller, "alone") is None
    assert await record_store.get_half(Caller(caller.tenant, "bob"), "s") is None


async def test_what_a_stopped_process_ran_is_interrupted_and_old_statements_go(
    record_store: RecordStore, caller: Caller
) -> None:
    old, soon = START - dt.timedelta(days=999), START - dt.timedelta(days=998)
    await record_store.purge_statements(soon)
    kinds = {"old": (StatementState.EXECUTED, old), "running": (StatementState.EXECUTING, old),
             "proposed": (StatementState.PROPOSED, old), "new": (StatementState.EXECUTED, FAR)}  # fmt: skip
    for name, (state, expires) in kinds.items():
        new = statement(name, state=state, expire_time=expires)
        await record_store.save_statement(caller, new, event(name), Answer("a", "Half.", START))
    assert await record_store.purge_statements(soon) == 2
    for name in ("old", "proposed"):
        with pytest.raises(NotFound):
            await record_store.get_statement(caller, name)
        assert await record_store.get_half(caller, name) is None
    assert await record_store.interrupt_statements(soon, "It stopped.") == 1
    assert await record_store.interrupt_statements(soon, "It stopped.") == 0
    assert (await record_store.get_statement(caller, "running")).state is StatementState.FAILED
    told = (await record_store.list_events(caller, 9, "")).items
    assert (told[0].action, told[0].statement_id, told[0].principal) == (AuditAction.INTERRUPTED, "running", "ann")
    assert told[0].detail == "It stopped."
    assert len(told) == 5


async def test_only_one_of_many_moves_a_statement(record_store: RecordStore, caller: Caller) -> None:
    await record_store.save_statement(caller, statement("s"), event("s"))
    moves = (record_store.move_statement(caller, "s", *EXECUTED, event("s")) for _ in range(8))
    assert sorted(await asyncio.gather(*moves)) == [False] * 7 + [True]
    assert (await record_store.get_statement(caller, "s")).state is StatementState.EXECUTED
    assert len((await record_store.list_events(caller, 9, "")).items) == 2
    assert not await record_store.move_statement(caller, "absent", *EXECUTED, event("s"))


async def test_what_runs_at_once_is_stored_with_its_approval(record_store: RecordStore, caller: Caller) -> None:
    made, approved = event("s"), event("s", minutes=1, action=AuditAction.APPROVED, approver=Approver.POLICY)
    begun = statement("s", state=StatementState.EXECUTING)
    await record_store.save_statement(caller, begun, made, None, approved)
    assert await record_store.get_statement(caller, "s") == begun
    assert (await record_store.list_events(caller, 5, "")).items == (approved, made)
    assert (await record_store.list_statements(caller, 5, "")).items == ()
