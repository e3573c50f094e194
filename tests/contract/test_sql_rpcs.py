"""What a model writes, over HTTP, on both databases, while row counts and the server's log are watched."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.app import assemble
from service.domain.caller import Caller
from service.domain.questions import Usage
from service.ports import ChatMessage, ChatOptions, ChatReply
from service.settings import load
from service.startup import warm
from service.transport.app import build_transport
from tests.answers.conftest import ScriptedChat, WordEmbedder, WordReader
from tests.sql.chat import fenced
from tests.sql.shop import ROWS, TABLES, counts, make_sqlite

pytestmark = pytest.mark.anyio
HOSTILE = Path(__file__).parents[1] / "sql" / "hostile.jsonl"
CASES = [json.loads(line) for line in HOSTILE.read_text("utf-8").splitlines()]
GOOD = fenced("SELECT COUNT(*) AS users FROM users WHERE country = 'Brazil'")
QUESTION = "How many users are from Brazil?"
NO_DATA = re.compile(r"BEGIN |ROLLBACK|SELECT set_config|EXPLAIN \(FORMAT JSON\) |DISCARD ALL|\s*;?\s*$|SELECT 1$")
DAMAGE = re.compile(r"\b(INSERT|UPDATE|DELETE|DROP|ALTER|CREATE|TRUNCATE|COPY|GRANT|REVOKE|CALL|DO)\b", re.I)


@dataclass
class Writer(ScriptedChat):
    """A chat model that writes what the test put in."""

    writes: str = GOOD

    async def complete(
        self, caller: Caller, messages: Sequence[ChatMessage], options: ChatOptions | None = None
    ) -> ChatReply:
        most = options.max_tokens * 8 if options else 4000
        return ChatReply(self.writes[:most], Usage(10, 5, models=(self.model,)), cut=len(self.writes) > most)


@dataclass
class Served:
    """The service over HTTP without a socket; counts and log are read past it."""

    http: httpx.AsyncClient
    chat: Writer
    execute: Callable[[str], None]
    counts: Callable[[], list[int]]
    log: Callable[[], list[str]] | None = None
    warm: Callable[[], Any] | None = field(default=None)

    async def query(self, **fixed: object) -> httpx.Response:
        return await self.http.post("/query", json={"query": QUESTION, "route": "ROUTE_SQL", **fixed})

    async def generate(self) -> httpx.Response:
        return await self.http.post("/sqlStatements:generate", json={"question": QUESTION})

    async def approve(self, statement: dict[str, Any]) -> httpx.Response:
        return await self.http.post(f"/{statement['name']}:execute", json={"etag": statement["etag"]})


@pytest.fixture(scope="session")
def rpc_shop(postgres_url: str) -> tuple[str, str]:
    """A shop whose reader's every statement is logged: the owner's URL and the reader's."""
    import psycopg

    owner = postgres_url.replace("/postgres?", "/rpcshop?")
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE rpcshop")
        connection.execute("CREATE ROLE watched LOGIN")
        connection.execute("ALTER ROLE watched SET log_statement = 'all'")
    with psycopg.connect(owner, autocommit=True) as connection:
        for statement in (*TABLES, *ROWS):
            connection.execute(statement.encode())
        connection.execute("GRANT SELECT ON users, orders TO watched")
    return owner, owner.replace("//postgres:@", "//watched:@")


@pytest.fixture(params=["sqlite", "postgresql"])
async def served(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Served]:
    log: Callable[[], list[str]] | None = None
    if request.param == "sqlite":
        path = make_sqlite(tmp_path / "shop.sqlite")
        url = f"sqlite:///{path}"
        execute, count = _sqlite(path)
    else:
        owner, url = request.getfixturevalue("rpc_shop")
        execute, count, log = _postgres(owner)
    chat = Writer()
    settings = load({"RAGSQL_DATA_DIR": str(tmp_path / "data"), "DATABASE_URL": url})
    assembly = assemble(settings, embedder=WordEmbedder(), reader=WordReader(), chat=chat)
    transport = httpx.ASGITransport(build_transport(assembly.use_cases), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        yield Served(http, chat, execute, count, log, lambda: warm(assembly.route, assembly.ports))
    assembly.close()


def _sqlite(path: Path) -> tuple[Callable[[str], None], Callable[[], list[int]]]:
    import sqlite3

    def execute(sql: str) -> None:
        with sqlite3.connect(path) as connection:
            connection.execute(sql)

    return execute, lambda: counts(path)


def _postgres(owner: str) -> tuple[Callable[[str], None], Callable[[], list[int]], Callable[[], list[str]]]:
    import psycopg

    with psycopg.connect(owner) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
        assert row
        file = Path(row[0]) / "log"

    def execute(sql: str) -> None:
        with psycopg.connect(owner, autocommit=True) as connection:
            connection.execute(sql.encode())

    def count() -> list[int]:
        with psycopg.connect(owner) as connection:
            names = ("orders", "secrets", "users")
            return [r[0] for n in names for r in connection.execute(f"SELECT COUNT(*) FROM {n}".encode())]

    begin = file.stat().st_size

    def log() -> list[str]:
        """What the reader sent since the last call."""
        nonlocal begin
        with file.open("rb") as stream:
            stream.seek(begin)
            text = stream.read().decode("utf-8", "replace")
            begin = stream.tell()
        return re.findall(r"LOG:  (?:statement|execute [^:]*): (.*?)(?=\n\d{4}-|\Z)", text, re.DOTALL)

    return execute, count, log


def reason(response: httpx.Response) -> str:
    return response.json()["details"][0]["debug"]["reason"]


async def test_hostile_statements_are_refused_or_harmless(served: Served) -> None:
    before = served.counts()
    for case in CASES:
        served.chat.writes = fenced(case["statement"])
        for response in (await served.query(noCache=True), await served.generate()):
            body = response.json()
            assert "message" in body or response.status_code == 200, case
            if response.status_code != 200:
                assert reason(response) in ("SQL_NOT_GENERATED", "SQL_NOT_READ_ONLY", "SQL_TIMEOUT"), case
                assert len(body["message"]) > 20
    assert served.counts() == before
    if served.log:
        ran = served.log()
        assert ran
        assert [sql for sql in ran if DAMAGE.match(sql.lstrip("( \n"))] == []


async def test_generating_touches_no_data(served: Served) -> None:
    assert served.warm
    await served.warm()
    if served.log:
        served.log()
    made = (await served.generate()).json()["sqlStatement"]
    assert made["state"] == "SQL_STATEMENT_STATE_PROPOSED"
    waiting = await served.query(sqlPolicy="SQL_POLICY_REQUIRE_APPROVAL")
    assert waiting.json()["pendingSql"]["sqlStatement"]["sql"] == made["sql"]
    if served.log:
        sent = served.log()
        assert any(sql.startswith("EXPLAIN (FORMAT JSON) SELECT") for sql in sent)
        assert [sql for sql in sent if not NO_DATA.match(sql) and "pg_" not in sql] == []


async def test_approve_once_over_http(served: Served) -> None:
    made = (await served.generate()).json()["sqlStatement"]
    other = await served.approve(made | {"etag": "0" * 32})
    assert (other.status_code, other.json()["code"], reason(other)) == (409, "aborted", "SQL_ETAG_MISMATCH")
    done = (await served.approve(made)).json()
    assert done["answer"]["text"] == "There are 2 users."
    assert done["sqlResult"]["table"]["rows"] == [{"values": [{"intValue": "2"}]}]
    assert done["sqlResult"]["executeTime"] >= made["createTime"][:19]
    twice = await served.approve(made)
    assert (twice.json()["code"], reason(twice)) == ("failed_precondition", "SQL_STATE_CONFLICT")
    read = (await served.http.get(f"/{made['name']}")).json()["sqlStatement"]
    assert read["state"] == "SQL_STATEMENT_STATE_EXECUTED"
    events = (await served.http.get("/auditEvents")).json()["auditEvents"]
    assert [event["action"] for event in events] == [
        "AUDIT_ACTION_EXECUTED", "AUDIT_ACTION_APPROVED", "AUDIT_ACTION_GENERATED"
    ]  # fmt: skip
    assert (events[0]["rowCount"], events[0]["approver"]) == ("1", "SQL_APPROVER_PERSON")


@pytest.mark.parametrize(("change", "undo"), [("ADD nick TEXT", "DROP nick"), ("RENAME id TO no", "RENAME no TO id")])
async def test_a_schema_that_changed_since_aborts(served: Served, change: str, undo: str) -> None:
    made = (await served.generate()).json()["sqlStatement"]
    served.execute(f"ALTER TABLE users {change}")
    try:
        response = await served.approve(made)
        assert (response.status_code, reason(response)) == (409, "SQL_ETAG_MISMATCH")
    finally:
        served.execute(f"ALTER TABLE users {undo}")
    assert (await served.http.get("/sqlStatements")).json()["sqlStatements"] == [made]
    assert (await served.approve(made)).status_code == 200  # the schema is what it was again


@pytest.mark.parametrize(
    "writes",
    [
        "I think the answer is 2.",
        f"{GOOD}\n{GOOD}",
        fenced("SELECT TOP 5 [id] FROM [users]"),
        fenced("db.users.find({})"),
        "```sql\n" + "SELECT id FROM users WHERE id IN (" + "1, " * 100_000,
        "",
        "```sql\n```",
    ],
)
async def test_a_model_that_writes_no_sql_is_told_so(served: Served, writes: str) -> None:
    served.chat.writes = writes
    response = await served.generate()
    assert (response.status_code, reason(response)) == (400, "SQL_NOT_GENERATED")
    asked = (await served.query()).json()
    assert asked["noAnswer"]["reason"] == "NO_ANSWER_REASON_SQL_NOT_GENERATED"
    assert asked["noAnswer"]["hint"]
    assert (await served.http.get("/sqlStatements")).json()["sqlStatements"] == []


async def test_a_table_that_others_lock_uses_up_no_approval(served: Served, request: pytest.FixtureRequest) -> None:
    import psycopg

    if not served.log:
        pytest.skip("SQLite's locks are tested in tests/answers/test_approval.py")
    made = (await served.generate()).json()["sqlStatement"]
    owner, _ = request.getfixturevalue("rpc_shop")
    with psycopg.connect(owner) as locking:
        locking.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
        response = await served.approve(made)
        assert (response.status_code, reason(response)) == (503, "UPSTREAM_UNAVAILABLE")
    done = await served.approve(made)
    assert done.json()["answer"]["text"] == "There are 2 users."
