"""The facades against a real socket: requests, replies, retries, errors, on every transport."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from connectrpc.code import Code
from connectrpc.errors import ConnectError
from connectrpc.method import IdempotencyLevel, MethodInfo, StreamType
from connectrpc.request import Headers, RequestContext

from ragsql.v1.answer_pb2 import Route
from ragsql.v1.document_service_pb2 import ListDocumentsRequest
from ragsql.v1.health_service_pb2 import HealthRequest, HealthResponse
from ragsql.v1.knowledge_service_pb2 import KnowledgeItem
from ragsql.v1.query_service_pb2 import SqlPolicy
from ragsql_client import AsyncClient, Client, FieldViolation, RagsqlError, Transport
from ragsql_client.retries import Retries
from tests.client.fake_server import QUOTE, FakeServices

TRANSPORTS: tuple[Transport, ...] = ("connect", "json", "grpc", "grpc-web")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_ask_sends_what_was_given(url: str, services: FakeServices, transport: Transport) -> None:
    with Client(url, transport=transport) as client:
        reply = client.ask("q", route="sql", sql_policy="require_approval", documents=["documents/a"], top_k=3)
    assert reply.answer.citations[0].quote == QUOTE
    sent = services.questions[0]
    assert (sent.query, sent.route, sent.sql_policy) == ("q", Route.ROUTE_SQL, SqlPolicy.SQL_POLICY_REQUIRE_APPROVAL)
    assert (list(sent.documents), sent.top_k) == (["documents/a"], 3)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_stream_ends_with_final(url: str, transport: Transport) -> None:
    with Client(url, transport=transport) as client:
        events = list(client.stream("q"))
    assert events[0].WhichOneof("event") == "routing"
    assert "".join(event.text_delta for event in events).strip() == events[-1].final.answer.text


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_errors_are_typed(url: str, transport: Transport) -> None:
    with Client(url, transport=transport) as client:
        with pytest.raises(RagsqlError) as unary:
            client.ask("")
        with pytest.raises(RagsqlError) as stream:
            list(client.stream(""))
    for error in (unary.value, stream.value):
        assert (error.code, error.reason, str(error)) == (
            Code.INVALID_ARGUMENT,
            "INVALID_FIELD",
            "It must not be empty.",
        )
        assert error.field_violations == (FieldViolation("query", "It must not be empty."),)
        assert error.metadata == {"hint": "h"}
        assert not error.is_unreachable


def test_upload_reads_the_file(url: str, services: FakeServices, tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"content")
    with Client(url) as client:
        assert not client.upload(file).cache_hit
        assert client.upload(str(file)).cache_hit
        assert client.upload(file, filename="b.txt").document.filename == "b.txt"
        with pytest.raises(FileNotFoundError):
            client.upload(tmp_path / "absent")
    assert services.files == {"a.txt": b"content", "b.txt": b"content"}


def test_idempotent_calls_are_repeated(url: str, services: FakeServices, tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"content")
    with Client(url) as client:
        services.unavailable = 2
        assert client.health().version == "1.2.3"
        services.unavailable = 2
        client.upload(file)
    assert services.calls == ["health"] * 3 + ["upload"] * 3


def test_repeats_end(url: str, services: FakeServices) -> None:
    services.unavailable = 9
    with Client(url, retries=1) as client, pytest.raises(RagsqlError, match="more work"):
        client.health()
    assert services.calls == ["health"] * 2


def test_repeats_respect_the_timeout(url: str, services: FakeServices) -> None:
    services.unavailable = 9
    with Client(url, retries=50, timeout=0.5) as client, pytest.raises(RagsqlError):
        client.health()
    assert services.unavailable > 0


def test_questions_are_asked_once(url: str, services: FakeServices) -> None:
    with Client(url) as client:
        for ask in (lambda: client.ask("q"), lambda: list(client.stream("q"))):
            services.unavailable = 1
            with pytest.raises(RagsqlError) as failed:
                ask()
            assert failed.value.code is Code.UNAVAILABLE
            assert not failed.value.is_unreachable
    assert services.calls == ["query", "stream_query"]


def test_nobody_answers() -> None:
    with Client("http://127.0.0.1:1", retries=0) as client:
        for call in (client.health, lambda: client.ask("q"), lambda: list(client.stream("q"))):
            with pytest.raises(RagsqlError) as failed:
                call()
            assert failed.value.is_unreachable


def test_generated_clients_share_everything(url: str, services: FakeServices) -> None:
    services.files = {"a": b"1"}
    with Client(url) as client:
        page = client.documents.list_documents(ListDocumentsRequest())
    assert [document.filename for document in page.documents] == ["a"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"url": "localhost:8080"}, "must begin with http"),
        ({"transport": "soap"}, "must be one of connect, json, grpc, grpc-web"),
        ({"timeout": 0}, "must be positive"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Client(**arguments)  # pyright: ignore[reportArgumentType]


@pytest.mark.anyio
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_async_client_does_the_same(
    url: str, services: FakeServices, transport: Transport, tmp_path: Path
) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"content")
    async with AsyncClient(url, transport=transport) as client:
        services.unavailable = 2
        assert (await client.health()).version == "1.2.3"
        assert (await client.upload(file)).document.filename == "a.txt"
        assert (await client.ask("q")).answer.citations[0].quote == QUOTE
        events = [event async for event in client.stream("q")]
        assert events[-1].final.answer.name == "answers/1"
        with pytest.raises(RagsqlError) as unary:
            await client.ask("")
        with pytest.raises(RagsqlError) as stream:
            [event async for event in client.stream("")]
    assert unary.value.field_violations == stream.value.field_violations != ()


def test_sql_is_read_and_then_run(url: str, services: FakeServices) -> None:
    with Client(url) as client:
        statement = client.generate_sql("q")
        assert services.executed == []
        result = client.execute_sql(statement, max_rows=5)
    assert len(result.table.rows) == 2
    (sent,) = services.executed
    assert (sent.name, sent.etag, sent.max_rows) == (statement.name, statement.etag, 5)


@pytest.mark.anyio
async def test_knowledge_goes_in_and_comes_out(url: str) -> None:
    items = [KnowledgeItem(documentation=f"Fact {i}.") for i in range(5)]
    async with AsyncClient(url) as client:
        assert (await client.import_knowledge(items)).created_count == 5
        assert await client.knowledge_items() == items[::-1]
        assert (await client.execute_sql(await client.generate_sql("q"))).table.truncated
    with Client(url) as blocking:
        assert blocking.import_knowledge(items[:1]).known_count == 1
        assert blocking.knowledge_items() == items[::-1]


@pytest.mark.anyio
@pytest.mark.parametrize("error", [None, ConnectError(Code.UNAVAILABLE, "away")])
async def test_giving_up_as_the_reply_comes_is_not_forgotten(error: ConnectError | None) -> None:
    loop = asyncio.get_running_loop()
    asked = 0

    async def call_next(request: str, ctx: RequestContext[Any, Any]) -> str:
        nonlocal asked
        asked += 1
        reply, task = loop.create_future(), asyncio.current_task()
        assert task is not None

        def at_once() -> None:
            if error:
                reply.set_exception(error)
            else:
                reply.set_result("reply")
            task.cancel()

        loop.call_soon(at_once)
        return await asyncio.wait_for(reply, 60)

    async def call() -> str:
        method: MethodInfo[Any, Any] = MethodInfo(
            name="Health",
            service_name="ragsql.v1.HealthService",
            input=HealthRequest,
            output=HealthResponse,
            idempotency_level=IdempotencyLevel.NO_SIDE_EFFECTS,
            stream_type=StreamType.UNARY,
        )
        context = RequestContext(method=method, http_method="POST", request_headers=Headers())
        return await Retries(2).intercept_unary(call_next, "request", context)

    calling = asyncio.create_task(call())
    with pytest.raises(asyncio.CancelledError):
        await calling
    assert asked == 1
