"""Every SqlGenerator writes a guarded statement, declines, or says that it could not; it never runs anything."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from service.adapters.databases.sqlite import SqliteDatabase
from service.adapters.sqlgen.prompt import PromptSqlGenerator
from service.domain.caller import DEFAULT_CALLER
from service.domain.sql import LEAST_CONFIDENCE
from service.errors import SqlNotGenerated
from service.ports import CannotAnswer, SqlDraft, SqlRequest
from tests.sql.chat import ScriptedChat, fenced
from tests.sql.shop import counts, make_sqlite

pytestmark = pytest.mark.anyio


async def generate(path: Path, question: str, *replies: str) -> tuple[SqlDraft | CannotAnswer, ScriptedChat]:
    chat = ScriptedChat(*replies)
    path = Path(tempfile.mkdtemp(dir=path))
    database = SqliteDatabase(make_sqlite(path / "shop.sqlite"))
    request = SqlRequest(question, await database.schema(DEFAULT_CALLER))
    before = counts(path / "shop.sqlite")
    draft = await PromptSqlGenerator(chat, database).generate(DEFAULT_CALLER, request)
    assert counts(path / "shop.sqlite") == before
    return draft, chat


async def test_a_statement_is_guarded_explained_and_priced(tmp_path: Path) -> None:
    draft, _ = await generate(tmp_path, "How many users are from Brazil?",
                              fenced("SELECT COUNT(*) FROM users WHERE country = 'Brazil';"))  # fmt: skip
    assert isinstance(draft, SqlDraft)
    assert draft.sql == "SELECT COUNT(*) FROM users WHERE country = 'Brazil' LIMIT 1001"
    assert draft.tables == ("users",)
    assert draft.explanation == ("Selects COUNT(*) from users, where country = 'Brazil', at most 1001 rows.")
    assert draft.usage.input_tokens == 10
    assert draft.confidence >= LEAST_CONFIDENCE


@pytest.mark.parametrize(
    "reply",
    ["SELECT 1 FROM users", "```sql\nSELECT 1\n```\n```sql\nSELECT 2\n```", fenced("DELETE FROM users"),
     fenced("SELECT token FROM vault"), fenced("SELECT nope FROM users"), "I cannot do that."],
)  # fmt: skip
async def test_two_repairs_and_no_more(tmp_path: Path, reply: str) -> None:
    good = fenced("SELECT COUNT(*) FROM users")
    draft, chat = await generate(tmp_path, "How many users?", reply, good)
    assert isinstance(draft, SqlDraft)
    assert len(chat.asked) == 2
    with pytest.raises(SqlNotGenerated):
        await generate(tmp_path, "How many users?", reply)


async def test_the_repair_names_the_real_column(tmp_path: Path) -> None:
    _, chat = await generate(tmp_path, "Which names?", fenced("SELECT name FROM users"),
                             fenced("SELECT last_name FROM users"))  # fmt: skip
    assert "Real names: users.last_name, users.first_name." in chat.asked[1][-1].content


@pytest.mark.parametrize("question", ["Delete all customers", "please drop the table users", "Update users set x"])
async def test_write_requests_are_declined_without_the_model(tmp_path: Path, question: str) -> None:
    draft, chat = await generate(tmp_path, question, fenced("SELECT 1 FROM users"))
    assert isinstance(draft, CannotAnswer)
    assert chat.asked == []


async def test_the_model_may_decline(tmp_path: Path) -> None:
    draft, _ = await generate(tmp_path, "Who wrote Hamlet?", "CANNOT: no table holds plays")
    assert isinstance(draft, CannotAnswer)
    assert draft.reason.startswith("No table holds plays. The database has ")
    assert draft.reason.endswith("Which of these is your question about?")


async def test_an_answer_from_nowhere_is_not_trusted(tmp_path: Path) -> None:
    draft, _ = await generate(tmp_path, "Who wrote Hamlet?", fenced("SELECT 'Shakespeare' AS author"))
    assert isinstance(draft, CannotAnswer)
    assert draft.reason.startswith("Nothing in the database tells about “wrote” and “Hamlet”.")
    draft, _ = await generate(tmp_path, "What is the capital of France?",
                              fenced("SELECT first_name FROM users WHERE last_name = 'Paris'"))  # fmt: skip
    assert isinstance(draft, SqlDraft)
    assert draft.confidence < LEAST_CONFIDENCE
    assert "Nothing in the database is called “capital” and “France”: what is meant by it?" in draft.explanation


async def test_stored_values_reach_the_prompt_and_secrets_do_not(tmp_path: Path) -> None:
    _, chat = await generate(tmp_path, "What did Helena Holy buy in May 2024?", fenced("SELECT id FROM orders"))
    asked = chat.asked[0][-1].content
    assert "users.last_name = 'Holý'" in asked
    assert "May 2024 is orders.ordered >= '2024-05-01' AND orders.ordered < '2024-06-01'" in asked
    assert "example.com" not in asked
    assert asked.endswith("Question: What did Helena Holy buy in May 2024?")


@pytest.mark.parametrize(
    ("written", "run"),
    [
        ("SELECT COUNT(*) FROM orders o JOIN users u ON u.id = o.id",
         "SELECT COUNT(*) FROM orders AS o JOIN users AS u ON o.user_id = u.id"),
        ("SELECT SUM(o.total) FROM orders o WHERE users.country = 'Brazil'",
         "SELECT SUM(o.total) FROM orders AS o JOIN users ON o.user_id = users.id WHERE users.country = 'Brazil'"),
        ("SELECT u.total FROM users u JOIN orders o ON o.user_id = u.id",
         "SELECT o.total FROM users AS u JOIN orders AS o ON o.user_id = u.id"),
        ('SELECT MAX(id) FROM users WHERE country = "Brazil"', "SELECT MAX(id) FROM users WHERE country = 'Brazil'"),
        ("SELECT first_name FROM users", "SELECT first_name, last_name FROM users"),
        ("SELECT u.country FROM users u GROUP BY u.country HAVING COUNT(*) > 1",
         "SELECT u.country, COUNT(*) FROM users AS u GROUP BY u.country HAVING COUNT(*) > 1 "
         "ORDER BY COUNT(*) DESC, u.country"),
    ],
)  # fmt: skip
async def test_slips_with_one_right_reading_are_mended(tmp_path: Path, written: str, run: str) -> None:
    draft, chat = await generate(tmp_path, "Which users have orders?", fenced(written))
    assert isinstance(draft, SqlDraft)
    assert draft.sql == f"{run} LIMIT 1001"
    assert len(chat.asked) == 1


@pytest.mark.parametrize(
    ("written", "run"),
    [
        ("SELECT email FROM users WHERE country = 'BRAZIL'", "SELECT email FROM users WHERE country = 'Brazil'"),
        ("SELECT email FROM users WHERE last_name = 'Helena'", "SELECT email FROM users WHERE first_name = 'Helena'"),
        ("SELECT email FROM users WHERE country = 'Czechia Republic'",
         "SELECT email FROM users WHERE country = 'Czech Republic'"),
    ],
)  # fmt: skip
async def test_compared_texts_are_those_that_are_stored(tmp_path: Path, written: str, run: str) -> None:
    draft, _ = await generate(tmp_path, "Which users?", fenced(written))
    assert isinstance(draft, SqlDraft)
    assert draft.sql == f"{run} LIMIT 1001"


async def test_a_text_that_is_never_stored_is_told_to_the_model(tmp_path: Path) -> None:
    bad, good = fenced("SELECT id FROM users WHERE country = 'Atlantis'"), fenced("SELECT id FROM users")
    _, chat = await generate(tmp_path, "Which users?", bad, good)
    assert "never 'Atlantis'" in chat.asked[1][-1].content
    assert "'Brazil', 'Czech Republic'" in chat.asked[1][-1].content
