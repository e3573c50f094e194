"""A statement runs once, as reviewed, by whoever asked, while it is fresh."""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from service.adapters.databases.sqlite import SqliteDatabase
from service.adapters.records.sql import SqlRecordStore
from service.adapters.sqlgen.prompt import PromptSqlGenerator
from service.domain.caller import DEFAULT_CALLER, Caller
from service.domain.questions import SqlPolicy
from service.domain.sql import StatementState
from service.errors import (
    NotConfigured,
    NotFound,
    SqlEtagMismatch,
    SqlExecutionFailed,
    SqlNotGenerated,
    SqlStateConflict,
)
from service.usecases.execute_sql import ManageSql
from service.usecases.sql_statements import SqlRunner
from tests.sql.chat import ScriptedChat, fenced
from tests.sql.shop import make_sqlite

pytestmark = pytest.mark.anyio
QUESTION = "How many users?"
SQL = "SELECT COUNT(*) FROM users"


@dataclass(frozen=True, slots=True)
class Sql:
    use: ManageSql
    runner: SqlRunner
    path: Path


def make(tmp_path: Path, reply: str = fenced(SQL)) -> Sql:
    path = make_sqlite(tmp_path / "shop.sqlite")
    database = SqliteDatabase(path)
    generator = PromptSqlGenerator(ScriptedChat(reply), database)
    runner = SqlRunner(SqlRecordStore(f"sqlite:///{tmp_path}/records.db"), database, generator)
    return Sql(ManageSql(runner), runner, path)


async def test_propose_list_approve_run(tmp_path: Path) -> None:
    use = make(tmp_path).use
    statement = await use.generate(DEFAULT_CALLER, QUESTION)
    assert statement.state is StatementState.PROPOSED
    assert statement.expire_time - statement.create_time == dt.timedelta(hours=1)
    assert (await use.list(DEFAULT_CALLER, 10, "")).items == (statement,)
    result = await use.execute(DEFAULT_CALLER, statement.id, statement.etag, 100)
    assert result.table.rows == ((3,),)
    assert result.statement == replace(statement, state=StatementState.EXECUTED)
    assert (await use.list(DEFAULT_CALLER, 10, "")).items == ()
    with pytest.raises(SqlStateConflict):
        await use.execute(DEFAULT_CALLER, statement.id, statement.etag, 100)


async def test_an_approval_runs_once_however_often_it_is_sent(tmp_path: Path) -> None:
    use = make(tmp_path).use
    statement = await use.generate(DEFAULT_CALLER, QUESTION)
    calls = [use.execute(DEFAULT_CALLER, statement.id, statement.etag, 100) for _ in range(5)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(not isinstance(result, BaseException) for result in results) == 1
    assert sum(isinstance(result, SqlStateConflict) for result in results) == 4


async def test_rows_are_capped_by_the_request(tmp_path: Path) -> None:
    use = make(tmp_path, fenced("SELECT id FROM users")).use
    statement = await use.generate(DEFAULT_CALLER, QUESTION)
    table = (await use.execute(DEFAULT_CALLER, statement.id, statement.etag, 2)).table
    assert len(table.rows) == 2
    assert table.truncated


async def test_another_text_another_person_another_schema(tmp_path: Path) -> None:
    sql = make(tmp_path)
    statement = await sql.use.generate(DEFAULT_CALLER, QUESTION)
    with pytest.raises(SqlEtagMismatch):
        await sql.use.execute(DEFAULT_CALLER, statement.id, "0" * 32, 100)
    for stranger in (Caller("default", "mallory"), Caller("other", DEFAULT_CALLER.principal)):
        with pytest.raises(NotFound):
            await sql.use.execute(stranger, statement.id, statement.etag, 100)
        with pytest.raises(NotFound):
            await sql.use.reject(stranger, statement.id)
    import sqlite3

    with sqlite3.connect(sql.path) as connection:
        connection.execute("ALTER TABLE users ADD COLUMN age INTEGER")
    fresh = replace(sql.runner, database=SqliteDatabase(sql.path))
    with pytest.raises(SqlEtagMismatch, match="another schema"):
        await ManageSql(fresh).execute(DEFAULT_CALLER, statement.id, statement.etag, 100)


async def test_an_expired_statement_does_not_run(tmp_path: Path) -> None:
    sql = make(tmp_path)
    statement = await sql.use.generate(DEFAULT_CALLER, QUESTION)
    later = replace(sql.runner, clock=lambda: statement.expire_time)
    with pytest.raises(SqlStateConflict, match="expired"):
        await ManageSql(later).execute(DEFAULT_CALLER, statement.id, statement.etag, 100)


async def test_a_rejected_statement_does_not_run(tmp_path: Path) -> None:
    use = make(tmp_path).use
    statement = await use.generate(DEFAULT_CALLER, QUESTION)
    assert (await use.reject(DEFAULT_CALLER, statement.id)).state is StatementState.REJECTED
    assert (await use.reject(DEFAULT_CALLER, statement.id)).state is StatementState.REJECTED
    with pytest.raises(SqlStateConflict, match="REJECTED"):
        await use.execute(DEFAULT_CALLER, statement.id, statement.etag, 100)


async def test_a_failed_run_is_remembered(tmp_path: Path) -> None:
    sql = make(tmp_path, fenced("SELECT SUM(id) FROM users"))
    statement = await sql.use.generate(DEFAULT_CALLER, QUESTION)
    import sqlite3

    with sqlite3.connect(sql.path) as connection:
        connection.execute("UPDATE users SET id = 9223372036854775807 - id")
    with pytest.raises(SqlExecutionFailed, match="overflow"):
        await sql.use.execute(DEFAULT_CALLER, statement.id, statement.etag, 100)
    stored = await sql.runner.records.get_statement(DEFAULT_CALLER, statement.id)
    assert stored.state is StatementState.FAILED


async def test_what_may_run_at_once(tmp_path: Path) -> None:
    runner = make(tmp_path).runner
    assert await runner.may_run_at_once(DEFAULT_CALLER)
    assert not await runner.may_run_at_once(DEFAULT_CALLER, SqlPolicy.REQUIRE_APPROVAL)
    strict = replace(runner, policy=SqlPolicy.REQUIRE_APPROVAL)
    assert not await strict.may_run_at_once(DEFAULT_CALLER, SqlPolicy.AUTO_READ_ONLY)


async def test_what_is_missing_is_named(tmp_path: Path) -> None:
    sql = make(tmp_path, "CANNOT: No table holds that")
    with pytest.raises(SqlNotGenerated, match="No table holds that"):
        await sql.use.generate(DEFAULT_CALLER, QUESTION)
    with pytest.raises(NotConfigured, match="DATABASE_URL"):
        await ManageSql(replace(sql.runner, database=None)).generate(DEFAULT_CALLER, QUESTION)
    with pytest.raises(NotConfigured, match="models pull"):
        await ManageSql(replace(sql.runner, generator=None)).generate(DEFAULT_CALLER, QUESTION)
