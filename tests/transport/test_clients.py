from __future__ import annotations

import asyncio
from typing import Any

import pytest
from connectrpc.code import Code
from connectrpc.codec import Codec
from connectrpc.compat import google_protobuf_binary_codec, google_protobuf_json_codec
from connectrpc.errors import ConnectError
from connectrpc.protocol import ProtocolType
from pyqwest import Client

from ragsql.v1 import (
    cache_service_pb2,
    document_pb2,
    document_service_pb2,
    feedback_service_pb2,
    health_service_pb2,
    knowledge_service_pb2,
    query_service_pb2,
    sql_service_pb2,
)
from ragsql.v1.cache_service_connect import CacheServiceClient
from ragsql.v1.document_service_connect import DocumentServiceClient
from ragsql.v1.feedback_service_connect import FeedbackServiceClient
from ragsql.v1.health_service_connect import HealthServiceClient
from ragsql.v1.knowledge_service_connect import KnowledgeServiceClient
from ragsql.v1.query_service_connect import QueryServiceClient
from ragsql.v1.sql_service_connect import SqlServiceClient
from service.domain.documents import DocumentState
from service.domain.questions import Question, Route, SqlPolicy
from tests.transport.fakes import Fakes
from tests.transport.wire import as_json, error_info, violated_fields

pytestmark = pytest.mark.anyio

WIRES = [
    pytest.param(ProtocolType.CONNECT, google_protobuf_binary_codec(), id="connect-proto"),
    pytest.param(ProtocolType.CONNECT, google_protobuf_json_codec(), id="connect-json"),
    pytest.param(ProtocolType.GRPC_WEB, google_protobuf_binary_codec(), id="grpc-web-proto"),
    pytest.param(ProtocolType.GRPC_WEB, google_protobuf_json_codec(), id="grpc-web-json"),
    pytest.param(ProtocolType.GRPC, google_protobuf_binary_codec(), id="grpc-proto"),
]


def query_client(rpc: Client, protocol: ProtocolType, codec: Codec[Any, Any]) -> QueryServiceClient:
    return QueryServiceClient("http://test", protocol=protocol, codec=codec, http_client=rpc)


@pytest.mark.parametrize(("protocol", "codec"), WIRES)
async def test_query_answers_over_every_protocol(
    rpc: Client, fakes: Fakes, protocol: ProtocolType, codec: Codec[Any, Any]
) -> None:
    request = query_service_pb2.QueryRequest(query="¿Qué? ✓", top_k=50, documents=["documents/d1"], route="ROUTE_SQL")
    response = await query_client(rpc, protocol, codec).query(request)
    assert fakes.calls == [("ask", Question("¿Qué? ✓", Route.SQL, SqlPolicy.UNSPECIFIED, ("d1",), 50))]
    assert response.answer.name == "answers/a1"
    assert response.answer.citations[0].quote == "Thirty days: ✓"
    assert response.answer.citations[0].document == "documents/d1"
    assert response.answer.sql_results[0].table.rows[0].values[0].int_value == 3503
    assert response.usage.models == ["local:m"]
    assert not response.cache_hit


@pytest.mark.parametrize(("protocol", "codec"), WIRES)
async def test_stream_query_sends_every_kind_of_event_and_the_result_last(
    rpc: Client, fakes: Fakes, protocol: ProtocolType, codec: Codec[Any, Any]
) -> None:
    request = query_service_pb2.StreamQueryRequest(request=query_service_pb2.QueryRequest(query="q"))
    events = [event async for event in query_client(rpc, protocol, codec).stream_query(request)]
    kinds = [event.WhichOneof("event") for event in events]
    assert kinds == ["routing", "citation", "sql_statement", "sql_result", "text_delta", "final"]
    assert events[-1].final.answer.text == "Thirty days: ✓"
    assert fakes.calls == [("stream", Question("q"))]
    assert fakes.stream_closed


@pytest.mark.parametrize(("protocol", "codec"), WIRES)
async def test_bounds_hold_for_unary_and_stream_and_name_the_field(
    rpc: Client, fakes: Fakes, protocol: ProtocolType, codec: Codec[Any, Any]
) -> None:
    client = query_client(rpc, protocol, codec)
    bad = query_service_pb2.QueryRequest(query="", top_k=0)
    with pytest.raises(ConnectError) as unary:
        await client.query(bad)
    with pytest.raises(ConnectError) as stream:
        await anext(client.stream_query(query_service_pb2.StreamQueryRequest(request=bad)))
    assert unary.value.code is stream.value.code is Code.INVALID_ARGUMENT
    assert violated_fields(as_json(unary.value)) == ["query", "top_k"]
    assert violated_fields(as_json(stream.value)) == ["request.query", "request.top_k"]
    assert fakes.calls == []


@pytest.mark.parametrize(("protocol", "codec"), WIRES)
@pytest.mark.parametrize("failure", [RuntimeError("password=hunter2"), OSError("/secret/hunter2"), KeyError("hunter2")])
async def test_the_text_of_an_unknown_exception_stays_in_the_log(
    rpc: Client,
    fakes: Fakes,
    caplog: pytest.LogCaptureFixture,
    protocol: ProtocolType,
    codec: Codec[Any, Any],
    failure: Exception,
) -> None:
    fakes.failure = failure
    client, request = query_client(rpc, protocol, codec), query_service_pb2.QueryRequest(query="q")
    with pytest.raises(ConnectError) as unary:
        await client.query(request)
    with pytest.raises(ConnectError) as stream:
        async for _ in client.stream_query(query_service_pb2.StreamQueryRequest(request=request)):
            pass
    for error in (unary.value, stream.value):
        assert error.code is Code.INTERNAL
        assert "hunter2" not in error.message
        assert all(b"hunter2" not in detail.message_bytes for detail in error.details)
        info = error_info(as_json(error))
        assert info.reason == "INTERNAL"
        assert info.metadata["error_id"] in caplog.text
    assert "hunter2" in caplog.text
    assert fakes.stream_closed


async def test_get_calls_a_method_without_side_effects(rpc: Client, fakes: Fakes) -> None:
    client = HealthServiceClient("http://test", http_client=rpc)
    response = await client.health(health_service_pb2.HealthRequest(), use_get=True)
    assert response.status == health_service_pb2.HEALTH_STATUS_DEGRADED
    assert response.components[1].detail == "Run: ragsql models pull"
    stats = await client.get_stats(health_service_pb2.GetStatsRequest(), use_get=True)
    assert (stats.document_count, stats.chunk_count, stats.knowledge_item_count) == (1, 2, 3)


@pytest.mark.not_on_lambda("responses are buffered, and nobody tells the function that a reader left")
async def test_a_reader_that_leaves_ends_the_work(rpc: Client, fakes: Fakes) -> None:
    fakes.endless = True
    client = QueryServiceClient("http://test", http_client=rpc)
    request = query_service_pb2.StreamQueryRequest(request=query_service_pb2.QueryRequest(query="q"))
    with pytest.raises(ConnectError) as error:
        async for _ in client.stream_query(request, timeout_ms=2000):
            pass
    assert error.value.code is Code.DEADLINE_EXCEEDED
    async with asyncio.timeout(60):
        while not fakes.stream_closed:
            await asyncio.sleep(0.01)


async def test_documents_are_uploaded_read_listed_and_deleted(rpc: Client, fakes: Fakes) -> None:
    client = DocumentServiceClient("http://test", http_client=rpc)
    upload = document_service_pb2.UploadRequest(filename="a.txt", content=b"hello")
    first, second = await client.upload(upload), await client.upload(upload)
    assert (first.cache_hit, second.cache_hit) == (False, True)
    name = first.document.name
    got = await client.get_document(document_service_pb2.GetDocumentRequest(name=name))
    assert got.document == second.document
    assert got.document.parser == "plain"
    states = [document_pb2.DOCUMENT_STATE_ACTIVE, document_pb2.DOCUMENT_STATE_FAILED]
    page = await client.list_documents(document_service_pb2.ListDocumentsRequest(page_size=9999, states=states))
    assert (page.documents[0].name, page.next_page_token) == (name, "more")
    assert fakes.calls[-1] == ("list", (250, "", (DocumentState.ACTIVE, DocumentState.FAILED)))
    await client.list_documents(document_service_pb2.ListDocumentsRequest(page_token="t"))
    assert fakes.calls[-1] == ("list", (50, "t", ()))
    await client.delete_document(document_service_pb2.DeleteDocumentRequest(name=name))
    with pytest.raises(ConnectError) as error:
        await client.get_document(document_service_pb2.GetDocumentRequest(name=name))
    assert error.value.code is Code.NOT_FOUND
    assert error_info(as_json(error.value)).metadata["name"] == name


async def test_statements_are_generated_executed_rejected_and_listed(rpc: Client, fakes: Fakes) -> None:
    client = SqlServiceClient("http://test", http_client=rpc)
    made = await client.generate_sql(sql_service_pb2.GenerateSqlRequest(question="How many?"))
    name, etag = made.sql_statement.name, made.sql_statement.etag
    ran = await client.execute_sql(sql_service_pb2.ExecuteSqlRequest(name=name, etag=etag))
    assert ran.sql_result.table.columns[0].name == "count(*)"
    await client.execute_sql(sql_service_pb2.ExecuteSqlRequest(name=name, etag=etag, max_rows=1000))
    assert ran.sql_result.execute_time == ran.answer.create_time
    assert ran.answer.sql_results[0] == ran.sql_result
    assert ran.answer.citations[0].filename == "policy.pdf"
    assert ran.usage.input_tokens == 5
    read = await client.get_sql_statement(sql_service_pb2.GetSqlStatementRequest(name=name))
    assert read.sql_statement == made.sql_statement
    rejected = await client.reject_sql(sql_service_pb2.RejectSqlRequest(name=name))
    listed = await client.list_sql_statements(sql_service_pb2.ListSqlStatementsRequest())
    assert rejected.sql_statement.state != listed.sql_statements[0].state
    assert fakes.calls == [
        ("generate", "How many?"),
        ("execute", ("s1", "e1", 100)),
        ("execute", ("s1", "e1", 1000)),
        ("get_statement", "s1"),
        ("reject", "s1"),
        ("list_statements", (50, "")),
    ]


async def test_what_happened_to_statements_is_listed(rpc: Client, fakes: Fakes) -> None:
    client = SqlServiceClient("http://test", http_client=rpc)
    (event,) = (await client.list_audit_events(sql_service_pb2.ListAuditEventsRequest(page_size=7))).audit_events
    assert (event.name, event.sql_statement) == ("auditEvents/v1", "sqlStatements/s1")
    assert event.action == sql_service_pb2.AUDIT_ACTION_EXECUTED
    assert event.approver == sql_service_pb2.SQL_APPROVER_PERSON
    assert (event.principal, event.etag, event.row_count) == ("ann", "e1", 3)
    assert event.duration_seconds == 0.25
    assert fakes.calls == [("audit", (7, ""))]


async def test_knowledge_is_taught_listed_and_forgotten(rpc: Client, fakes: Fakes) -> None:
    client = KnowledgeServiceClient("http://test", http_client=rpc)
    example = knowledge_service_pb2.ExampleQuery(question="q", sql="SELECT 1")
    for item in (
        knowledge_service_pb2.KnowledgeItem(name="ignored", example_query=example),
        knowledge_service_pb2.KnowledgeItem(ddl="CREATE TABLE t (a)"),
        knowledge_service_pb2.KnowledgeItem(documentation="A fiscal year starts in July."),
    ):
        request = knowledge_service_pb2.CreateKnowledgeItemRequest(knowledge_item=item)
        made = (await client.create_knowledge_item(request)).knowledge_item
        kind = item.WhichOneof("kind")
        assert made.name == "knowledgeItems/k1"
        assert kind is not None
        assert (made.WhichOneof("kind"), getattr(made, kind)) == (kind, getattr(item, kind))
    listed = await client.list_knowledge_items(knowledge_service_pb2.ListKnowledgeItemsRequest())
    assert listed.knowledge_items[0].ddl == "CREATE TABLE t (a)"
    await client.delete_knowledge_item(knowledge_service_pb2.DeleteKnowledgeItemRequest(name="knowledgeItems/k1"))
    assert fakes.calls[-1] == ("delete_item", "k1")
    items = [knowledge_service_pb2.KnowledgeItem(documentation=text) for text in ("a", "b")]
    made = await client.import_knowledge(knowledge_service_pb2.ImportKnowledgeRequest(knowledge_items=items))
    assert (made.created_count, made.known_count) == (1, 1)
    assert [item.documentation for item in fakes.calls[-1][1]] == ["a", "b"]


async def test_feedback_and_caches(rpc: Client, fakes: Fakes) -> None:
    feedback = FeedbackServiceClient("http://test", http_client=rpc)
    made = await feedback.create_feedback(
        feedback_service_pb2.CreateFeedbackRequest(parent="answers/a1", rating="RATING_BAD", comment="no")
    )
    assert made.name == "answers/a1/feedback/f1"
    listed = await feedback.list_feedback(feedback_service_pb2.ListFeedbackRequest(waiting_only=True))
    assert (listed.feedback[0].name, listed.feedback[0].question) == (made.name, "How many?")
    assert (listed.next_page_token, listed.feedback[0].HasField("promotion")) == ("more", False)
    promoted = await feedback.promote_feedback(feedback_service_pb2.PromoteFeedbackRequest(name=made.name))
    assert promoted.feedback.promotion.knowledge_item == "knowledgeItems/k1-sql"
    assert promoted.feedback.promotion.principal == "bob"
    assert fakes.calls == [
        ("feedback", ("a1", "BAD", "no", "")),
        ("list_feedback", (50, "", True)),
        ("promote", "f1"),
    ]
    caches = CacheServiceClient("http://test", http_client=rpc)
    stats = (await caches.get_cache_stats(cache_service_pb2.GetCacheStatsRequest())).caches
    assert [entry.hits for entry in stats] == [0, 0, 3, 0, 0]
    cleared = await caches.clear_cache(cache_service_pb2.ClearCacheRequest(kind="CACHE_KIND_SQL_RESULT"))
    assert (cleared.removed_count, fakes.calls[-1]) == (4, ("clear", "sql_result"))
