"""A cached answer is given exactly as long as nothing that it depends on has changed, by whomever."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.adapters.databases.postgres import PostgresDatabase
from service.app import Assembly
from service.domain.caller import DEFAULT_CALLER, Caller
from service.domain.questions import Answer, Question, Route, SqlPolicy
from service.domain.sql import ExampleQuery, KnowledgeItem
from service.usecases import answer_cache
from service.usecases.answer_cache import AnswerCache
from service.usecases.ask_once import AskOnce
from tests.answers.conftest import World, draft
from tests.answers.test_answer_question import CASELOAD, RULES, TOO_MANY
from tests.answers.test_approval import again
from tests.answers.test_taught_answers import NOW

pytestmark = pytest.mark.anyio
ASKED = Question(CASELOAD, Route.DOCUMENTS)
QUESTIONS = st.builds(
    Question,
    st.text(),
    st.sampled_from(Route),
    st.sampled_from(SqlPolicy),
    st.lists(st.text(max_size=3), max_size=3).map(tuple),
    st.integers(1, 50),
)


class Named:
    """Stands for an adapter of which the key takes the name and the epochs."""

    model = "m"

    async def epoch(self, caller: Caller) -> str:
        return f"corpus of {caller.tenant}"

    async def knowledge_epoch(self, caller: Caller) -> str:
        return "knowledge"


def cache_of(**parts: Any) -> AnswerCache:
    named: Any = Named()
    names = ("cache", "vectors", "embedder", "reader", "chat", "knowledge")
    values: dict[str, Any] = {"database": None, **dict.fromkeys(names, named), **parts}
    return AnswerCache(**values)


def of_world(world: World) -> AnswerCache:
    questions: Any = world.assembly.use_cases.questions
    once: AskOnce = questions._questions
    return once.cache


@given(QUESTIONS, QUESTIONS)
async def test_different_questions_have_different_keys(one: Question, other: Question) -> None:
    cache = cache_of()
    same = (await cache.key(DEFAULT_CALLER, one)).digest == (await cache.key(DEFAULT_CALLER, other)).digest
    assert same == (one == other)


@pytest.mark.parametrize("text", [CASELOAD.upper(), CASELOAD + " ", "Who is 'Jane'?", "Who is 'jane'?"])
async def test_no_two_texts_are_taken_for_one(text: str) -> None:
    cache = cache_of()
    others = [CASELOAD, "Who is 'JANE'?", "Who is Jane?"]
    assert (await cache.key(DEFAULT_CALLER, Question(text))).digest not in [
        (await cache.key(DEFAULT_CALLER, Question(other))).digest for other in others
    ]


@pytest.mark.parametrize("part", ["embedder", "reader", "chat", "vectors", "knowledge", "flow", "tenant", "principal"])
async def test_everything_that_has_a_part_in_an_answer_is_in_its_key(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Other(Named):
        model = "other"

        async def epoch(self, caller: Caller) -> str:
            return "changed"

        knowledge_epoch = epoch

    before = await cache_of().key(DEFAULT_CALLER, ASKED)
    who = {"tenant": Caller(tenant="other"), "principal": Caller(principal="other")}.get(part, DEFAULT_CALLER)
    if part == "flow":
        monkeypatch.setattr(answer_cache, "FLOW_VERSION", "next")
    cache = cache_of(**({part: Other()} if part in ("embedder", "reader", "chat", "vectors", "knowledge") else {}))
    after = await cache.key(who, ASKED)
    # Who asks decides nothing about what is answered.
    assert (after.digest == before.digest) == (part == "principal")


async def teach(assembly: Assembly) -> None:
    item = KnowledgeItem("", NOW, documentation="A busy agent looks after more than 20 customers.")
    await assembly.use_cases.knowledge.create(DEFAULT_CALLER, item)


async def import_items(assembly: Assembly) -> None:
    items = [KnowledgeItem("", NOW, documentation=f"Rule {number}.") for number in range(2)]
    await assembly.use_cases.knowledge.load(DEFAULT_CALLER, items)


async def unteach(assembly: Assembly) -> None:
    (item, *_) = (await assembly.use_cases.knowledge.list(DEFAULT_CALLER, 10, "")).items
    await assembly.use_cases.knowledge.delete(DEFAULT_CALLER, item.id)


async def promote(assembly: Assembly) -> None:
    answered = await assembly.use_cases.questions.ask(DEFAULT_CALLER, replace(ASKED, no_cache=True))
    assert isinstance(answered.outcome, Answer)
    feedback = assembly.use_cases.feedback
    given = await feedback.create(DEFAULT_CALLER, answered.outcome.id, "BAD", "", "SELECT COUNT(*) FROM agent")
    await feedback.promote(DEFAULT_CALLER, given)


async def upload(assembly: Assembly) -> None:
    await assembly.use_cases.documents.upload(DEFAULT_CALLER, "other.md", b"# Other\n\nAgents may look after pets.")


async def delete(assembly: Assembly) -> None:
    page = await assembly.use_cases.documents.list(DEFAULT_CALLER, 10, "", ())
    other = next(item for item in page.items if item.filename == "spare.md")
    await assembly.use_cases.documents.delete(DEFAULT_CALLER, other.id)


async def change_schema(assembly: Assembly) -> None:
    with sqlite3.connect(assembly.settings.database_url.removeprefix("sqlite:///")) as connection:
        connection.execute("ALTER TABLE agent ADD COLUMN age INTEGER")


async def replace_database(assembly: Assembly) -> None:
    path = assembly.settings.database_url.removeprefix("sqlite:///")
    with sqlite3.connect(f"{path}.new") as connection:
        connection.execute("CREATE TABLE clerk (id INTEGER PRIMARY KEY)")
    Path(f"{path}.new").replace(path)


async def copy_over(assembly: Assembly) -> None:
    """Another database over the file itself, with as many changes of its schema behind it."""
    path = assembly.settings.database_url.removeprefix("sqlite:///")
    with sqlite3.connect(path) as connection:
        (count,) = connection.execute("PRAGMA schema_version").fetchone()
    with sqlite3.connect(f"{path}.new") as connection:
        connection.execute("CREATE TABLE clerk (id INTEGER PRIMARY KEY)")
        connection.execute(f"PRAGMA schema_version = {count}")
    shutil.copyfile(f"{path}.new", path)


async def write_ahead(assembly: Assembly) -> None:
    """Change the schema where only the log says so."""
    connection = sqlite3.connect(assembly.settings.database_url.removeprefix("sqlite:///"))
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("ALTER TABLE agent ADD COLUMN age INTEGER")
    connection.commit()
    held.append(connection)


held: list[sqlite3.Connection] = []
"""Open until the end: closing the last connection would fold the log into the file."""

CHANGES = (
    teach, import_items, unteach, promote, upload, delete,
    change_schema, replace_database, copy_over, write_ahead,
)  # fmt: skip


@pytest.mark.parametrize("by_another_process", [False, True])
@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_is_seen_by_the_next_question(
    world: World, change: Callable[[Assembly], Awaitable[None]], by_another_process: bool
) -> None:
    await world.upload("rules.md", RULES)
    await world.upload("spare.md", "# Spare\n\nNothing about customers.")
    await world.assembly.use_cases.knowledge.create(DEFAULT_CALLER, KnowledgeItem("", NOW, documentation="Old rule."))
    questions = world.assembly.use_cases.questions
    assert [(await questions.ask(DEFAULT_CALLER, ASKED)).cache_hit for _ in range(2)] == [False, True]
    known = await questions.again(DEFAULT_CALLER, ASKED)
    assert known is not None
    assert await questions.again(DEFAULT_CALLER, ASKED) is known
    other = again(world) if by_another_process else world.assembly
    await change(other)
    assert await questions.again(DEFAULT_CALLER, ASKED) is None
    assert not (await questions.ask(DEFAULT_CALLER, ASKED)).cache_hit
    assert (await questions.ask(DEFAULT_CALLER, ASKED)).cache_hit
    if by_another_process:
        other.close()
    while held:
        held.pop().close()


async def test_a_change_of_a_postgresql_schema_is_seen_at_once(world: World, postgres_database: str) -> None:
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        connection.execute("CREATE TABLE agent (id int PRIMARY KEY)")
        database = PostgresDatabase(postgres_database)
        cache = replace(of_world(world), database=database)
        before = await cache.key(DEFAULT_CALLER, ASKED)
        assert await cache.key(DEFAULT_CALLER, ASKED) == before
        connection.execute("ALTER TABLE agent ADD COLUMN name text")
        assert await cache.key(DEFAULT_CALLER, ASKED) != before
    database.close()


async def test_taught_examples_and_schema_changes_ask_for_sql_anew(world: World) -> None:
    question = Question("Which agents look after more than 20 customers?", Route.SQL)
    world.generator.reply = draft(TOO_MANY)
    ask = world.assembly.use_cases.questions.ask
    for _ in range(2):
        await ask(DEFAULT_CALLER, question)
    assert len(world.generator.requests) == 1
    example = ExampleQuery("Which agents look after more than 10 customers?", TOO_MANY.replace("20", "10"))
    await world.assembly.use_cases.knowledge.create(DEFAULT_CALLER, KnowledgeItem("", NOW, example=example))
    await ask(DEFAULT_CALLER, question)
    assert len(world.generator.requests) == 2
    await change_schema(world.assembly)
    answered = await ask(DEFAULT_CALLER, question)
    assert len(world.generator.requests) == 3
    assert isinstance(answered.outcome, Answer)
    assert not answered.outcome.sql_results[0].cache_hit


@pytest.mark.parametrize("name", ["ANSWER", "EMBEDDING", "SQL"])
async def test_zero_seconds_switch_a_cache_off(world: World, name: str) -> None:
    await world.upload("rules.md", RULES)
    world.generator.reply = draft(TOO_MANY)
    service = again(world, **{f"RAGSQL_CACHE_{name}_TTL_SECONDS": "0"})
    anew = replace(ASKED, no_cache=True)
    for question in (ASKED, ASKED, anew, Question("Who?", Route.SQL), Question("Who?", Route.SQL)):
        await service.use_cases.questions.ask(DEFAULT_CALLER, question)
    found = await service.use_cases.caches.stats(DEFAULT_CALLER)
    switched_off = found[name.lower()]
    assert switched_off.hits == 0
    assert all(found[kind].hits for kind in {"answer", "embedding", "sql"} - {name.lower()})
    service.close()
