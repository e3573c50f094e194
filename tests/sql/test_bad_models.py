"""A model that does not keep to the contract: a typed error or a statement that was put right, never anything else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from service.adapters.chat.openai import OpenAIChat
from service.adapters.databases.sqlite import SqliteDatabase
from service.adapters.sqlgen.prompt import PromptSqlGenerator
from service.domain.caller import DEFAULT_CALLER
from service.errors import SqlNotGenerated, UpstreamUnavailable
from service.ports import CannotAnswer, SqlDraft, SqlRequest
from tests.scripted_model import Endless, scripted_model
from tests.sql.chat import fenced
from tests.sql.shop import counts, make_sqlite

pytestmark = pytest.mark.anyio
QUESTION = "How many users are from Brazil?"


async def ask(tmp_path: Path, answer: Callable[[str], str]) -> SqlDraft | CannotAnswer:
    path = make_sqlite(tmp_path / "shop.sqlite")
    database = SqliteDatabase(path)
    before = counts(path)
    with scripted_model(answer) as url:
        generator = PromptSqlGenerator(OpenAIChat("scripted", api_key="key", base_url=url), database)
        try:
            return await generator.generate(DEFAULT_CALLER, SqlRequest(QUESTION, await database.schema(DEFAULT_CALLER)))
        finally:
            assert counts(path) == before


@pytest.mark.parametrize(
    "reply",
    ["There are two of them.", "", "```sql\n```", "SELECT COUNT(*) FROM users",
     fenced("SELECT 1 FROM users") + "\n" + fenced("SELECT 2 FROM users"),
     "```sql\nSELECT COUNT(*) FROM users", fenced("SELECT TOP 5 first_name FROM users"),
     fenced("SELECT `a`.`b`[0] FROM users"), fenced("SELECT COUNT(*) FROM users; DROP TABLE users")],
)  # fmt: skip
async def test_a_reply_in_another_form_is_no_statement(tmp_path: Path, reply: str) -> None:
    with pytest.raises(SqlNotGenerated, match="The last problem: "):
        await ask(tmp_path, lambda asked: reply)


async def test_another_dialect_is_put_right_where_it_can_be(tmp_path: Path) -> None:
    written = fenced('SELECT COUNT(*) FROM public.users WHERE country = "Brazil" LIMIT 1')
    replies = [written, fenced("SELECT COUNT(*) FROM users WHERE country = 'Brazil'")]
    draft = await ask(tmp_path, lambda asked: replies.pop(0) if len(replies) > 1 else replies[0])
    assert isinstance(draft, SqlDraft)
    assert draft.sql == "SELECT COUNT(*) FROM users WHERE country = 'Brazil' LIMIT 1001"


async def test_a_reply_without_an_end_is_cut_off(tmp_path: Path) -> None:
    def answer(asked: str) -> str:
        raise Endless

    with pytest.raises(UpstreamUnavailable):
        await ask(tmp_path, answer)


async def test_an_endless_statement_is_no_statement(tmp_path: Path) -> None:
    with pytest.raises(SqlNotGenerated):
        await ask(tmp_path, lambda asked: fenced("SELECT " + "1, " * 100_000 + "1 FROM users"))


async def test_a_reason_becomes_a_question_back(tmp_path: Path) -> None:
    declined = await ask(tmp_path, lambda asked: "CANNOT: no column holds that")
    assert isinstance(declined, CannotAnswer)
    assert declined.reason == (
        "No column holds that. The question was understood to be about users, orders. Which of what users holds "
        "(id, first_name, last_name, email, country, password) do you mean?"
    )
