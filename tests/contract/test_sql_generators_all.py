"""Every SqlGenerator, whatever the model replies: a guarded statement, a reason, or a typed error; nothing is run."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from service.adapters.databases.sqlite import SqliteDatabase
from service.adapters.sqlgen.prompt import PromptSqlGenerator
from service.adapters.sqlgen.vanna import VannaSqlGenerator
from service.domain.caller import DEFAULT_CALLER, Caller
from service.domain.questions import Usage
from service.domain.sql import LEAST_CONFIDENCE, ExampleQuery, KnowledgeItem
from service.errors import NotConfigured, SqlNotGenerated, UpstreamUnavailable
from service.ports import (
    CannotAnswer,
    ChatMessage,
    ChatModel,
    ChatOptions,
    ChatReply,
    Database,
    SqlDraft,
    SqlGenerator,
    SqlRequest,
)
from tests.sql.chat import ScriptedChat, fenced
from tests.sql.shop import counts, make_sqlite

pytestmark = pytest.mark.anyio
Make = Callable[[ChatModel, Database], SqlGenerator]
GOOD = fenced("SELECT COUNT(*) FROM users WHERE country = 'Brazil'")
RUNS = "SELECT COUNT(*) FROM users WHERE country = 'Brazil' LIMIT 1001"
QUESTION = "How many users are from Brazil?"
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.fixture(params=[PromptSqlGenerator, VannaSqlGenerator])
def make(request: pytest.FixtureRequest) -> Make:
    return request.param


@dataclass(frozen=True, slots=True)
class Shop:
    database: SqliteDatabase
    path: Path

    async def ask(
        self, make: Make, chat: ChatModel, question: str = QUESTION, knowledge: Sequence[KnowledgeItem] = ()
    ) -> SqlDraft | CannotAnswer:
        request = SqlRequest(question, await self.database.schema(DEFAULT_CALLER), tuple(knowledge))
        before = counts(self.path)
        try:
            return await make(chat, self.database).generate(DEFAULT_CALLER, request)
        finally:
            assert counts(self.path) == before


@pytest.fixture
def shop(sqlite_database: SqliteDatabase, sqlite_path: Path) -> Shop:
    return Shop(sqlite_database, sqlite_path)


@pytest.fixture
def sqlite_path(tmp_path: Path) -> Path:
    return make_sqlite(tmp_path / "shop.sqlite")


@pytest.fixture
def sqlite_database(sqlite_path: Path) -> SqliteDatabase:
    return SqliteDatabase(sqlite_path)


class SlowChat(ScriptedChat):
    """Never replies, and notices when nobody waits any more; or breaks."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__(GOOD)
        self.error = error
        self.begun, self.stopped = asyncio.Event(), asyncio.Event()

    async def complete(
        self, caller: Caller, messages: Sequence[ChatMessage], options: ChatOptions | None = None
    ) -> ChatReply:
        if self.error:
            raise self.error
        self.begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.stopped.set()
            raise
        return await super().complete(caller, messages, options)


class EndlessChat(ScriptedChat):
    """Never comes to an end: what is allowed of it is cut off."""

    async def complete(
        self, caller: Caller, messages: Sequence[ChatMessage], options: ChatOptions | None = None
    ) -> ChatReply:
        assert options is not None
        assert 0 < options.max_tokens <= 1000
        assert 0 < options.timeout_seconds < 600
        self.asked.append(messages)
        return ChatReply("```sql\nSELECT id, " * options.max_tokens, Usage(10, options.max_tokens), cut=True)


async def test_one_valid_statement(shop: Shop, make: Make) -> None:
    draft = await shop.ask(make, ScriptedChat(GOOD))
    assert isinstance(draft, SqlDraft)
    assert (draft.sql, draft.tables) == (RUNS, ("users",))
    assert draft.confidence >= LEAST_CONFIDENCE
    assert "where country = 'Brazil'" in draft.explanation
    assert draft.usage == Usage(10, 5, models=("scripted",))


BAD = {
    "two blocks": f"{GOOD}\n{GOOD}",
    "nothing": "",
    "empty block": "```sql\n\n```",
    "an open block": "```sql\nSELECT id FROM users",
    "prose with SQL": "You could try SELECT id FROM users, I think.",
    "DML": fenced("DELETE FROM users"),
    "DDL": fenced("DROP TABLE users"),
    "two statements": fenced("SELECT 1 FROM users; DELETE FROM users"),
    "DML in a CTE": fenced("WITH x AS (DELETE FROM users RETURNING id) SELECT id FROM x"),
    "another dialect": fenced("SELECT TOP 5 [id] FROM users"),
    "an unknown function": fenced("SELECT load_extension('x') FROM users"),
    "an unknown table": fenced("SELECT id FROM customers"),
    "an unknown column": fenced("SELECT shoe_size FROM users"),
    "a query before the query": fenced("-- intermediate_sql\nSELECT DISTINCT country FROM users"),
}


def skip_what_only_vanna_asks_for(why: str, make: Make) -> None:
    if why == "a query before the query" and make is PromptSqlGenerator:
        pytest.skip("only vanna's prompt asks for it; here it is a query like others")


@pytest.mark.parametrize("why", BAD)
async def test_a_bad_reply_is_repaired_with_its_problem(shop: Shop, make: Make, why: str) -> None:
    skip_what_only_vanna_asks_for(why, make)
    chat = ScriptedChat(BAD[why], GOOD)
    draft = await shop.ask(make, chat)
    assert isinstance(draft, SqlDraft)
    assert draft.sql == RUNS
    assert len(chat.asked) == 2
    assert draft.usage.input_tokens == 20
    assert "That SQL fails" in chat.asked[1][-1].content
    if why == "an unknown column":
        assert "shoe_size" in chat.asked[1][-1].content


@pytest.mark.parametrize("why", BAD)
async def test_three_bad_replies_are_an_error(shop: Shop, make: Make, why: str) -> None:
    skip_what_only_vanna_asks_for(why, make)
    chat = ScriptedChat(BAD[why])
    with pytest.raises(SqlNotGenerated, match="last problem"):
        await shop.ask(make, chat)
    assert len(chat.asked) == 3


async def test_the_model_declines(shop: Shop, make: Make) -> None:
    reply = await shop.ask(make, ScriptedChat("CANNOT: no table holds plays"), "Who wrote Hamlet?")
    assert isinstance(reply, CannotAnswer)
    assert reply.reason.startswith("No table holds plays. The database has orders, secrets, users.")
    assert reply.usage.output_tokens == 5


async def test_prose_is_no_statement(shop: Shop, make: Make) -> None:
    chat = ScriptedChat("There is no table about plays.")
    try:
        reply = await shop.ask(make, chat, "Who wrote Hamlet?")
    except SqlNotGenerated:
        assert make is PromptSqlGenerator
        return
    assert isinstance(reply, CannotAnswer)
    assert reply.reason.startswith("There is no table about plays. The database has")


async def test_an_endless_stream_is_cut(shop: Shop, make: Make) -> None:
    chat = EndlessChat(GOOD)
    with pytest.raises(SqlNotGenerated):
        await shop.ask(make, chat)
    assert len(chat.asked) == 3


async def test_a_request_to_write_never_reaches_the_model(shop: Shop, make: Make) -> None:
    chat = ScriptedChat(GOOD)
    assert isinstance(await shop.ask(make, chat, "Delete all users"), CannotAnswer)
    assert chat.asked == []


@pytest.mark.parametrize("error", [UpstreamUnavailable("It is down."), NotConfigured("Run `ragsql models pull`.")])
async def test_what_the_model_raises_is_raised(shop: Shop, make: Make, error: Exception) -> None:
    with pytest.raises(type(error), match=str(error)):
        await shop.ask(make, SlowChat(error))


@pytest.mark.parametrize("dawdles", [0.0, 0.2])
async def test_giving_up_stops_the_model(
    shop: Shop, make: Make, dawdles: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when a thread that asks it is not told at once that it has begun."""
    submit = asyncio.run_coroutine_threadsafe

    def slowly(*given: Any) -> Any:
        future = submit(*given)
        time.sleep(dawdles)
        return future

    monkeypatch.setattr(asyncio, "run_coroutine_threadsafe", slowly)
    asking = asyncio.create_task(shop.ask(make, chat := SlowChat()))
    await chat.begun.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await asyncio.wait_for(chat.stopped.wait(), 60)


async def test_tables_values_and_knowledge_are_in_the_prompt(
    shop: Shop, make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    knowledge = [
        KnowledgeItem("1", NOW, example=ExampleQuery("How many users are Czech?", "SELECT 'taught' FROM users")),
        KnowledgeItem("2", NOW, documentation="Users of Brazil are called Brazilians."),
        KnowledgeItem("3", NOW, ddl="CREATE VIEW brazilians AS SELECT 1"),
    ]
    chat = ScriptedChat(GOOD)
    await shop.ask(make, chat, knowledge=knowledge)
    prompt = "\n".join(message.content for message in chat.asked[0])
    for part in ("CREATE TABLE users", "users.country = 'Brazil'", "SELECT 'taught' FROM users",
                 "called Brazilians", "CREATE VIEW brazilians"):  # fmt: skip
        assert part in prompt
    assert "example.com" not in prompt
    assert chat.asked[0][-1].content.endswith(f"Question: {QUESTION}")
    assert capsys.readouterr() == ("", "")


async def test_warming_reads_the_schema_and_writes_nothing(shop: Shop, make: Make) -> None:
    chat = ScriptedChat("S")
    await make(chat, shop.database).warm(DEFAULT_CALLER, await shop.database.schema(DEFAULT_CALLER))
    assert any("CREATE TABLE users" in message.content for asked in chat.asked for message in asked)
