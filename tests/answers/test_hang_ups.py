"""A client that hangs up stops the model and the database at once, whatever it speaks, and leaves nothing half-done."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from connectrpc.codec import Codec
from connectrpc.compat import google_protobuf_binary_codec, google_protobuf_json_codec

from ragsql.v1.query_service_connect import QueryServiceClient
from ragsql.v1.query_service_pb2 import QueryRequest, StreamQueryRequest
from service.adapters.parsers.parser import DocumentParser
from service.app import Assembly, assemble
from service.domain.audit import AuditAction
from service.domain.caller import DEFAULT_CALLER
from service.domain.questions import Question, Route
from service.settings import load
from service.transport.app import build_transport
from tests.answers.conftest import WordEmbedder, WordReader
from tests.answers.test_answer_question import CASELOAD, RULES
from tests.hanging_model import HangingModel
from tests.serving import serving

pytestmark = pytest.mark.anyio
SECONDS = 60.0
"""Nothing waits for so long: this is what a busy machine may take."""
ROWS = 4000
ENDLESS = (
    "SELECT COUNT(*) AS n FROM big AS a JOIN big AS b ON a.same = b.same JOIN big AS c ON b.same = c.same "
    "JOIN big AS d ON c.same = d.same"
)

Ask = Callable[[str, str, str], Coroutine[Any, Any, None]]


async def stream(url: str, query: str, route: str) -> None:
    request = StreamQueryRequest(request=QueryRequest(query=query, route=route))
    async for _ in QueryServiceClient(url).stream_query(request):
        pass


async def unary(url: str, query: str, route: str) -> None:
    await QueryServiceClient(url).query(QueryRequest(query=query, route=route))


async def plain(url: str, query: str, route: str) -> None:
    body = json.dumps({"query": query, "route": route}).encode()
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"POST /query HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    try:
        await reader.read()
    finally:
        writer.close()


@pytest.fixture(params=[stream, unary, plain])
def ask(request: pytest.FixtureRequest) -> Ask:
    return request.param


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    rows = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS}) SELECT i, 1 FROM n"
    statements = ("CREATE TABLE big (id INTEGER PRIMARY KEY, same INTEGER NOT NULL)", f"INSERT INTO big {rows}")
    if request.param == "sqlite":
        connection = sqlite3.connect(tmp_path / "big.db")
        with connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()
        return f"sqlite:///{tmp_path / 'big.db'}"
    superuser = request.getfixturevalue("postgres_database")
    with psycopg.connect(superuser, autocommit=True) as connection:
        info = connection.info
        role = f"looker_{info.dbname}"
        for statement in (*statements, f"CREATE ROLE {role} LOGIN", f"GRANT SELECT ON big TO {role}"):
            connection.execute(statement.encode())
        return f"postgresql://{role}@/{info.dbname}?host={info.host}&port={info.port}"


@asynccontextmanager
async def service(
    tmp_path: Path, model: HangingModel, url: str, parser: DocumentParser
) -> AsyncGenerator[tuple[Assembly, str]]:
    values = {"RAGSQL_DATA_DIR": str(tmp_path / "data"), "DATABASE_URL": url, "OPENAI_BASE_URL": model.base_url}
    assembly = assemble(load(values), embedder=WordEmbedder(), reader=WordReader(), parser=parser)
    await assembly.use_cases.documents.upload(DEFAULT_CALLER, "rules.md", RULES.encode())
    with serving(build_transport(assembly.use_cases)) as address:
        yield assembly, f"http://{address}"
    await asyncio.to_thread(assembly.close)


async def hang_up(asking: asyncio.Task[None]) -> None:
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)


async def until(happened: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if await asyncio.to_thread(happened):
            return True
        await asyncio.sleep(0.02)
    return False


@pytest.mark.parametrize("codec", [google_protobuf_binary_codec(), google_protobuf_json_codec()])
async def test_the_route_is_told_while_the_model_still_generates(
    codec: Codec[Any, Any], model: HangingModel, tmp_path: Path, parser: DocumentParser
) -> None:
    async with service(tmp_path, model, f"sqlite:///{tmp_path / 'none.db'}", parser) as (_, url):
        request = StreamQueryRequest(request=QueryRequest(query=CASELOAD, route="ROUTE_DOCUMENTS"))
        events = QueryServiceClient(url, codec=codec).stream_query(request)
        first = await asyncio.wait_for(anext(events), SECONDS)
        assert first.routing.reason == "The caller chose this route."
        assert await asyncio.to_thread(model.asked.wait, SECONDS)
        assert not model.hung_up.is_set()
        await events.aclose()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


@pytest.mark.parametrize("route", ["ROUTE_DOCUMENTS", "ROUTE_SQL", "ROUTE_HYBRID"])
async def test_the_model_is_hung_up_on(
    ask: Ask, route: str, model: HangingModel, tmp_path: Path, parser: DocumentParser
) -> None:
    database = tmp_path / "agents.db"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE agent (id INTEGER PRIMARY KEY, name TEXT, customers INTEGER)")
    async with service(tmp_path, model, f"sqlite:///{database}", parser) as (assembly, url):
        asking = asyncio.create_task(ask(url, CASELOAD, route))
        assert await asyncio.to_thread(model.asked.wait, SECONDS)
        assert not model.hung_up.is_set()
        await hang_up(asking)
        assert await asyncio.to_thread(model.hung_up.wait, SECONDS)
        assert (await assembly.use_cases.sql.audit(DEFAULT_CALLER, 50, "")).items == ()
        assert not await assembly.use_cases.caches.clear(DEFAULT_CALLER, "answer")
        model.reply = "yes"
        answered = await assembly.use_cases.questions.ask(DEFAULT_CALLER, Question(CASELOAD, Route.DOCUMENTS))
        assert not answered.cache_hit


async def test_the_database_is_stopped(
    ask: Ask,
    model: HangingModel,
    database_url: str,
    tmp_path: Path,
    parser: DocumentParser,
    request: pytest.FixtureRequest,
) -> None:
    model.reply = f"```sql\n{ENDLESS}\n```"
    async with service(tmp_path, model, database_url, parser) as (assembly, url):

        async def last_action() -> AuditAction | None:
            items = (await assembly.use_cases.sql.audit(DEFAULT_CALLER, 50, "")).items
            return items[0].action if items else None

        asking = asyncio.create_task(ask(url, "How many rows are the same?", "ROUTE_SQL"))
        while await last_action() is not AuditAction.APPROVED:
            assert not asking.done()
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.3)
        assert await until(lambda: is_busy(request), SECONDS)
        await hang_up(asking)
        assert await until(lambda: not is_busy(request), SECONDS)
        while await last_action() is AuditAction.APPROVED:
            await asyncio.sleep(0.02)
        (event, *_) = (await assembly.use_cases.sql.audit(DEFAULT_CALLER, 50, "")).items
        assert (event.action, event.detail) == (AuditAction.FAILED, "The caller hung up while it ran.")
        assert not await assembly.use_cases.caches.clear(DEFAULT_CALLER, "sql_result")


def is_busy(request: pytest.FixtureRequest) -> bool:
    """Whether PostgreSQL runs the statement, or this process works as SQLite makes it, within its share of the CPU."""
    if "postgresql" in request.node.name:
        with psycopg.connect(request.getfixturevalue("postgres_database"), autocommit=True) as connection:
            found = connection.execute(
                b"SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' "
                b"AND usename LIKE 'looker_%'"
            ).fetchone()
            return found != (0,)
    begun, spent = time.perf_counter(), time.process_time()
    time.sleep(0.2)
    return (time.process_time() - spent) / (time.perf_counter() - begun) > 0.05
