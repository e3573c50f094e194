"""What waits for approval survives, runs once, and then answers as if it had been allowed to run at once."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
import sqlite3
from dataclasses import replace

import pytest

from service.app import Assembly, assemble
from service.domain.audit import Approver, AuditAction
from service.domain.caller import DEFAULT_CALLER, Caller
from service.domain.questions import Answer, FinishedSql, PendingSql, Route, SqlPolicy
from service.domain.sql import SqlStatement, StatementState
from service.errors import NotFound, SqlEtagMismatch, SqlStateConflict, UpstreamUnavailable
from service.ports import RecordStore
from service.settings import load
from service.usecases.tidy_sql import TidySql
from tests.answers.conftest import WordEmbedder, WordReader, World, draft
from tests.answers.test_answer_question import CASELOAD, RULES, TOO_MANY, ask

WHO = "Which support agent looks after too many customers?"
WAIT = {"route": Route.HYBRID, "sql_policy": SqlPolicy.REQUIRE_APPROVAL}

pytestmark = pytest.mark.anyio


async def pending(world: World, text: str = WHO, **fixed: object) -> PendingSql:
    world.generator.reply = draft(TOO_MANY)
    result = await ask(world, text, **{**WAIT, **fixed})
    assert isinstance(result.outcome, PendingSql)
    return result.outcome


async def approve(world: World | Assembly, statement: SqlStatement, caller: Caller = DEFAULT_CALLER) -> FinishedSql:
    assembly = world.assembly if isinstance(world, World) else world
    return await assembly.use_cases.sql.execute(caller, statement.id, statement.etag, 100)


def again(world: World, **settings: str) -> Assembly:
    """The same service after a restart: nothing but its folder is kept."""
    values = {"RAGSQL_DATA_DIR": str(world.assembly.settings.data_dir), "DATABASE_URL": f"sqlite:///{world.database}"}
    models = {"embedder": WordEmbedder(), "reader": WordReader(), "sqlgen": world.generator, "chat": world.chat}
    return assemble(load(values | settings), **models)


async def actions(world: World | Assembly) -> list[AuditAction]:
    assembly = world.assembly if isinstance(world, World) else world
    return [event.action for event in (await assembly.use_cases.sql.audit(DEFAULT_CALLER, 50, "")).items][::-1]


def records(world: World) -> RecordStore:
    return world.assembly.ports.records


@pytest.mark.parametrize("route", [Route.HYBRID, Route.SQL])
async def test_approving_finishes_the_answer_that_query_would_have_given(world: World, route: Route) -> None:
    await world.upload("rules.md", RULES)
    waiting = await pending(world, route=route)
    at_once = (await ask(world, WHO, route=route)).outcome
    assert isinstance(at_once, Answer)
    finished = (await approve(world, waiting.statement)).answer
    assert finished.text == at_once.text
    assert finished.citations == at_once.citations
    assert [found.table for found in finished.sql_results] == [found.table for found in at_once.sql_results]
    assert bool(finished.citations) == (route is Route.HYBRID)
    assert await records(world).save_feedback(DEFAULT_CALLER, finished.id, "GOOD", "", "")


async def test_it_waits_through_a_restart(world: World) -> None:
    await world.upload("rules.md", RULES)
    waiting = await pending(world)
    other = again(world)
    assert (await other.use_cases.sql.list(DEFAULT_CALLER, 10, "")).items == (waiting.statement,)
    assert await other.use_cases.sql.get(DEFAULT_CALLER, waiting.statement.id) == waiting.statement
    answer = (await approve(other, waiting.statement)).answer
    assert "name: Jane; customers: 21" in answer.text
    assert "more than 20 customers" in answer.text
    assert [answer.text[span.start : span.end] for span in answer.citations[0].answer_spans] == [
        "No support agent looks after more than 20 customers."
    ]
    other.close()


async def test_a_document_that_is_gone_is_not_cited(world: World) -> None:
    await world.upload("rules.md", RULES)
    waiting = await pending(world)
    await world.upload("rules.md", RULES.replace("20", "25"))
    answer = (await approve(world, waiting.statement)).answer
    assert answer.citations == ()
    assert answer.text == (
        "name: Jane; customers: 21\n\nThe part of the answer that rested on rules.md is left out: deleted or replaced "
        "since the question was asked."
    )


async def test_of_two_approvals_at_the_same_time_one_runs(world: World) -> None:
    waiting = await pending(world)
    tries = [approve(world, waiting.statement) for _ in range(2)]
    ended = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(one).__name__ for one in ended) == ["FinishedSql", "SqlStateConflict"]
    assert (await actions(world)).count(AuditAction.APPROVED) == 1


async def test_only_the_owner_sees_it_and_only_its_etag_runs_it(world: World) -> None:
    waiting = await pending(world)
    sql = world.assembly.use_cases.sql
    for stranger in (Caller("default", "mallory"), Caller("other", DEFAULT_CALLER.principal)):
        assert (await sql.list(stranger, 10, "")).items == ()
        assert (await sql.audit(stranger, 10, "")).items == ()
        for act in (sql.get(stranger, waiting.statement.id), approve(world, waiting.statement, stranger)):
            with pytest.raises(NotFound):
                await act
    with pytest.raises(SqlEtagMismatch):
        await approve(world, replace(waiting.statement, etag="0" * 32))
    with sqlite3.connect(world.database) as connection:
        connection.execute("ALTER TABLE agent ADD COLUMN age INTEGER")
    with pytest.raises(SqlEtagMismatch, match="have changed"):
        await approve(world, waiting.statement)
    assert await actions(world) == [AuditAction.GENERATED]


async def test_new_rows_are_no_new_schema(world: World) -> None:
    waiting = await pending(world)
    with sqlite3.connect(world.database) as connection:
        connection.execute("INSERT INTO agent VALUES (3, 'Margaret', 30)")
    assert len((await approve(world, waiting.statement)).result.table.rows) == 2


async def test_the_log_says_who_ran_what_without_the_rows(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "ragsql.audit")
    waiting = await pending(world)
    await approve(world, waiting.statement)
    await ask(world, "Who has too many?", route=Route.SQL)
    rejected = (await pending(world)).statement
    await world.assembly.use_cases.sql.reject(DEFAULT_CALLER, rejected.id)
    events = (await world.assembly.use_cases.sql.audit(DEFAULT_CALLER, 50, "")).items[::-1]
    assert [(event.action, event.approver) for event in events] == [
        (AuditAction.GENERATED, Approver.UNSPECIFIED),
        (AuditAction.APPROVED, Approver.PERSON),
        (AuditAction.EXECUTED, Approver.PERSON),
        (AuditAction.GENERATED, Approver.UNSPECIFIED),
        (AuditAction.APPROVED, Approver.POLICY),
        (AuditAction.EXECUTED, Approver.POLICY),
        (AuditAction.GENERATED, Approver.UNSPECIFIED),
        (AuditAction.REJECTED, Approver.UNSPECIFIED),
    ]
    run = events[2]
    assert (run.row_count, run.etag, run.sql) == (1, waiting.statement.etag, waiting.statement.sql)
    assert (run.principal, run.statement_id) == (DEFAULT_CALLER.principal, waiting.statement.id)
    assert run.duration_seconds > 0
    lines = [json.loads(record.getMessage()) for record in caplog.records if record.name == "ragsql.audit"]
    assert [line["event"] for line in lines] == [f"sql.{event.action.lower()}" for event in events]
    assert lines[2]["rows"] == 1
    assert "Jane" not in caplog.text + str(events)


async def test_what_was_running_when_the_process_died_is_failed_and_never_run_again(world: World) -> None:
    waiting = await pending(world)
    approval = (await world.assembly.use_cases.sql.audit(DEFAULT_CALLER, 1, "")).items[0]
    moved = await records(world).move_statement(
        DEFAULT_CALLER, waiting.statement.id, StatementState.PROPOSED, StatementState.EXECUTING,
        replace(approval, id="a", create_time=dt.datetime.now(dt.UTC), action=AuditAction.APPROVED),
    )  # fmt: skip
    assert moved
    with pytest.raises(SqlStateConflict, match="EXECUTING"):
        await approve(world, waiting.statement)
    other = again(world)
    await TidySql(other.ports.records)(alone=True)
    assert (await other.use_cases.sql.get(DEFAULT_CALLER, waiting.statement.id)).state is StatementState.FAILED
    assert await actions(other) == [AuditAction.GENERATED, AuditAction.APPROVED, AuditAction.INTERRUPTED]
    with pytest.raises(SqlStateConflict, match="FAILED"):
        await approve(other, waiting.statement)
    other.close()


async def test_a_database_that_is_down_uses_up_no_approval(world: World) -> None:
    await world.upload("rules.md", RULES)
    waiting = await pending(world)
    away = world.database.rename(world.database.with_suffix(".away"))
    with pytest.raises(UpstreamUnavailable):
        await approve(world, waiting.statement)
    away.rename(world.database)
    assert "Jane" in (await approve(world, waiting.statement)).answer.text


async def test_a_lock_fails_the_rows_and_keeps_the_documents(world: World) -> None:
    await world.upload("rules.md", RULES)
    await ask(world, CASELOAD, route=Route.DOCUMENTS)
    world.generator.reply = draft(TOO_MANY)
    waiting = (await world.assembly.use_cases.sql.generate(DEFAULT_CALLER, WHO)).statement
    locking = sqlite3.connect(world.database, isolation_level=None)
    locking.execute("BEGIN EXCLUSIVE")
    result = await ask(world, WHO, route=Route.HYBRID)
    with pytest.raises(UpstreamUnavailable, match="locked"):
        await approve(world, waiting)
    locking.close()
    assert isinstance(result.outcome, Answer)
    assert "more than 20 customers" in result.outcome.text
    assert "the database holds is missing" in result.outcome.text
    assert "Jane" in (await approve(world, waiting)).answer.text


async def test_a_statement_lives_as_long_as_is_set(world: World) -> None:
    other = again(world, RAGSQL_SQL_STATEMENT_TTL_SECONDS="60")
    world.generator.reply = draft(TOO_MANY)
    statement = (await other.use_cases.sql.generate(DEFAULT_CALLER, WHO)).statement
    assert (statement.expire_time - statement.create_time).total_seconds() == 60
    other.close()
