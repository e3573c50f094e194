"""SQL and rows are taken from the caches exactly as long as nothing they depend on has changed."""

from __future__ import annotations

import sqlite3

import pytest

from service.adapters.caches.memory import MemoryCache
from service.adapters.databases.sqlite import SqliteDatabase
from service.domain.caller import DEFAULT_CALLER, Caller
from service.domain.questions import Answer, Question, Route
from service.domain.sql import ExecutionLimits
from service.domain.tables import Table
from service.usecases.sql_caches import RESULT_KIND
from tests.answers.conftest import ScriptedGenerator, World, draft
from tests.answers.test_answer_question import CASELOAD, RULES, TOO_MANY, ask
from tests.answers.test_approval import WHO, again, approve, pending

pytestmark = pytest.mark.anyio


async def test_rows_come_from_the_cache_for_a_policy_and_afresh_for_a_person(world: World) -> None:
    world.generator.reply = draft(TOO_MANY)
    first = (await ask(world, WHO, route=Route.SQL)).outcome
    with sqlite3.connect(world.database) as connection:
        connection.execute("UPDATE agent SET customers = 22 WHERE id = 1")
    second = (await ask(world, WHO, route=Route.SQL)).outcome
    assert isinstance(first, Answer)
    assert isinstance(second, Answer)
    read, cached = first.sql_results[0], second.sql_results[0]
    assert (read.cache_hit, cached.cache_hit) == (False, True)
    assert (cached.table, cached.execute_time) == (read.table, read.execute_time)
    assert second.text == first.text
    afresh = (await ask(world, WHO, route=Route.SQL, no_cache=True)).outcome
    assert isinstance(afresh, Answer)
    assert "22" in afresh.text
    waiting = await pending(world)
    done = await approve(world, waiting.statement)
    assert (done.result.cache_hit, done.result.table.rows) == (False, (("Jane", 22),))
    assert done.result.execute_time > read.execute_time


async def test_rows_are_apart_by_text_limit_and_schema_and_can_be_cleared(world: World) -> None:
    async def hit(sql: str = TOO_MANY) -> bool:
        world.generator.reply = draft(sql)
        result = (await ask(world, f"Who? {sql}", route=Route.SQL)).outcome
        assert isinstance(result, Answer)
        return result.sql_results[0].cache_hit

    assert [await hit(), await hit()] == [False, True]
    assert not await hit("SELECT name FROM agent WHERE name = 'jane'")
    assert not await hit("SELECT name FROM agent WHERE name = 'Jane'")
    assert await world.assembly.use_cases.caches.clear(DEFAULT_CALLER, RESULT_KIND) == 3
    assert [await hit(), await hit()] == [False, True]
    with sqlite3.connect(world.database) as connection:
        connection.execute("ALTER TABLE agent ADD COLUMN age INTEGER")
    await world.assembly.route.database.schema(DEFAULT_CALLER, fresh=True)  # pyright: ignore[reportOptionalMemberAccess]
    assert not await hit()


async def test_rows_of_a_view_that_selects_otherwise_now_are_read_anew(world: World) -> None:
    with sqlite3.connect(world.database) as connection:
        connection.execute("CREATE VIEW busy AS SELECT name FROM agent WHERE customers > 10")
    world.generator.reply = draft("SELECT COUNT(*) AS n FROM busy")
    first = await ask(world, WHO, route=Route.SQL)
    with sqlite3.connect(world.database) as connection:
        connection.executescript(
            "DROP VIEW busy; CREATE VIEW busy AS SELECT name FROM agent WHERE customers > 20 LIMIT 1"
        )
    second = await ask(world, WHO, route=Route.SQL)
    assert isinstance(first.outcome, Answer)
    assert isinstance(second.outcome, Answer)
    assert [answer.sql_results[0].table.rows for answer in (first.outcome, second.outcome)] == [((2,),), ((1,),)]


async def test_rows_that_were_being_read_when_they_were_cleared_are_not_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.generator.reply = draft(TOO_MANY)
    execute, caches = SqliteDatabase.execute, world.assembly.use_cases.caches

    async def slow(self: SqliteDatabase, caller: Caller, sql: str, limits: ExecutionLimits) -> Table:
        table = await execute(self, caller, sql, limits)
        with sqlite3.connect(world.database) as connection:
            connection.execute("UPDATE agent SET customers = 22 WHERE id = 1")
        await caches.clear(DEFAULT_CALLER, RESULT_KIND)
        return table

    with monkeypatch.context() as patched:
        patched.setattr(SqliteDatabase, "execute", slow)
        first = await ask(world, WHO, route=Route.SQL)
    second = await ask(world, WHO, route=Route.SQL)
    assert isinstance(first.outcome, Answer)
    assert isinstance(second.outcome, Answer)
    rows = [answer.sql_results[0].table.rows for answer in (first.outcome, second.outcome)]
    assert rows == [(("Jane", 21),), (("Jane", 22),)]


JUNK = (b"", b"{}", b"\xff", b"null", b"[1,2,3]", b'{"items":[1]}', b'["Nope",{}]', b'["SqlResult",{"x":1}]')


@pytest.mark.parametrize("junk", JUNK)
async def test_what_another_version_or_a_fault_left_in_a_cache_is_worked_out_anew(
    world: World, junk: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.upload("rules.md", RULES)
    world.generator.reply = draft(TOO_MANY)
    asked = [(CASELOAD, Route.DOCUMENTS), (WHO, Route.SQL)]
    before = [await ask(world, text, route=route) for text, route in asked]
    get = MemoryCache.get

    async def damaged(self: MemoryCache, caller: Caller, kind: str, key: str) -> bytes | None:
        return None if await get(self, caller, kind, key) is None else junk

    monkeypatch.setattr(MemoryCache, "get", damaged)
    after = [await ask(world, text, route=route) for text, route in asked]
    for one, other in zip(before, after, strict=True):
        assert isinstance(one.outcome, Answer)
        assert isinstance(other.outcome, Answer)
        assert (one.outcome.text, other.cache_hit) == (other.outcome.text, False)
    stats = await world.assembly.use_cases.caches.stats(DEFAULT_CALLER)
    assert [stats[kind].hits for kind in ("embedding", "answer", "sql", "sql_result")] == [0] * 4


async def test_zero_seconds_switch_the_rows_cache_off(world: World) -> None:
    other = again(world, RAGSQL_SQL_RESULT_TTL_SECONDS="0")
    world.generator.reply = draft(TOO_MANY)
    for _ in range(2):
        result = (await other.use_cases.questions.ask(DEFAULT_CALLER, Question(WHO, Route.SQL))).outcome
        assert isinstance(result, Answer)
        assert not result.sql_results[0].cache_hit
    other.close()


async def test_sql_is_written_once_for_the_exact_question_and_anew_after_a_rejection(world: World) -> None:
    generator: ScriptedGenerator = world.generator
    generator.reply = draft("SELECT COUNT(*) AS n FROM agent")
    sql = world.assembly.use_cases.sql
    first = (await sql.generate(DEFAULT_CALLER, "How many Agents?")).statement
    second = (await sql.generate(DEFAULT_CALLER, "How many Agents?")).statement
    assert (second.sql, second.id == first.id) == (first.sql, False)
    assert len(generator.requests) == 1
    await sql.generate(DEFAULT_CALLER, "How many agents?")
    await sql.generate(Caller("other"), "How many Agents?")
    assert len(generator.requests) == 3
    generator.version = "another prompt"
    await sql.generate(DEFAULT_CALLER, "How many Agents?")
    assert len(generator.requests) == 4
    await sql.reject(DEFAULT_CALLER, second.id)
    await sql.generate(DEFAULT_CALLER, "How many Agents?")
    assert len(generator.requests) == 5
