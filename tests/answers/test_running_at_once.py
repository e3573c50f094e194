"""What the policy lets run is stored as approved before a row is read, and never lost half-way."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest

from service.domain.audit import Approver, AuditAction
from service.domain.caller import DEFAULT_CALLER
from service.domain.questions import Question, Route
from service.domain.sql import SqlStatement, StatementState
from service.errors import SqlEtagMismatch, SqlRejected
from service.usecases.bundle import QuestionUseCases
from tests.answers.conftest import World, draft
from tests.answers.test_answer_question import TOO_MANY, ask

pytestmark = pytest.mark.anyio


async def stored(world: World) -> tuple[list[AuditAction], set[StatementState]]:
    sql = world.assembly.use_cases.sql
    events = (await sql.audit(DEFAULT_CALLER, 50, "")).items[::-1]
    states = {(await sql.get(DEFAULT_CALLER, event.statement_id)).state for event in events}
    assert all(event.approver is Approver.POLICY for event in events[1:])
    return [event.action for event in events], states


def rows_only(world: World) -> QuestionUseCases:
    world.generator.reply = draft(TOO_MANY)
    return world.assembly.use_cases.questions


async def test_the_approval_is_stored_before_the_rows_are_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    database = world.assembly.ports.database
    assert database is not None
    seen: list[tuple[list[AuditAction], set[StatementState]]] = []
    execute = database.execute

    async def watched(*args: object) -> object:
        seen.append(await stored(world))
        return await execute(*args)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(database, "execute", watched)
    questions = rows_only(world)
    events = [item async for item in questions.stream(DEFAULT_CALLER, Question("Who?", Route.SQL))]
    assert [item.state for item in events if isinstance(item, SqlStatement)] == [StatementState.EXECUTING]
    began = [AuditAction.GENERATED, AuditAction.APPROVED]
    assert seen == [(began, {StatementState.EXECUTING})]
    assert await stored(world) == ([*began, AuditAction.EXECUTED], {StatementState.EXECUTED})


async def test_who_hangs_up_when_the_statement_is_shown_leaves_it_failed(world: World) -> None:
    events = rows_only(world).stream(DEFAULT_CALLER, Question("Who?", Route.SQL))
    async for event in events:
        if isinstance(event, SqlStatement):
            break
    await events.aclose()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    async with asyncio.timeout(60):
        while (await stored(world))[1] == {StatementState.EXECUTING}:
            await asyncio.sleep(0.01)
    last = (await world.assembly.use_cases.sql.audit(DEFAULT_CALLER, 1, "")).items[0]
    assert (last.action, last.detail) == (AuditAction.FAILED, "The caller hung up while it ran.")
    assert (await stored(world))[1] == {StatementState.FAILED}


async def test_tables_that_change_before_the_run_leave_it_waiting(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = world.assembly.ports.database
    assert database is not None

    async def change(*_: object) -> bool:
        with sqlite3.connect(world.database) as connection:
            connection.execute("ALTER TABLE agent ADD COLUMN note TEXT")
        return True

    monkeypatch.setattr(database, "is_read_only", change)
    rows_only(world)
    with pytest.raises(SqlEtagMismatch):
        await ask(world, "Who?", route=Route.SQL)
    assert await stored(world) == ([AuditAction.GENERATED], {StatementState.PROPOSED})


async def test_no_generator_gets_past_the_guard(world: World) -> None:
    """What one wrote is never taken as guarded, also when the guard has passed something much like it."""
    rows_only(world)
    await ask(world, "Who?", route=Route.SQL)
    for text in (f"{TOO_MANY} LIMIT 1001; DROP TABLE agent", "SELECT sql FROM sqlite_master"):
        world.generator.reply = draft(text)
        with pytest.raises(SqlRejected):
            await ask(world, f"Who? {text}", route=Route.SQL)
