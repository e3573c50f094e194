"""A statement runs once, as reviewed, by whoever asked, while it is fresh."""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from service.adapters.caches.memory import MemoryCache
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
from service.usecases.finish_answer import FinishAnswer
from service.usecases.phrase_rows import PhraseRows
from service.usecases.run_sql import RunSql
from service.usecases.sql_caches import DraftCache
from service.usecases.sql_statements import ProposeSql
from tests.sql.chat import ScriptedChat, fenced
from tests.sql.shop import make_sqlite

pytestmark = pytest.mark.anyio
QUESTION = "How many users?"
SQL = "SELECT COUNT(*) FROM users"


@dataclass(frozen=True, slots=True)
class Sql:
    use: ManageSql
    runner: ProposeSql
    path: Path


def make(tmp_path: Path, *replies: str) -> Sql:
    path = make_sqlite(tmp_path / "shop.sqlite")
    database = SqliteDatabase(path)
    generator = PromptSqlGenerator(ScriptedChat(*(replies or [fenced(SQL)])), database)
    records = SqlRecordStore(f"sqlite:///{tmp_path}/records.db")
    runner = ProposeSql(records, database, generator, DraftCache(MemoryCache(100_000), "shop"))
    return Sql(managing(runner), runner, path)


def managing(runner: ProposeSql) -> ManageSql:
    return ManageSql(runner, RunSql(runner), FinishAnswer(runner.records, PhraseRows()))


async def test_propose_list_approve_run(tmp_path: Path) -> None:
    use = make(tmp_path).use
    statement = (await use.generate(DEFAULT_CALLER, QUESTION)).statement
    assert statement.state is StatementState.PROPOSED
    assert statement.expire_time - statement.create_time == dt.timedelta(hours=1)
    assert (await use.list(DEFAULT_CALLER, 10, "")).items == (statement,)
    result = await use.execute(DEFAULT_CALLER, statement.id, statement.etag, 100)
    assert result.result.table.rows == ((3,),)
    assert result.answer.text == "The count is 3."
    assert result.result.statement == replace(statement, state=StatementState.EXECUTED)
    assert (await use.list(DEFAULT_CALLER, 10, "")).items == ()
    with pytest.raises(SqlStateConflict):
        await use.execute(DEFAULT_CALLER, statement.id, statement.etag, 100)


async def test_an_approval_runs_once_however_often_it_is_sent(tmp_path: Path) -> None:
    use = make(tmp_path).use
    statement = (await use.generate(DEFAULT_CALLER, QUESTION)).statement
    calls = [use.execute(DEFAULT_CALLER, statement.id, statement.etag, 100) for _ in range(5)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(not isinstance(result, BaseException) for result in results) == 1
    assert sum(isinstance(result, SqlStateConflict) for result in results) == 4


async def test_rows_are_capped_by_the_request(tmp_path: Path) -> None:
    use = make(tmp_path, fenced("SELECT id FROM users")).use
    statement = (await use.generate(DEFAULT_CALLER, QUESTION)).statement
    table = (await use.execute(DEFAULT_CALLER, statement.id, statement.etag, 2)).result.table
    assert len(table.rows) == 2
    assert table.truncated


async def test_another_text_another_person_another_schema(tmp_path: Path) -> None:
    sql = make(tmp_path)
    statement = (await sql.use.generate(DEFAULT_CALLER, QUESTION)).statement
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
    with pytest.raises(SqlEtagMismatch, match="have changed"):
        await sql.use.execute(DEFAULT_CALLER, statement.id, statement.etag, 100)


async def test_an_expired_statement_does_not_run(tmp_path: Path) -> None:
    sql = make(tmp_path)
    statement = (await sql.use.generate(DEFAULT_CALLER, QUESTION)).statement
    later = replace(sql.runner, clock=lambda: statement.expire_time)
    with pytest.raises(SqlStateConflict, match="expired"):
        await managing(later).execute(DEFAULT_CALLER, statement.id, statement.etag, 100)


async def test_a_rejected_statement_does_not_run(tmp_path: Path) -> None:
    use = make(tmp_path).use
    statement = (await use.generate(DEFAULT_CALLER, QUESTION)).statement
    assert (await use.reject(DEFAULT_CALLER, statement.id)).state is StatementState.REJECTED
    assert (await use.reject(DEFAULT_CALLER, statement.id)).state is StatementState.REJECTED
    with pytest.raises(SqlStateConflict, match="REJECTED"):
        await use.execute(DEFAULT_CALLER, statement.id, statement.etag, 100)


async def test_a_failed_run_is_remembered(tmp_path: Path) -> None:
    sql = make(tmp_path, fenced("SELECT SUM(id) FROM users"))
    statement = (await sql.use.generate(DEFAULT_CALLER, QUESTION)).statement
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
        await managing(replace(sql.runner, database=None)).generate(DEFAULT_CALLER, QUESTION)
    with pytest.raises(NotConfigured, match="models pull"):
        await managing(replace(sql.runner, generator=None)).generate(DEFAULT_CALLER, QUESTION)
